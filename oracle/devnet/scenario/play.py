"""The generator: many wallets, one random act after the other, the books closed a few times on the way.

The same seed gives the same lives. A protocol more is one entry in `Scenario.open`, with its acts and its ledger.
"""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.history import ExchangeHistory, LendingHistory, TermLoanHistory
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.scenario.aave import AaveV2Lender, AaveV3Lender
from oracle.devnet.scenario.compound import VenusLender
from oracle.devnet.scenario.exchanges import Exchange, SecondExchange, ThirdExchange
from oracle.devnet.scenario.lender import Lender
from oracle.devnet.scenario.routers import RouterSwaps
from oracle.devnet.scenario.term_loans import TermDesk
from oracle.devnet.scenario.wallets import Delegations, create_wallet
from oracle.devnet.scenario.world import Wallet, World

_ACTS_A_WALLET: Final = 5
_ACTS_BETWEEN_PRICES: Final = 12
_STEP_SECONDS: Final = (600, 7_200)
_COINS: Final = 500 * ETHER
_LOWEST_PRICE: Final = Decimal(1_500)
_HIGHEST_PRICE: Final = Decimal(4_500)
_LARGEST_MOVE_PER_MILLE: Final = 90
# Shares of the moments in which a wallet is supplied for, is sent a deposit, and pays itself; cumulative.
_GIVEN, _SENT, _PAYS_ITSELF = 0.03, 0.06, 0.08
# Every so many wallets one is a contract, and one has its code delegated now and then.
_CONTRACT_EVERY, _DELEGATING_EVERY = 12, 7
_DELEGATES: Final = 0.5
# Of the moments at which a loan in default is looked for.
_DEFAULTS: Final = 0.3
_LOOKS_AFTER_LOANS: Final = 0.3


@dataclass(frozen=True)
class Books:
    """The ledger as it stood at the end of a block: what the sources must find there."""

    at: BlockRef
    lending: dict[Address, list[LendingHistory]]
    exchanges: dict[Address, list[ExchangeHistory]]
    router_swaps: dict[Address, dict[str, int]]
    term_loans: dict[Address, list[TermLoanHistory]]


@dataclass(frozen=True)
class Played:
    """The wallets, and the books in the order in which they were closed."""

    wallets: list[Address]
    books: list[Books]


