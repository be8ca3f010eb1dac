"""The generator: many wallets, one random act after the other, the books closed a few times on the way.

The same seed gives the same lives. A protocol more is one entry in `Scenario.open`, with its acts and its ledger.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.history import ExchangeHistory, LendingHistory
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.scenario.aave import AaveV2Lender, AaveV3Lender
from oracle.devnet.scenario.compound import VenusLender
from oracle.devnet.scenario.exchanges import Exchange, SecondExchange, ThirdExchange
from oracle.devnet.scenario.lender import Lender
from oracle.devnet.scenario.world import World

_ACTS_A_WALLET: Final = 5
_ACTS_BETWEEN_PRICES: Final = 12
_STEP_SECONDS: Final = (600, 7_200)
_COINS: Final = 500 * ETHER
_LOWEST_PRICE: Final = Decimal(1_500)
_HIGHEST_PRICE: Final = Decimal(4_500)
_LARGEST_MOVE_PER_MILLE: Final = 90
# Shares of the moments in which a wallet is supplied for, is sent a deposit, and pays itself; cumulative.
_GIVEN, _SENT, _PAYS_ITSELF = 0.03, 0.06, 0.08


@dataclass(frozen=True)
class Books:
    """The ledger as it stood at the end of a block: what the sources must find there."""

    at: BlockRef
    lending: dict[Address, list[LendingHistory]]
    exchanges: dict[Address, list[ExchangeHistory]]


@dataclass(frozen=True)
class Played:
    """The wallets, and the books in the order in which they were closed."""

    wallets: list[Address]
    books: list[Books]


class Scenario:
    """A world with wallets in it; `play` lets them live."""

    def __init__(self, world: World, lenders: list[Lender], exchanges: list[Exchange], seed: int, wallets: int) -> None:
        self._world = world
        self._lenders = lenders
        self._exchanges = exchanges
        self._random = Random(seed)  # noqa: S311 - lives shall repeat, nothing is secret
        # Their own dice: what others do to a wallet does not change what it does itself.
        self._others = Random(f"others {seed}")  # noqa: S311
        self._wallets = [named_account(f"scenario {seed}: wallet {number}") for number in range(wallets)]
        self._funded: set[str] = set()
        self._hunter = named_account(f"scenario {seed}: hunter")

    @classmethod
    async def open(cls, world: World, *, seed: int, wallets: int) -> "Scenario":
        """Return a scenario in a fresh world."""
        lenders: list[Lender] = [AaveV3Lender(world), AaveV2Lender(world), await VenusLender.open(world)]
        return cls(world, lenders, [SecondExchange(world), ThirdExchange(world)], seed, wallets)

    async def play(self, *, books: int) -> Played:
        """Let every wallet act about five times, and close the books so many times, evenly spread."""
        bank = named_account("scenario bank")
        chain = self._world.transactor.chain
        await chain.set_balance(bank.address, (len(self._wallets) + 1) * 2 * _COINS)
        await chain.set_balance(self._hunter.address, 10_000 * _COINS)
        acts = _ACTS_A_WALLET * len(self._wallets)
        closing = {acts * (number + 1) // books - 1 for number in range(books)}
        closed = []
        for number in range(acts):
            wallet = self._random.choice(self._wallets)
            self._world.clock += self._random.randint(*_STEP_SECONDS)
            if wallet.address not in self._funded:
                self._funded.add(wallet.address)
                await self._world.pay(bank, wallet.address, _COINS)
            await self._act(wallet)
            await self._be_given(wallet)
            if number % _ACTS_BETWEEN_PRICES == 0:
                await self._move_price()
            if number in closing:
                closed.append(await self._close_books())
        return Played([to_address(wallet.address) for wallet in self._wallets], closed)

    async def _act(self, wallet: LocalAccount) -> None:
        choice = self._random.random()
        if choice < 0.6:
            await self._random.choice(self._lenders).act(wallet, self._random)
        elif choice < 0.8:
            await self._random.choice(self._exchanges).act(wallet, self._random)
        elif choice < 0.88:
            await self._random.choice(self._exchanges).fail(wallet)
        elif choice < 0.92:
            await self._refused(wallet)
        else:
            other = self._random.choice(self._wallets)
            await self._world.pay(wallet, other.address, self._random.randint(1, ETHER))

    async def _be_given(self, wallet: LocalAccount) -> None:
        """Let others give the wallet something now and then, or the wallet pay itself: no act of it at a protocol."""
        dice = self._others
        choice, giver = dice.random(), dice.choice(self._wallets)
        if giver.address not in self._funded:
            return
        if choice < _GIVEN:
            await dice.choice(self._lenders).give(giver, wallet, dice)
        elif choice < _SENT:
            held = [one for one in self._lenders if any(one.accounts[giver.address].supplied.values())]
            await dice.choice(held or self._lenders).send_shares(giver, wallet, dice)
        elif choice < _PAYS_ITSELF:
            await self._world.pay(wallet, wallet.address, dice.randint(1, ETHER))

    async def _refused(self, wallet: LocalAccount) -> None:
        lender = self._random.choice(self._lenders)
        if isinstance(lender, VenusLender):
            await lender.beg(wallet)
        elif isinstance(lender, AaveV3Lender):
            token = self._world.v3.tokens["USDC"].address
            await self._world.call(wallet, lender.pool, "withdraw", token, 10**15, wallet.address, fails=True)

    async def _move_price(self) -> None:
        moved = self._random.randint(-_LARGEST_MOVE_PER_MILLE, _LARGEST_MOVE_PER_MILLE)
        price = (self._world.ether_usd * (1000 + moved) / 1000).quantize(Decimal("0.01"))
        await self._world.set_ether_price(min(max(price, _LOWEST_PRICE), _HIGHEST_PRICE))
        for lender in self._lenders:
            await lender.liquidate(self._hunter, self._random)

    async def _close_books(self) -> Books:
        chain = self._world.transactor.chain
        block = await chain.rpc("eth_getBlockByNumber", "latest", False)
        at = BlockRef(int(block["number"], 16), block["hash"], int(block["timestamp"], 16))
        addresses = {to_address(wallet.address): wallet.address for wallet in self._wallets}
        return Books(
            at,
            {one: [lender.history(address) for lender in self._lenders] for one, address in addresses.items()},
            {one: [exchange.history(address) for exchange in self._exchanges] for one, address in addresses.items()},
        )
