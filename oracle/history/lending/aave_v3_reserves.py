"""An Aave V3 market's reserves at a block: what prices the loans' tokens, and what all deposits are worth."""

from typing import Final

from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import AaveV3Market
from oracle.history.lending.aave_v3_prices import MarketPrices
from oracle.history.market.conditions import Tokens
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.reader import ChainReader

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


class AaveV3Reserves:
    """The reserves of one market; there are none before its first block."""

    def __init__(self, reader: ChainReader, market: AaveV3Market) -> None:
        self._reader = reader
        self._market = market

    async def tokens(self, at: BlockRef) -> Tokens:
        """Return price and decimals of each reserve's token, and what all deposits are worth; see Source for errors."""
        if at.number < self._market.start_block:
            return Tokens()
        prices = MarketPrices(self._reader, self._market)
        await prices.check_unit(at.hash)
        (listed,) = await self._reader.call(self._market.pool, _RESERVES, block_hash=at.hash)
        assets = [Address(str(asset).lower()) for asset in listed]
        price = await all_of(prices.price(asset, at.hash) for asset in assets)
        decimals = await all_of(prices.decimals(asset, at.hash) for asset in assets)
        deposits = await all_of(self._deposits(asset, at) for asset in assets)
        locked = sum(amount * one // 10**digits for amount, one, digits in zip(deposits, price, decimals, strict=True))
        return Tokens(dict(zip(assets, price, strict=True)), dict(zip(assets, decimals, strict=True)), locked)

    async def _deposits(self, asset: Address, at: BlockRef) -> int:
        reserve = await self._reader.call(self._market.pool, _RESERVE_DATA, asset, block_hash=at.hash)
        a_token = Address(str(reserve[_A_TOKEN_AT]).lower())
        (supply,) = await self._reader.call(a_token, _TOTAL_SUPPLY, block_hash=at.hash)
        return int(supply)
