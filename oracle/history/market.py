"""The market at the block: the coin's price and volatility, the base fee, and the protocol's prices and deposits."""

from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, MarketState
from oracle.assessment.request import Address, BlockRef
from oracle.history.aave_v3_prices import MarketPrices
from oracle.history.abi import Function
from oracle.history.concurrently import all_of
from oracle.history.configuration import AaveV3Market, CoinPriceFeed
from oracle.history.reader import ChainReader, quantity
from oracle.history.rounds import FeedRounds, realised_volatility_ppm

VOLATILITY_DAYS: Final = 30
_DAY_SECONDS: Final = 86_400

_DECIMALS: Final = Function("decimals", (), ("uint8",))
_RESERVES: Final = Function("getReservesList", (), ("address[]",))
_TOTAL_SUPPLY: Final = Function("totalSupply", (), ("uint256",))
_RESERVE_DATA: Final = Function(
    "getReserveData",
    ("address",),
    # configuration, liquidityIndex, currentLiquidityRate, variableBorrowIndex, currentVariableBorrowRate,
    # currentStableBorrowRate, lastUpdateTimestamp, id, aToken, stableDebtToken, variableDebtToken, strategy,
    # accruedToTreasury, unbacked, isolationModeTotalDebt
    ("uint256",) * 6 + ("uint40", "uint16") + ("address",) * 4 + ("uint128",) * 3,
)
_A_TOKEN_AT: Final = 8


class MarketSource:
    """The market as a source; it is the same for every wallet at one block."""

    name = "market"

    def __init__(self, reader: ChainReader, feed: CoinPriceFeed, token_prices: AaveV3Market | None) -> None:
        self._reader = reader
        self._feed = feed
        self._token_prices = token_prices

    async def read(self, wallet: Address, at: BlockRef) -> MarketState:
        """Return the market at the block.

        Raises HistoryIncomplete when the coin's price is older than the configuration allows.
        """
        rounds = FeedRounds(self._reader, self._feed.address, at.hash)
        prices, decimals, locked = await self._tokens(at)
        block = await self._reader.block(at.hash)
        base_fee = block.get("baseFeePerGas")
        return MarketState(
            coin_price_usd=await self._coin_price(rounds, at),
            volatility_ppm=await self._volatility(rounds, at),
            base_fee_wei=None if base_fee is None else quantity(base_fee),
            total_value_locked_usd=locked,
            token_prices_usd=prices,
            token_decimals=decimals,
        )

    async def _coin_price(self, rounds: FeedRounds, at: BlockRef) -> int:
        latest = await rounds.latest()
        age, limit = at.timestamp - latest.updated_at, self._feed.max_age_seconds
        if limit is not None and age > limit:
            raise HistoryIncomplete(
                f"the coin's price feed {self._feed.address} is {age} s old at block {at.number}, expected at most "
                f"{limit} s: wait for its next round"
            )
        (decimals,) = await self._reader.call(self._feed.address, _DECIMALS, block_hash=at.hash)
        return int(latest.answer * USD // 10**decimals)

    async def _volatility(self, rounds: FeedRounds, at: BlockRef) -> int | None:
        days = [at.timestamp - day * _DAY_SECONDS for day in range(VOLATILITY_DAYS, -1, -1)]
        return realised_volatility_ppm([found.answer for found in await rounds.at(days) if found is not None])

    async def _tokens(self, at: BlockRef) -> tuple[dict[Address, int], dict[Address, int], int | None]:
        """Return price and decimals of each reserve, and what all deposits are worth, in 1e-8 USD."""
        market = self._token_prices
        if market is None or at.number < market.start_block:
            return {}, {}, None
        prices = MarketPrices(self._reader, market)
        await prices.check_unit(at.hash)
        (listed,) = await self._reader.call(market.pool, _RESERVES, block_hash=at.hash)
        assets = [Address(str(asset).lower()) for asset in listed]
        price = await all_of(prices.price(asset, at.hash) for asset in assets)
        decimals = await all_of(prices.decimals(asset, at.hash) for asset in assets)
        deposits = await all_of(self._deposits(market, asset, at) for asset in assets)
        locked = sum(amount * one // 10**digits for amount, one, digits in zip(deposits, price, decimals, strict=True))
        return dict(zip(assets, price, strict=True)), dict(zip(assets, decimals, strict=True)), locked

    async def _deposits(self, market: AaveV3Market, asset: Address, at: BlockRef) -> int:
        reserve = await self._reader.call(market.pool, _RESERVE_DATA, asset, block_hash=at.hash)
        a_token = Address(str(reserve[_A_TOKEN_AT]).lower())
        (supply,) = await self._reader.call(a_token, _TOTAL_SUPPLY, block_hash=at.hash)
        return int(supply)
