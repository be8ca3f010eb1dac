"""What every lender of the scenario offers: one random valid act of a wallet at a time, noted as it is done."""

from abc import ABC, abstractmethod
from collections import defaultdict
from decimal import Decimal
from random import Random
from typing import Final

from oracle.assessment.history import LendingHistory
from oracle.devnet.scenario.account import Kind, LenderAccount, Standing
from oracle.devnet.scenario.world import RESERVE, Wallet, World

_BASIS_POINTS: Final = 10_000
# After an act a wallet keeps this much of what it may borrow, in basis points: prices must be able to move against it.
_LEAST_ROOM: Final = (150, 2_000)


class Lender(ABC):
    """One lending protocol with its ledger. Amounts are in smallest units."""

    name: str

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts: dict[str, LenderAccount] = defaultdict(LenderAccount)
        self.modes_entered = 0

    async def act(self, wallet: Wallet, random: Random) -> None:
        """Let a wallet do one random thing that the protocol allows."""
        account = self.accounts[wallet.address]
        choice = random.random()
        if not any(account.supplied.values()) or choice < 0.15:
            await self._supply(wallet, account, random)
            return
        if choice < 0.35 and await self.act_otherwise(wallet, account, random):
            return
        if choice < 0.6 and await self._repay(wallet, account, random):
            return
        if choice < 0.75:
            await self._borrow(wallet, account, random)
        else:
            await self._withdraw(wallet, account, random)

    async def act_otherwise(self, wallet: Wallet, account: LenderAccount, random: Random) -> bool:
        """Let a wallet do something that only this lender knows; False when it did nothing."""
        return False

    def borrowable(self, account: LenderAccount) -> tuple[str, ...]:
        """Return what may be borrowed, as often as it is."""
        return ("USDC", "USDC", "WBTC", "WETH")

    def note_debt(self, account: LenderAccount, kind: Kind, symbol: str, amount: int) -> None:
        """Write down what was borrowed or repaid."""
        account.note(kind, self.value(symbol, amount), self.world.clock)

    async def owe(self, wallet: Wallet, random: Random) -> None:
        """Let a wallet supply something and borrow against it, and now and then think better of it."""
        account = self.accounts[wallet.address]
        await self._supply(wallet, account, random)
        await self._borrow(wallet, account, random)
        choice = random.random()
        if choice < 0.3:
            await self._repay(wallet, account, random)
        elif choice < 0.6:
            await self._withdraw(wallet, account, random)

    async def give(self, giver: Wallet, receiver: Wallet, random: Random) -> None:
        """Let a wallet supply something, dust or much, in another's name: the other did nothing."""
        symbol, account = random.choice(("WETH", "USDC", "WBTC")), self.accounts[receiver.address]
        amount = self._units(symbol, random.choice((1, random.randint(300, 3_000))))
        if await self.supply_for(giver, receiver, account, symbol, amount):
            account.note(Kind.SUPPLY, self.value(symbol, amount), self.world.clock, own=giver is receiver)

    async def send_shares(self, sender: Wallet, receiver: Wallet, random: Random) -> None:
        """Let a wallet send a part of what it can do without; nothing of that is logged as a use of the protocol."""
        account = self.accounts[sender.address]
        held = sorted(symbol for symbol, amount in account.supplied.items() if amount)
        if not held or sender is receiver:
            return
        symbol = random.choice(held)
        usd = self.held_usd(account, symbol) if not any(account.owed.values()) else self.room_usd(account)
        most = min(usd, self.held_usd(account, symbol)) * random.randint(5, 60) // 100
        if amount := self._units(symbol, most // 10**8):
            await self.transfer(sender, receiver, symbol, amount)

    async def supply_for(
        self, giver: Wallet, receiver: Wallet, account: LenderAccount, symbol: str, amount: int
    ) -> bool:
        """Supply in another's name; False where the protocol does not know that."""
        return False

    async def transfer(self, sender: Wallet, receiver: Wallet, symbol: str, amount: int) -> bool:
        """Send what stands for a deposit; False where the scenario does not do that."""
        return False

    async def liquidate(self, hunter: Wallet, random: Random) -> bool:
        """Let the hunter repay a part of a debt whose health factor is below one; False when there is none."""
        for address, account in self.victims():
            debt = self.debt_to_pay(account)
            collateral = max(account.supplied, key=lambda symbol: self.held_usd(account, symbol))
            amount = account.owed[debt] * random.randint(10, 45) // 100
            seized = self.seizable(account, debt, amount, collateral)
            if not amount or seized is None:
                continue
            await self.seize(hunter, address, account, debt, amount, collateral)
            account.note(Kind.LIQUIDATED, seized, self.world.clock)
            return True
        return False

    def victims(self) -> list[tuple[str, LenderAccount]]:
        """Return who may be liquidated, in the order in which hunters look."""
        factors = {address: self.standing(account).health_factor_wad for address, account in self.accounts.items()}
        return [(one, self.accounts[one]) for one, factor in factors.items() if factor is not None and factor < 10**18]

    def debt_to_pay(self, account: LenderAccount) -> str:
        """Return which of its debts a liquidator pays a part of."""
        return max(account.owed, key=lambda symbol: self.value(symbol, account.owed[symbol]))

    def history(self, address: str) -> LendingHistory:
        """Return what the sources must find of a wallet now."""
        account = self.accounts[address]
        return account.history(self.name, self.standing(account))

    async def _supply(self, wallet: Wallet, account: LenderAccount, random: Random) -> None:
        symbol = random.choice(("WETH", "WETH", "USDC", "WBTC"))
        amount = self._units(symbol, random.randint(300, 30_000))
        await self.supply(wallet, account, symbol, amount)
        account.note(Kind.SUPPLY, self.value(symbol, amount), self.world.clock)

    async def _repay(self, wallet: Wallet, account: LenderAccount, random: Random) -> bool:
        owing = sorted(symbol for symbol, amount in account.owed.items() if amount > 1_000)
        if not owing:
            return False
        symbol = random.choice(owing)
        amount = account.owed[symbol] * random.randint(5, 90) // 100
        await self.repay(wallet, account, symbol, amount)
        self.note_debt(account, Kind.REPAY, symbol, amount)
        return True

    async def _borrow(self, wallet: Wallet, account: LenderAccount, random: Random) -> None:
        symbol = random.choice(self.borrowable(account))
        usd = self.room_usd(account) * (_BASIS_POINTS - random.randint(*_LEAST_ROOM)) // _BASIS_POINTS
        amount = self._units(symbol, usd // 10**8)
        if not amount:
            await self._supply(wallet, account, random)
            return
        await self.borrow(wallet, account, symbol, amount)
        self.note_debt(account, Kind.BORROW, symbol, amount)

    async def _withdraw(self, wallet: Wallet, account: LenderAccount, random: Random) -> None:
        symbol = random.choice(sorted(symbol for symbol, amount in account.supplied.items() if amount))
        # Every supplied dollar backs at most 81 cents of debt: so much room is certain to be enough.
        usd = self.held_usd(account, symbol) if not any(account.owed.values()) else self.room_usd(account)
        most = min(usd, self.held_usd(account, symbol)) * random.randint(5, 90) // 100
        amount = self._units(symbol, most // 10**8)
        if not amount:
            await self._supply(wallet, account, random)
            return
        await self.withdraw(wallet, account, symbol, amount)
        account.note(Kind.WITHDRAW, self.value(symbol, amount), self.world.clock)

    def _units(self, symbol: str, usd: int) -> int:
        return int((Decimal(usd) / self.world.price_usd(symbol)).scaleb(RESERVE[symbol].decimals))

    @abstractmethod
    def value(self, symbol: str, amount: int) -> int:
        """Return what an amount is worth now, in 1e-8 USD, as the source must find it."""

    @abstractmethod
    def held_usd(self, account: LenderAccount, symbol: str) -> int:
        """Return what stands supplied, in 1e-8 USD."""

    @abstractmethod
    def standing(self, account: LenderAccount) -> Standing:
        """Return the position now."""

    @abstractmethod
    def room_usd(self, account: LenderAccount) -> int:
        """Return how much more may be borrowed, in 1e-8 USD; zero when nothing."""

    @abstractmethod
    def seizable(self, account: LenderAccount, debt: str, amount: int, collateral: str) -> int | None:
        """Return the 1e-8 USD that a liquidator would get, None when the collateral does not suffice."""

    @abstractmethod
    async def supply(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """Supply."""

    @abstractmethod
    async def withdraw(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """Withdraw."""

    @abstractmethod
    async def borrow(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """Borrow."""

    @abstractmethod
    async def repay(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """Repay."""

    @abstractmethod
    async def seize(
        self, hunter: Wallet, victim: str, account: LenderAccount, debt: str, amount: int, collateral: str
    ) -> None:
        """Liquidate."""
