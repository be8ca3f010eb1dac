"""An Aave V3 market's reserves at a block: what prices the loans' tokens, and what all deposits are worth."""

from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import AaveV3Market
from oracle.history.lending.aave_v3_prices import A_TOKEN_AT, RESERVE_DATA, MarketPrices
from oracle.history.market.conditions import Tokens
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.reader import ChainReader

_RESERVES: Final = Function("getReservesList", (), ("address[]",))
_TOTAL_SUPPLY: Final = Function("totalSupply", (), ("uint256",))


class AaveV3Reserves:
    """The reserves of one market; there are none before its first block."""

    def __init__(self, reader: ChainReader, market: AaveV3Market) -> None:
        self._reader = reader
        self._market = market

    async def tokens(self, at: BlockRef) -> Tokens:
        """Return price and decimals of each reserve's token, and what all deposits are worth; see Source for errors.

        A reserve without a price is left out of all three, and named: its feed was retired, which is no fault of
        whoever asks about another.
        """
        if at.number < self._market.start_block:
            return Tokens()
        prices = MarketPrices(self._reader, self._market)
        await prices.check_unit(at.hash)
        (listed,) = await self._reader.call(self._market.pool, _RESERVES, block_hash=at.hash)
        assets = [Address(str(asset).lower()) for asset in listed]
        asked = await all_of(self._price(prices, asset, at) for asset in assets)
        unpriced = frozenset(asset for asset, one in zip(assets, asked, strict=True) if one is None)
        price = [one for one in asked if one is not None]
        assets = [asset for asset in assets if asset not in unpriced]
        decimals = await all_of(prices.decimals(asset, at.hash) for asset in assets)
        deposits = await all_of(self._deposits(asset, at) for asset in assets)
        locked = sum(amount * one // 10**digits for amount, one, digits in zip(deposits, price, decimals, strict=True))
        return Tokens(dict(zip(assets, price, strict=True)), dict(zip(assets, decimals, strict=True)), locked, unpriced)

    async def _price(self, prices: MarketPrices, asset: Address, at: BlockRef) -> int | None:
        try:
            return await prices.price(asset, at.hash)
        except HistoryIncomplete:
            return None

    async def _deposits(self, asset: Address, at: BlockRef) -> int:
        reserve = await self._reader.call(self._market.pool, RESERVE_DATA, asset, block_hash=at.hash)
        a_token = Address(str(reserve[A_TOKEN_AT]).lower())
        (supply,) = await self._reader.call(a_token, _TOTAL_SUPPLY, block_hash=at.hash)
        return int(supply)