class Scenario:
    """A world with wallets in it; `play` lets them live."""

    def __init__(self, world: World, venus: VenusLender, seed: int, wallets: int) -> None:
        self._world = world
        self.venus = venus
        self.lenders: list[Lender] = [AaveV3Lender(world), AaveV2Lender(world), venus]
        second, third = SecondExchange(world), ThirdExchange(world)
        self._exchanges: list[Exchange] = [second, third]
        self.routers = RouterSwaps(world, second, third)
        self.delegations = Delegations(world, seed)
        coins, dollars = world.desks.lenders
        self._desks = [TermDesk(world, coins, in_dollars=False), TermDesk(world, dollars, in_dollars=True)]
        self._random = Random(seed)  # noqa: S311 - lives shall repeat, nothing is secret
        # Their own dice: what others do to a wallet does not change what it does itself.
        self._others = Random(f"others {seed}")  # noqa: S311
        self._seed, self._count = seed, wallets
        self._wallets: list[Wallet] = []
        self._delegating: list[LocalAccount] = []
        self._funded: set[str] = set()
        self._hunter = named_account(f"scenario {seed}: hunter")

    @classmethod
    async def open(cls, world: World, *, seed: int, wallets: int) -> "Scenario":
        """Return a scenario in a fresh world."""
        return cls(world, await VenusLender.open(world), seed, wallets)

    async def play(self, *, books: int) -> Played:
        """Let every wallet act about five times, and close the books so many times, evenly spread."""
        bank = named_account("scenario bank")
        chain = self._world.transactor.chain
        await self._create_wallets()
        await chain.set_balance(bank.address, (len(self._wallets) + 1) * 2 * _COINS)
        await chain.set_balance(self._hunter.address, 10_000 * _COINS)
        await self.delegations.open(_COINS)
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
                if self._others.random() < _DEFAULTS:
                    await self._desks[0].default_one(self._hunter)
            if number in closing:
                closed.append(await self._close_books())
        return Played([to_address(wallet.address) for wallet in self._wallets], closed)

    async def _create_wallets(self) -> None:
        for number in range(self._count):
            if number % _CONTRACT_EVERY == _CONTRACT_EVERY - 1:
                self._wallets.append(await create_wallet(self._world))
                continue
            account = named_account(f"scenario {self._seed}: wallet {number}")
            self._wallets.append(account)
            if number % _DELEGATING_EVERY == 0:
                self._delegating.append(account)

    async def _act(self, wallet: Wallet) -> None:
        if self._random.random() < _DELEGATES and wallet in self._delegating and isinstance(wallet, LocalAccount):
            await self.delegations.act(wallet, self._random)
        indebted = [desk for desk in self._desks if desk.open_loans(wallet.address)]
        choice = self._random.random()
        if indebted and choice < _LOOKS_AFTER_LOANS:
            await self._random.choice(indebted).act(wallet, self._random)
        elif choice < 0.42:
            await self._random.choice(self.lenders).act(wallet, self._random)
        elif choice < 0.5:
            for lender in self._random.sample(self.lenders, 2):
                await lender.owe(wallet, self._random)
        elif choice < 0.6:
            await self._random.choice(self._exchanges).act(wallet, self._random)
        elif choice < 0.72:
            await self.routers.act(wallet, self._random)
        elif choice < 0.84:
            await self._random.choice(self._desks).act(wallet, self._random)
        elif choice < 0.88:
            await self._random.choice(self._exchanges).fail(wallet)
        elif choice < 0.92:
            await self._refused(wallet)
        else:
            other = self._random.choice(self._wallets)
            await self._world.pay(wallet, other.address, self._random.randint(1, ETHER))

    async def _be_given(self, wallet: Wallet) -> None:
        """Let others give the wallet something now and then, or the wallet pay itself: no act of it at a protocol."""
        dice = self._others
        choice, giver = dice.random(), dice.choice(self._wallets)
        if giver.address not in self._funded:
            return
        if choice < _GIVEN:
            await dice.choice(self.lenders).give(giver, wallet, dice)
        elif choice < _SENT:
            held = [one for one in self.lenders if any(one.accounts[giver.address].supplied.values())]
            await dice.choice(held or self.lenders).send_shares(giver, wallet, dice)
        elif choice < _PAYS_ITSELF:
            await self._world.pay(wallet, wallet.address, dice.randint(1, ETHER))

    async def _refused(self, wallet: Wallet) -> None:
        lender = self._random.choice(self.lenders)
        if isinstance(lender, VenusLender):
            await lender.beg(wallet)
        elif isinstance(lender, AaveV3Lender):
            token = self._world.v3.tokens["USDC"].address
            await self._world.call(wallet, lender.pool, "withdraw", token, 10**15, wallet.address, fails=True)

    async def _move_price(self) -> None:
        moved = self._random.randint(-_LARGEST_MOVE_PER_MILLE, _LARGEST_MOVE_PER_MILLE)
        price = (self._world.ether_usd * (1000 + moved) / 1000).quantize(Decimal("0.01"))
        await self._world.set_ether_price(min(max(price, _LOWEST_PRICE), _HIGHEST_PRICE))
        for lender in self.lenders:
            await lender.liquidate(self._hunter, self._random)

    async def _close_books(self) -> Books:
        chain = self._world.transactor.chain
        block = await chain.rpc("eth_getBlockByNumber", "latest", False)
        at = BlockRef(int(block["number"], 16), block["hash"], int(block["timestamp"], 16))
        addresses = {to_address(wallet.address): wallet.address for wallet in self._wallets}
        return Books(
            at,
            {one: [lender.history(address) for lender in self.lenders] for one, address in addresses.items()},
            {one: [exchange.history(address) for exchange in self._exchanges] for one, address in addresses.items()},
            {one: self.routers.history(address) for one, address in addresses.items()},
            {one: [desk.history(address) for desk in self._desks] for one, address in addresses.items()},
        )
