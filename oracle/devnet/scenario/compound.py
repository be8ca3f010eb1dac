"""Venus in the scenario: the arithmetic of Compound V2's shares, written down a second time."""

from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.protocols.venus import LIQUIDATION_INCENTIVE, scaled_price
from oracle.devnet.scenario.account import LenderAccount, Standing
from oracle.devnet.scenario.lender import Lender
from oracle.devnet.scenario.world import RESERVE, World

_BPS: Final = 10_000
_PRICE_SCALE: Final = 10**28


class VenusLender(Lender):
    """`supplied` counts shares; each market's assets and shares give its exchange rate."""

    name = "venus"

    def __init__(self, world: World, assets: dict[str, int], shares: dict[str, int]) -> None:
        super().__init__(world)
        self._assets = assets
        self._shares = shares
        self._entered: set[str] = set()

    @classmethod
    async def open(cls, world: World) -> "VenusLender":
        """Return the lender as the markets stand after their deployment."""
        assets, shares = {}, {}
        for symbol, market in world.venus.shares.items():
            shares[symbol] = int(await world.transactor.read(market, "totalSupply"))
            assets[symbol] = int(await world.transactor.read(market, "getCash"))
        return cls(world, assets, shares)

    def value(self, symbol: str, amount: int) -> int:
        """See Lender."""
        return amount * scaled_price(symbol, self.world.price_usd(symbol)) // _PRICE_SCALE

    def held_usd(self, account: LenderAccount, symbol: str) -> int:
        """See Lender."""
        return self.value(symbol, account.supplied[symbol] * self._rate(symbol) // ETHER)

    def standing(self, account: LenderAccount) -> Standing:
        """See Lender."""
        held = {symbol: self.held_usd(account, symbol) for symbol, shares in account.supplied.items() if shares}
        debt = sum(self.value(symbol, amount) for symbol, amount in account.owed.items())
        borrowable = sum(usd * (RESERVE[symbol].ltv * ETHER // _BPS) // ETHER for symbol, usd in held.items())
        return Standing(sum(held.values()), debt, borrowable * ETHER // debt if debt else None)

    def room_usd(self, account: LenderAccount) -> int:
        """See Lender."""
        borrowable = sum(self.held_usd(account, symbol) * RESERVE[symbol].ltv // _BPS for symbol in account.supplied)
        return max(0, borrowable - sum(self.value(symbol, amount) for symbol, amount in account.owed.items()))

    def seizable(self, account: LenderAccount, debt: str, amount: int, collateral: str) -> int | None:
        """See Lender."""
        shares = self._seized_shares(debt, amount, collateral)
        if shares > account.supplied[collateral]:
            return None
        return self.value(collateral, shares * self._rate(collateral) // ETHER)

    async def supply(self, wallet: LocalAccount, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        world = self.world
        if wallet.address not in self._entered:
            self._entered.add(wallet.address)
            markets = [market.address for market in world.venus.shares.values()]
            await world.call(wallet, world.venus.comptroller, "enterMarkets", markets)
        await world.give(wallet, symbol, amount, world.venus.shares[symbol])
        await world.call(wallet, world.venus.shares[symbol], "mint", amount)
        shares = amount * ETHER // self._rate(symbol)
        account.supplied[symbol] += shares
        self._shares[symbol] += shares
        self._assets[symbol] += amount

    async def supply_for(
        self, giver: LocalAccount, receiver: LocalAccount, account: LenderAccount, symbol: str, amount: int
    ) -> bool:
        """See Lender; for wallets that entered the markets, since other shares back nothing."""
        shares = amount * ETHER // self._rate(symbol)
        if receiver.address not in self._entered or not shares:
            return False
        await self.world.give(giver, symbol, amount, self.world.venus.shares[symbol])
        await self.world.call(giver, self.world.venus.shares[symbol], "mintBehalf", receiver.address, amount)
        account.supplied[symbol] += shares
        self._shares[symbol] += shares
        self._assets[symbol] += amount
        return True

    async def withdraw(self, wallet: LocalAccount, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        await self.world.call(wallet, self.world.venus.shares[symbol], "redeemUnderlying", amount)
        shares = amount * ETHER // self._rate(symbol)
        account.supplied[symbol] -= shares
        self._shares[symbol] -= shares
        self._assets[symbol] -= amount

    async def borrow(self, wallet: LocalAccount, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        await self.world.call(wallet, self.world.venus.shares[symbol], "borrow", amount)
        account.owed[symbol] += amount

    async def repay(self, wallet: LocalAccount, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        await self.world.give(wallet, symbol, amount, self.world.venus.shares[symbol])
        await self.world.call(wallet, self.world.venus.shares[symbol], "repayBorrow", amount)
        account.owed[symbol] -= amount

    async def seize(
        self, hunter: LocalAccount, victim: str, account: LenderAccount, debt: str, amount: int, collateral: str
    ) -> None:
        """See Lender."""
        market, seized = self.world.venus.shares[debt], self.world.venus.shares[collateral]
        await self.world.give(hunter, debt, amount, market)
        await self.world.call(hunter, market, "liquidateBorrow", victim, amount, seized.address)
        account.supplied[collateral] -= self._seized_shares(debt, amount, collateral)
        account.owed[debt] -= amount

    async def beg(self, wallet: LocalAccount) -> None:
        """Ask for a loan that is refused by an error code: the transaction succeeds, and nothing happened."""
        await self.world.call(wallet, self.world.venus.shares["USDC"], "borrow", 10**15)

    def _rate(self, symbol: str) -> int:
        return self._assets[symbol] * ETHER // self._shares[symbol]

    def _seized_shares(self, debt: str, amount: int, collateral: str) -> int:
        prices = {symbol: scaled_price(symbol, self.world.price_usd(symbol)) for symbol in (debt, collateral)}
        numerator = LIQUIDATION_INCENTIVE * prices[debt] // ETHER
        denominator = prices[collateral] * self._rate(collateral) // ETHER
        return numerator * ETHER // denominator * amount // ETHER
