"""A comptroller's own prices, exchange rates and positions, at the block that a number belongs to."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import USD, WAD
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.activity import Position
from oracle.history.markets import CompoundV2Market
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.reader import CallReverted, ChainReader

_ALL_MARKETS: Final = Function("getAllMarkets", (), ("address[]",))
_ASSETS_IN: Final = Function("getAssetsIn", ("address",), ("address[]",))
_ORACLE: Final = Function("oracle", (), ("address",))
_UNDERLYING_PRICE: Final = Function("getUnderlyingPrice", ("address",), ("uint256",))
_EXCHANGE_RATE: Final = Function("exchangeRateStored", (), ("uint256",))
# error, shares, debt, exchange rate
_SNAPSHOT: Final = Function("getAccountSnapshot", ("address",), ("uint256",) * 4)
_RATE_NOW: Final = Function("exchangeRateCurrent", (), ("uint256",))
_DEBT_NOW: Final = Function("borrowBalanceCurrent", ("address",), ("uint256",))
_VAI_OWED: Final = Function("getVAIRepayAmount", ("address",), ("uint256",))
_VAI_MINTED: Final = Function("mintedVAIs", ("address",), ("uint256",))


class _Market(Function):
    """A comptroller's word on a market: listed, collateral factor; forks add more, of which some is needed."""

    def decode(self, answer: bytes) -> tuple[Any, ...]:
        words = [int.from_bytes(answer[place : place + _WORD], "big") for place in range(0, len(answer), _WORD)]
        return super().decode(answer) if len(words) < len(self.outputs) else (bool(words[0]), *words[1:])


_MARKET: Final = _Market("markets", ("address",), ("bool", "uint256"))
# Venus since its liquidation threshold: the factor that it liquidates an account by, of the account's own pool.
_EFFECTIVE_FACTOR: Final = Function("getEffectiveLtvFactor", ("address", "address", "uint8"), ("uint256",))
_LIQUIDATION_THRESHOLD: Final = 1
_USERS_POOL: Final = Function("userPoolId", ("address",), ("uint96",))
_POOLS_MARKET: Final = _Market("poolMarkets", ("uint96", "address"), ("bool", "uint256"))
_WORDS_WITH_POOLS: Final = 7
_THRESHOLD_OF_POOL_AT: Final = 3
# Pools of their own (Venus's isolated ones) answer three words; elsewhere the third is a flag.
_THRESHOLD_ALONE_AT: Final = 2

_UNDERLYING: Final = Function("underlying", (), ("address",))
_DECIMALS: Final = Function("decimals", (), ("uint8",))

_WORD: Final = 32

# A price is in USD for one smallest unit, times 1e36; dollars here are in 1e-8.
_PRICE_SCALE: Final = 10**28


class Unpriced(HistoryIncomplete):
    """A market's oracle has no price of its token at a block: its feed was retired."""


class Block(NamedTuple):
    """The block at whose end a price is asked."""

    number: int
    hash: str


