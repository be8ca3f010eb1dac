"""Aave V3 and V2 in the scenario: their own arithmetic, written down a second time."""

from dataclasses import replace
from random import Random
from typing import Final

from web3 import Web3

from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.aave import LIQUIDATION_PROTOCOL_FEE_BPS, ReserveParameters
from oracle.devnet.scenario.account import LenderAccount, Standing
from oracle.devnet.scenario.lender import Lender
from oracle.devnet.scenario.world import MODE, RESERVE, ModeParameters, Wallet

_BPS: Final = 10_000
_HALF: Final = _BPS // 2
_WAD: Final = 10**18
_VARIABLE: Final = 2
_USD: Final = 10**8


class AaveV3Lender(Lender):
    """Prices are in 1e-8 USD."""

    name = "aave-v3"
    supply_function = "supply"
    deposit_token_at = 8
    protocol_fee = LIQUIDATION_PROTOCOL_FEE_BPS
    has_modes = True

    @property
    def pool(self) -> Deployed:
        """The contract that users call."""
        return self.world.v3.pool

    def price(self, symbol: str) -> int:
        """Return a whole token's price in the base currency."""
        return self.world.v3.feeds.prices[symbol]

    def usd(self, base: int) -> int:
        """Return an amount of the base currency in 1e-8 USD."""
        return base

    def base(self, symbol: str, amount: int) -> int:
        """Return what an amount is worth in the base currency."""
        return int(amount * self.price(symbol) // 10 ** RESERVE[symbol].decimals)

    def value(self, symbol: str, amount: int) -> int:
        """See Lender."""
        return self.base(symbol, amount)

    def held_usd(self, account: LenderAccount, symbol: str) -> int:
        """See Lender."""
        return self.value(symbol, account.supplied[symbol])

    def standing(self, account: LenderAccount) -> Standing:
        """See Lender."""
        held = {symbol: self.base(symbol, amount) for symbol, amount in account.supplied.items()}
        collateral, debt = sum(held.values()), self._debt(account)
        if not debt:
            return Standing(self.usd(collateral), 0, None)
        weighted = sum(base * _limits(account, symbol).liquidation_threshold for symbol, base in held.items())
        threshold = weighted // collateral if collateral else 0
        factor = (_percent(collateral, threshold) * _WAD + debt // 2) // debt
        return Standing(self.usd(collateral), self.usd(debt), factor)

    def room_usd(self, account: LenderAccount) -> int:
        """See Lender."""
        weighted = sum(
            self.base(symbol, amount) * _limits(account, symbol).ltv for symbol, amount in account.supplied.items()
        )
        return max(0, self.usd(weighted // _BPS - self._debt(account)))

    def seizable(self, account: LenderAccount, debt: str, amount: int, collateral: str) -> int | None:
        """See Lender."""
        bonus_bps = _limits(account, collateral).bonus
        whole = self.whole_seizure(debt, amount, collateral, bonus_bps)
        if whole > account.supplied[collateral]:
            return None
        bonus = whole - _percent_of(whole, bonus_bps)
        return self.value(collateral, whole - _percent(bonus, self.protocol_fee))

    def whole_seizure(self, debt: str, amount: int, collateral: str, bonus_bps: int) -> int:
        """Return the collateral that a liquidation takes, the protocol's share included."""
        numerator = self.price(debt) * amount * 10 ** RESERVE[collateral].decimals
        base = numerator // (self.price(collateral) * 10 ** RESERVE[debt].decimals)
        return _percent(base, bonus_bps)

    def borrowable(self, account: LenderAccount) -> tuple[str, ...]:
        """See Lender: in a mode only what is of it."""
        return tuple(sorted(MODE.symbols)) if account.in_mode else super().borrowable(account)

    async def act_otherwise(self, wallet: Wallet, account: LenderAccount, random: Random) -> bool:
        """See Lender: enter the efficiency mode, or leave it."""
        foreign = any(amount for symbol, amount in account.owed.items() if symbol not in MODE.symbols)
        if not self.has_modes or foreign:
            return False
        account.in_mode = not account.in_mode
        if account.in_mode or not self._debt(account) or self.room_usd(account):
            category = MODE.category if account.in_mode else 0
            await self.world.call(wallet, self.pool, "setUserEMode", category)
            self.modes_entered += account.in_mode
            return True
        account.in_mode = True  # what is borrowed holds only there
        return False

    async def supply(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        token = self.world.v3.tokens[symbol].address
        await self.world.give(wallet, symbol, amount, self.pool)
        await self.world.call(wallet, self.pool, self.supply_function, token, amount, wallet.address, 0)
        account.supplied[symbol] += amount

    async def supply_for(
        self, giver: Wallet, receiver: Wallet, account: LenderAccount, symbol: str, amount: int
    ) -> bool:
        """See Lender."""
        token = self.world.v3.tokens[symbol].address
        await self.world.give(giver, symbol, amount, self.pool)
        await self.world.call(giver, self.pool, self.supply_function, token, amount, receiver.address, 0)
        account.supplied[symbol] += amount
        return True

    async def transfer(self, sender: Wallet, receiver: Wallet, symbol: str, amount: int) -> bool:
        """See Lender: the tokens of a deposit."""
        token = self.world.v3.tokens[symbol]
        reserve = await self.world.transactor.read(self.pool, "getReserveData", token.address)
        deposit = replace(token, address=Web3.to_checksum_address(reserve[self.deposit_token_at]))
        await self.world.call(sender, deposit, "transfer", receiver.address, amount)
        self.accounts[sender.address].supplied[symbol] -= amount
        self.accounts[receiver.address].supplied[symbol] += amount
        return True

    async def withdraw(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        token = self.world.v3.tokens[symbol].address
        await self.world.call(wallet, self.pool, "withdraw", token, amount, wallet.address)
        account.supplied[symbol] -= amount

    async def borrow(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        token = self.world.v3.tokens[symbol].address
        await self.world.call(wallet, self.pool, "borrow", token, amount, _VARIABLE, 0, wallet.address)
        account.owed[symbol] += amount

    async def repay(self, wallet: Wallet, account: LenderAccount, symbol: str, amount: int) -> None:
        """See Lender."""
        token = self.world.v3.tokens[symbol].address
        await self.world.give(wallet, symbol, amount, self.pool)
        await self.world.call(wallet, self.pool, "repay", token, amount, _VARIABLE, wallet.address)
        account.owed[symbol] -= amount

    async def seize(
        self, hunter: Wallet, victim: str, account: LenderAccount, debt: str, amount: int, collateral: str
    ) -> None:
        """See Lender."""
        tokens = (self.world.v3.tokens[collateral].address, self.world.v3.tokens[debt].address)
        await self.world.give(hunter, debt, amount, self.pool)
        await self.world.call(hunter, self.pool, "liquidationCall", *tokens, victim, amount, False)
        bonus_bps = _limits(account, collateral).bonus
        account.supplied[collateral] -= self.whole_seizure(debt, amount, collateral, bonus_bps)
        account.owed[debt] -= amount

    def _debt(self, account: LenderAccount) -> int:
        return sum(self.base(symbol, amount) for symbol, amount in account.owed.items())


class AaveV2Lender(AaveV3Lender):
    """Prices are in wei of ether, and no share of a liquidation goes to the protocol."""

    name = "aave-v2"
    supply_function = "deposit"
    deposit_token_at = 7
    protocol_fee = 0
    has_modes = False

    @property
    def pool(self) -> Deployed:
        """See AaveV3Lender."""
        return self.world.v2.pool

    def price(self, symbol: str) -> int:
        """See AaveV3Lender."""
        return self.world.v2.prices_wei[symbol]

    def usd(self, base: int) -> int:
        """See AaveV3Lender."""
        return base * self.world.v3.feeds.prices["WETH"] // ETHER

    def value(self, symbol: str, amount: int) -> int:
        """See Lender: rounded once, from the exact product of both prices."""
        product = amount * self.price(symbol) * self.world.v3.feeds.prices["WETH"]
        return int(product // (ETHER * 10 ** RESERVE[symbol].decimals))

    def whole_seizure(self, debt: str, amount: int, collateral: str, bonus_bps: int) -> int:
        """See AaveV3Lender: the bonus comes before the division here."""
        numerator = self.price(debt) * amount * 10 ** RESERVE[collateral].decimals
        with_bonus = _percent(numerator, bonus_bps)
        return int(with_bonus // (self.price(collateral) * 10 ** RESERVE[debt].decimals))


def _limits(account: LenderAccount, symbol: str) -> ModeParameters | ReserveParameters:
    return MODE if account.in_mode and symbol in MODE.symbols else RESERVE[symbol]


def _percent(value: int, bps: int) -> int:
    return (value * bps + _HALF) // _BPS


def _percent_of(value: int, bps: int) -> int:
    return (value * _BPS + bps // 2) // bps
