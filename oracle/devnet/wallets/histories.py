"""Seven wallets with true histories: made on the local chain, by their own transactions, over two hundred days."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.protocols.aave import Aave
from oracle.devnet.protocols.attestations import DEVELOPER, PERSON, AttestationService
from oracle.devnet.protocols.beside_aave_v3 import Protocols
from oracle.devnet.protocols.names import NameService
from oracle.devnet.wallets.actor import Actor
from oracle.devnet.wallets.borrowing import Lender
from oracle.devnet.wallets.ledger import Ledger
from oracle.devnet.wallets.prices import CRASH_DAY, DAYS, ether_price_usd
from oracle.devnet.wallets.stage import DAY_SECONDS, Stage
from oracle.devnet.wallets.trades import Trader

HISTORY_SECONDS: Final = DAYS * DAY_SECONDS
# Acts of the last moment follow each other a second apart, and none may lie in the future.
_CLOSING_SECONDS: Final = 10
_EXCHANGE_COINS: Final = 100_000
_VICTIMS: Final = 48


@dataclass(frozen=True)
class Wallet:
    """One wallet of the scenario; `story` says in a sentence what it did."""

    actor: Actor
    story: str


@dataclass(frozen=True)
class Scenario:
    """The wallets by name, and the ledger of what they did."""

    wallets: dict[str, Wallet]
    ledger: Ledger
    transactor: Transactor


async def play_histories(
    transactor: Transactor,
    market: Aave,
    *,
    end: int,
    lender: Lender | None = None,
    names: NameService | None = None,
    attestations: AttestationService | None = None,
    protocols: Protocols | None = None,
) -> Scenario:
    """Let all wallets live through 200 days that end at the Unix time `end`, and return what they did.

    The chain's newest block must be older than that. Prices end where they began to make sense: ether at 3,000 USD.
    The late payer takes part only when a term lender stands, the careful wallet has a name and attestations only where
    there is a service for them, and nobody uses Venus and Uniswap where they are not. About 600 transactions.
    """
    stage = Stage(transactor, market, end - HISTORY_SECONDS - _CLOSING_SECONDS, lender, names, attestations)
    exchange = Actor(stage, "exchange")
    await transactor.chain.set_balance(exchange.address, _EXCHANGE_COINS * ETHER)
    # The feeds first: at a shared moment, wallets act at the day's new price.
    _plan_prices(stage)
    wallets = {
        "careful": Wallet(_careful(stage, exchange), "borrows little against much, and pays back month after month"),
        "edge": Wallet(_edge(stage, exchange), "moves big sums in and out, and stands at a health factor of 1.1"),
        "liquidated": Wallet(_liquidated(stage, exchange), "borrowed too much before the crash and was liquidated"),
        "newcomer": Wallet(_newcomer(stage, exchange), "four days old, three transfers"),
        "phishing": Wallet(await _phishing(stage, exchange), "drains many new senders and forwards it within minutes"),
        "trader": Wallet(_trader(stage, exchange), "sends and receives daily, never borrows"),
    }
    if lender is not None:
        wallets["late"] = Wallet(_late(stage, exchange), "repaid two term loans, both long after they were due")
    if protocols is not None:
        wallets |= _go_further(stage, protocols, exchange, wallets)
    await stage.play()
    return Scenario(wallets, stage.ledger, transactor)


def _plan_prices(stage: Stage) -> None:
    def publish(symbol_day: int) -> None:
        async def act(at: int) -> None:
            await stage.publish_price("WETH", ether_price_usd(symbol_day), at)

        stage.plan(symbol_day, act)

    for day in range(DAYS + 1):
        publish(day)


def _careful(stage: Stage, exchange: Actor) -> Actor:
    wallet, shop = Actor(stage, "careful"), Actor(stage, "shop")
    wallet.take_name(5, "careful-borrower.eth")
    wallet.be_attested(5.3, PERSON, True)
    wallet.be_attested(5.6, DEVELOPER, 140, first=timedelta(days=900))
    exchange.pay(1, wallet, 45)
    wallet.wrap(2, 30)
    wallet.approve(2, "WETH")
    wallet.supply(2.1, "WETH", 30)
    wallet.approve(3, "USDC")
    for month in range(6):
        wallet.borrow(6 + 31 * month, "USDC", 6_000)
        wallet.pay(9 + 31 * month, shop, "0.4")
        wallet.repay(20 + 31 * month, "USDC", 3_000)
        wallet.repay(33 + 31 * month, "USDC", 3_000)
    exchange.pay(90, wallet, 5)
    wallet.borrow(195, "USDC", 2_000)
    return wallet


def _edge(stage: Stage, exchange: Actor) -> Actor:
    wallet, desk = Actor(stage, "edge"), Actor(stage, "trading desk")
    exchange.pay(10, wallet, 120)
    exchange.give(10.2, wallet, "WBTC", 1)
    wallet.create_contract(10.5)
    wallet.wrap(11, 50)
    for symbol in ("WETH", "WBTC", "USDC"):
        wallet.approve(11.1, symbol)
    wallet.supply(11.2, "WETH", 50)
    wallet.supply(11.3, "WBTC", 1)
    for week in range(22):
        start = 14 + 8 * week
        wallet.borrow(start, "USDC", 45_000)
        wallet.pay(start + 1, desk, "1.5")
        wallet.borrow(start + 2, "USDC", 15_000)
        if week % 4 == 1:
            wallet.overdraw(start + 3, "WETH", 49)
        wallet.repay(start + 5, "USDC", 59_000)
        desk.pay(start + 6, wallet, "1.4")
    wallet.borrow(197, "USDC", 80_000)
    wallet.withdraw(198, "WBTC", "0.5")
    # On the last day, at its price: 50 WETH and half a WBTC carry 134,000 USD of debt at a factor of 1.1.
    wallet.borrow(DAYS, "USDC", 32_000)
    return wallet


def _liquidated(stage: Stage, exchange: Actor) -> Actor:
    wallet, liquidator = Actor(stage, "liquidated"), Actor(stage, "liquidator")
    exchange.pay(40, wallet, 14)
    exchange.pay(40, liquidator, 5)
    exchange.give(41, liquidator, "USDC", 50_000)
    liquidator.approve(41, "USDC")
    wallet.wrap(60, 10)
    wallet.approve(60, "WETH")
    wallet.supply(60.1, "WETH", 10)
    wallet.borrow(61, "USDC", 12_000)
    wallet.borrow(100, "USDC", 7_000)
    liquidator.liquidate(CRASH_DAY + 0.2, wallet, "USDC", 5_000, "WETH")
    liquidator.liquidate(CRASH_DAY + 0.3, wallet, "USDC", 3_000, "WETH")
    wallet.approve(150, "USDC")
    wallet.repay(150, "USDC", 1_500)
    return wallet


def _newcomer(stage: Stage, exchange: Actor) -> Actor:
    wallet, shop = Actor(stage, "newcomer"), Actor(stage, "shop")
    exchange.pay(196, wallet, 6)
    wallet.pay(197, shop, "0.05")
    wallet.pay(199, shop, "0.02")
    return wallet


async def _phishing(stage: Stage, exchange: Actor) -> Actor:
    wallet = Actor(stage, "phishing")
    collectors = [Actor(stage, f"collector {number}") for number in range(2)]
    exchange.pay(149.9, wallet, "0.2")
    taken = Decimal(0)
    for number in range(_VICTIMS):
        victim = Actor(stage, f"victim {number}")
        await stage.transactor.chain.set_balance(victim.address, 2 * ETHER)
        day = 150 + number / 12
        coins = Decimal("0.02") + _draw(number)
        taken += coins
        victim.pay(day, wallet, coins)
        if number % 4 == 3:
            # Minutes after the newest victim paid, nearly everything leaves.
            wallet.pay(day + 0.01, collectors[number // 4 % 2], taken - Decimal("0.01"))
            taken = Decimal(0)
    return wallet


def _trader(stage: Stage, exchange: Actor) -> Actor:
    wallet = Actor(stage, "trader")
    partners = [Actor(stage, f"partner {number}") for number in range(4)]
    exchange.pay(30, wallet, 20)
    for number, partner in enumerate(partners):
        exchange.pay(30.1 + number / 100, partner, 20)
    for number in range(40):
        wallet.pay(31 + 4 * number, partners[number % 4], Decimal("0.2") + _draw(number))
        partners[(number + 1) % 4].pay(32.5 + 4 * number, wallet, Decimal("0.2") + _draw(number + 40))
    return wallet


def _late(stage: Stage, exchange: Actor) -> Actor:
    wallet = Actor(stage, "late")
    exchange.pay(70, wallet, 30)
    for start, delay in ((80, 16), (140, 9)):
        wallet.request_loan(start, 2, 6, 14)
        wallet.take_plain_terms(start + 1)
        wallet.repay_loan(start + 1 + 14 + delay, late=True)
    return wallet


def _go_further(stage: Stage, protocols: Protocols, exchange: Actor, wallets: dict[str, Wallet]) -> dict[str, Wallet]:
    """Let three of the wallets use other protocols too, and return them with longer stories."""
    careful, edge, trader = (wallets[name].actor for name in ("careful", "edge", "trader"))
    careful.wrap(94, 1)
    exchange.give(94, careful, "USDC", 3_000)
    Trader(stage, protocols, careful).hold_position(95, 1, 3_000)

    edge.wrap(12, 15)
    venus = Trader(stage, protocols, edge)
    venus.supply_at_venus(12.5, "WETH", 12)
    for day in (20, 90):
        venus.borrow_at_venus(day, "USDC", 6_000, against="WETH")
        venus.swap_at_v3(day + 0.1, "USDC", "WETH", 2_000)
        venus.repay_at_venus(day + 50, "USDC")
    venus.swap_at_v3(160, "WETH", "USDC", 1)
    venus.leave_venus(170, "WETH")

    trader.wrap(33, 4)
    floor = Trader(stage, protocols, trader)
    for week in range(8):
        floor.swap_at_v2(40.5 + 14 * week, "WETH", "USDC", "0.4")
        floor.swap_at_v2(47.5 + 14 * week, "USDC", "WETH", 1_000)
    return {
        "careful": Wallet(careful, f"{wallets['careful'].story}, and holds a position at Uniswap"),
        "edge": Wallet(edge, f"{wallets['edge'].story}; borrows at Venus too, and swaps what it borrowed"),
        "trader": Wallet(trader, "sends, receives and swaps, never borrows"),
    }


def _draw(number: int) -> Decimal:
    """Return an amount below one coin that looks random and is the same in every run."""
    return Decimal(hashlib.sha256(f"amount {number}".encode()).digest()[0]) / 256