class ComptrollerPrices:
    """One comptroller's markets at any block; one read each, remembered for one wallet's history."""

    def __init__(self, reader: ChainReader, market: CompoundV2Market) -> None:
        self._reader = reader
        self._market = market
        self._oracles: Memo[str, Address] = Memo(self._read_oracle)
        self._prices: Memo[tuple[Address, str], int] = Memo(self._read_price)
        self._unit: int | None = None

    async def markets(self, block_hash: str) -> list[Address]:
        """Return the share tokens of every market, in the order of their listing."""
        (listed,) = await self._reader.call(self._market.comptroller, _ALL_MARKETS, block_hash=block_hash)
        return [Address(str(one).lower()) for one in listed]

    async def entered(self, wallet: Address, block_hash: str) -> list[Address]:
        """Return the markets whose shares back the wallet's debts, or in which it borrowed."""
        (entered,) = await self._reader.call(self._market.comptroller, _ASSETS_IN, wallet, block_hash=block_hash)
        return [Address(str(one).lower()) for one in entered]

    async def value_usd(self, market: Address, amount: int, block: Block) -> int:
        """Return what an amount of a market's underlying was worth, in 1e-8 USD rounded down.

        Before the oracle counted in dollars, a dollar is one whole token of the dollar market. At the block of the
        change that is so in either unit.
        """
        if block.number < self._market.priced_since_block:
            raise HistoryIncomplete(
                f"{self._market.name} was used in block {block.number}; what its oracle answered before block "
                f"{self._market.priced_since_block} had units that are not known here"
            )
        price = await self._prices.get((market, block.hash))
        dollar = self._market.dollar_market
        if dollar is None or block.number >= self._market.usd_since_block:
            return amount * price // _PRICE_SCALE
        dollar_price = await self._prices.get((dollar, block.hash))
        return amount * price * USD // (dollar_price * await self._dollar_unit(dollar, block.hash))

    async def shares_usd(self, market: Address, shares: int, block: Block) -> int:
        """Return what shares of a market were worth, in 1e-8 USD rounded down."""
        (rate,) = await self._reader.call(market, _EXCHANGE_RATE, block_hash=block.hash)
        return await self.value_usd(market, shares * int(rate) // WAD, block)

    async def position(self, market: Address, wallet: Address, at: BlockRef) -> Position:
        """Return a wallet's position in an entered market, with interest up to the block."""
        block, block_hash = Block(at.number, at.hash), at.hash
        snapshot, listing = await all_of(
            [
                self._reader.call(market, _SNAPSHOT, wallet, block_hash=block_hash),
                self._reader.call(self._market.comptroller, _MARKET, market, block_hash=block_hash),
            ]
        )
        error, shares, debt, rate = snapshot
        if error:
            raise HistoryIncomplete(f"market {market} of {self._market.name} answers error {error} for {wallet}")
        if not shares and not debt:
            return Position()
        # The snapshot stands where the market's interest was last added up.
        factor = 0
        if shares:
            factor = await self._liquidation_factor(listing, market, wallet, block_hash)
            rate = await self._accrued(market, _RATE_NOW, rate, block_hash)
        if debt:
            debt = await self._accrued(market, _DEBT_NOW, debt, block_hash, wallet)
        collateral_usd = await self.value_usd(market, shares * rate // WAD, block)
        debt_usd = await self.value_usd(market, debt, block)
        return Position(collateral_usd, collateral_usd * factor // WAD, debt_usd)

    async def _liquidation_factor(
        self, listing: Sequence[int], market: Address, wallet: Address, block_hash: str
    ) -> int:
        """Return the share of collateral, with 18 decimals, up to which a debt of the wallet's is not liquidated."""
        comptroller = self._market.comptroller
        if len(listing) < _WORDS_WITH_POOLS:
            alone = listing[_THRESHOLD_ALONE_AT] if len(listing) == _THRESHOLD_ALONE_AT + 1 else 0
            return alone if alone > 1 else listing[1]
        try:
            (factor,) = await self._reader.call(
                comptroller, _EFFECTIVE_FACTOR, wallet, market, _LIQUIDATION_THRESHOLD, block_hash=block_hash
            )
            return int(factor)
        except ConfigurationFault:
            pass  # a release that has pools and does not tell their factors
        try:
            (pool,) = await self._reader.call(comptroller, _USERS_POOL, wallet, block_hash=block_hash)
            if pool:
                own = await self._reader.call(comptroller, _POOLS_MARKET, pool, market, block_hash=block_hash)
                listing = own if own[0] else listing
        except ConfigurationFault:
            pass  # a release without pools
        return listing[_THRESHOLD_OF_POOL_AT]

    async def stablecoin_debt_usd(self, wallet: Address, block_hash: str) -> int:
        """Return a wallet's debt in the stablecoin that a fork mints itself (Venus's VAI), in 1e-8 USD.

        The protocol counts one as a dollar. Controllers of before its interest know only what was minted.
        """
        controller = self._market.vai_controller
        if controller is None:
            return 0
        try:
            (owed,) = await self._reader.call(controller, _VAI_OWED, wallet, block_hash=block_hash)
        except CallReverted:
            (owed,) = await self._reader.call(self._market.comptroller, _VAI_MINTED, wallet, block_hash=block_hash)
        return int(owed) * USD // WAD

    async def _accrued(
        self, market: Address, question: Function, stored: int, block_hash: str, *arguments: Address
    ) -> int:
        """Return what a function that adds up the interest first would answer; nothing of that is kept on the chain.

        A market that cannot add up its interest stands still at what it stored.
        """
        try:
            (accrued,) = await self._reader.call(market, question, *arguments, block_hash=block_hash)
        except CallReverted:
            return stored
        return int(accrued)

    async def _dollar_unit(self, dollar: Address, block_hash: str) -> int:
        """Return how many smallest units the dollar market's token has."""
        if self._unit is None:
            (token,) = await self._reader.constant(dollar, _UNDERLYING, block_hash)
            (decimals,) = await self._reader.constant(Address(str(token).lower()), _DECIMALS, block_hash)
            self._unit = 10**decimals
        return self._unit

    async def _read_oracle(self, block_hash: str) -> Address:
        (oracle,) = await self._reader.call(self._market.comptroller, _ORACLE, block_hash=block_hash)
        return Address(str(oracle).lower())

    async def _read_price(self, key: tuple[Address, str]) -> int:
        market, block_hash = key
        oracle = await self._oracles.get(block_hash)
        try:
            (price,) = await self._reader.call(oracle, _UNDERLYING_PRICE, market, block_hash=block_hash)
        except CallReverted:
            price = 0
        if price <= 0:
            raise Unpriced(f"the oracle of {self._market.name} has no price for market {market} at block {block_hash}")
        return int(price)
