"""Venus in the scenario: the arithmetic of Compound V2's shares, written down a second time."""

from random import Random
from typing import Final

from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.protocols.vai import MINT_RATE_BPS
from oracle.devnet.protocols.venus import LIQUIDATION_INCENTIVE, scaled_price
from oracle.devnet.scenario.account import Kind, LenderAccount, Standing
from oracle.devnet.scenario.lender import Lender
from oracle.devnet.scenario.world import RESERVE, Wallet, World

_BPS: Final = 10_000
_PRICE_SCALE: Final = 10**28
_VAI: Final = "VAI"
_LEAST_VAI: Final = 10 * ETHER


class VenusLender(Lender):
    """`supplied` counts shares; each market's assets and shares give its exchange rate.

    `minted` and `liquidated` count what was done with the protocol's stablecoin.
    """

    name = "venus"

    def __init__(self, world: World, assets: dict[str, int], shares: dict[str, int]) -> None:
        super().__init__(world)
        self._assets = assets
        self._shares = shares
        self._entered: set[str] = set()
        self.minted = self.liquidated = 0

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
        return amount * self._scaled_price(symbol) // _PRICE_SCALE

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

    async def supply(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
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
        self, giver: Wallet, receiver: Wallet, account: LenderAccount, symbol: str, amount: int
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

    async def withdraw(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        await self.world.call(wallet, self.world.venus.shares[symbol], "redeemUnderlying", amount)
        shares = amount * ETHER // self._rate(symbol)
        account.supplied[symbol] -= shares
        self._shares[symbol] -= shares
        self._assets[symbol] -= amount

    async def borrow(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        await self.world.call(wallet, self.world.venus.shares[symbol], "borrow", amount)
        account.owed[symbol] += amount

    async def repay(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        if symbol == _VAI:
            await self._repay_vai(wallet, amount)
        else:
            await self.world.give(wallet, symbol, amount, self.world.venus.shares[symbol])
            await self.world.call(wallet, self.world.venus.shares[symbol], "repayBorrow", amount)
        account.owed[symbol] -= amount

    async def seize(
        self, hunter: Wallet, victim: str, account: LenderAccount, debt: str, amount: int, collateral: str
    ) -> None:
        """See Lender."""
        world, seized = self.world, self.world.venus.shares[collateral]
        if debt == _VAI:
            # What the hunter pays with, somebody else minted.
            await world.call(world.owner, world.vai.token, "mint", hunter.address, amount)
            await world.call(hunter, world.vai.token, "approve", world.vai.controller.address, amount)
            await world.call(hunter, world.vai.controller, "liquidateVAI", victim, amount, seized.address)
            self.liquidated += 1
        else:
            await world.give(hunter, debt, amount, world.venus.shares[debt])
            await world.call(hunter, world.venus.shares[debt], "liquidateBorrow", victim, amount, seized.address)
        account.supplied[collateral] -= self._seized_shares(debt, amount, collateral)
        account.owed[debt] -= amount

    def victims(self) -> list[tuple[str, LenderAccount]]:
        """See Lender: who owes the stablecoin comes first."""
        return sorted(super().victims(), key=lambda victim: not victim[1].owed[_VAI])

    def debt_to_pay(self, account: LenderAccount) -> str:
        """See Lender: the stablecoin, which is rarely the largest, so that some of it is liquidated in every life."""
        return _VAI if account.owed[_VAI] else super().debt_to_pay(account)

    async def act_otherwise(self, wallet: Wallet, account: LenderAccount, random: Random) -> bool:
        """See Lender: mint the stablecoin."""
        return await self.mint_vai(wallet, account, random)

    async def mint_vai(self, wallet: Wallet, account: LenderAccount, random: Random) -> bool:
        """Mint the protocol's stablecoin, which is a debt and no borrowing; False when nothing is to be had."""
        held = sum(self.held_usd(account, symbol) for symbol, shares in account.supplied.items() if shares)
        owed = sum(self.value(symbol, amount) for symbol, amount in account.owed.items())
        mintable = min(held * MINT_RATE_BPS // _BPS - owed, self.room_usd(account)) * random.randint(93, 99) // 100
        amount = mintable * (ETHER // 10**8)
        if wallet.address not in self._entered or amount < _LEAST_VAI:
            return False
        await self.world.call(wallet, self.world.vai.controller, "mintVAI", amount)
        account.owed[_VAI] += amount
        self.minted += 1
        return True

    async def owe(self, wallet: Wallet, random: Random) -> None:
        """See Lender: every other time it is the stablecoin that is owed."""
        account = self.accounts[wallet.address]
        if random.random() < 0.5:
            await super().owe(wallet, random)
        else:
            await self._supply(wallet, account, random)
            await self.mint_vai(wallet, account, random)

    def note_debt(self, account: LenderAccount, kind: Kind, symbol: str, amount: int) -> None:
        """See Lender: what is minted and paid back of the stablecoin is no borrowing."""
        if symbol != _VAI:
            super().note_debt(account, kind, symbol, amount)

    async def _repay_vai(self, wallet: Wallet, amount: int) -> None:
        vai = self.world.vai
        await self.world.call(wallet, vai.token, "approve", vai.controller.address, amount)
        await self.world.call(wallet, vai.controller, "repayVAI", amount)

    async def beg(self, wallet: Wallet) -> None:
        """Ask for a loan that is refused by an error code: the transaction succeeds, and nothing happened."""
        await self.world.call(wallet, self.world.venus.shares["USDC"], "borrow", 10**15)

    def _scaled_price(self, symbol: str) -> int:
        # The protocol counts one of its stablecoin as a dollar.
        return ETHER if symbol == _VAI else scaled_price(symbol, self.world.price_usd(symbol))

    def _rate(self, symbol: str) -> int:
        return self._assets[symbol] * ETHER // self._shares[symbol]

    def _seized_shares(self, debt: str, amount: int, collateral: str) -> int:
        prices = {symbol: self._scaled_price(symbol) for symbol in (debt, collateral)}
        numerator = LIQUIDATION_INCENTIVE * prices[debt] // ETHER
        denominator = prices[collateral] * self._rate(collateral) // ETHER
        return numerator * ETHER // denominator * amount // ETHER
