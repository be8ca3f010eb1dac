"""Compound V3 (Comet): what a wallet supplied, borrowed, repaid and lost to absorption, and its position."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.abi import Function, address_topic, topic_address
from oracle.history.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    OF_FIRST,
    OF_SECOND,
    SUPPLY_COLLATERAL,
    WITHDRAW_COLLATERAL,
    BaseMoves,
    base_moves,
)
from oracle.history.concurrently import all_of
from oracle.history.logs import Log, Topics, read_logs
from oracle.history.markets import CometMarket
from oracle.history.reader import ChainReader, quantity
from oracle.history.rounds import FeedRounds
from oracle.history.subgraph_logs import SubgraphLogs

_BASE_FEED: Final = Function("baseTokenPriceFeed", (), ("address",))
_BASE_SCALE: Final = Function("baseScale", (), ("uint256",))
PRICE: Final = Function("getPrice", ("address",), ("uint256",))
_DEPOSIT: Final = Function("balanceOf", ("address",), ("uint256",))
_DEBT: Final = Function("borrowBalanceOf", ("address",), ("uint256",))
_ASSET_COUNT: Final = Function("numAssets", (), ("uint8",))
# offset, asset, price feed, scale, borrow factor, liquidate factor, liquidation factor, supply cap
_ASSET_TYPES: Final = ("uint8", "address", "address", "uint64", "uint64", "uint64", "uint64", "uint128")
_ASSET_AT: Final = Function("getAssetInfo", ("uint8",), _ASSET_TYPES)
ASSET: Final = Function("getAssetInfoByAddress", ("address",), _ASSET_TYPES)
_COLLATERAL: Final = Function("userCollateral", ("address", "address"), ("uint128", "uint128"))
_DECIMALS: Final = Function("decimals", (), ("uint8",))


@dataclass(frozen=True, slots=True)
class _Sums:
    base: BaseMoves
    supplied_usd: int
    withdrawn_usd: int
    borrowed_usd: int
    repaid_usd: int
    liquidated_usd: int


class CometSource:
    """One Comet as a source of lending history, its events from `events` or the node's logs."""

    def __init__(
        self, reader: ChainReader, market: CometMarket, *, span_blocks: int, events: SubgraphLogs | None = None
    ) -> None:
        self._reader = reader
        self._market = market
        self._span_blocks = span_blocks
        self._events = events

    @property
    def name(self) -> str:
        """The market's name."""
        return self._market.name

    async def read(self, wallet: Address, at: BlockRef) -> LendingHistory:
        """Return the wallet's events up to the block and its position at it; see Source for the errors."""
        if at.number < self._market.start_block:
            return LendingHistory()
        logs = await self._wallets_logs(wallet, at) if self._events is None else await self._events.of(wallet, at)
        blocks = [list(group) for _, group in groupby(logs, key=lambda log: log.block_hash)]
        sums = await all_of(self._sums(block, wallet) for block in blocks)
        borrows = [block[0] for block, one in zip(blocks, sums, strict=True) if one.base.borrowed]
        collateral_usd, backing_usd, debt_usd = await self._position(wallet, at.hash)
        return LendingHistory(
            supplied_usd=sum(one.supplied_usd for one in sums),
            withdrawn_usd=sum(one.withdrawn_usd for one in sums),
            borrowed_usd=sum(one.borrowed_usd for one in sums),
            repaid_usd=sum(one.repaid_usd for one in sums),
            liquidation_count=sum(log.topics[0] == ABSORB_DEBT.topic for log in logs),
            liquidated_usd=sum(one.liquidated_usd for one in sums),
            event_count=len(logs),
            first_borrow_at=await self._time_of(borrows[0]) if borrows else None,
            collateral_usd=collateral_usd,
            debt_usd=debt_usd,
            health_factor_wad=backing_usd * WAD // debt_usd if debt_usd else None,
            protocols=frozenset({self._market.name} if logs else ()),
        )

    async def _wallets_logs(self, wallet: Address, at: BlockRef) -> list[Log]:
        user = address_topic(wallet)
        found = await all_of(
            self._logs(topics, at) for topics in ([list(OF_FIRST), user], [list(OF_SECOND), None, user])
        )
        return sorted((log for part in found for log in part), key=lambda log: (log.block_number, log.index))

    async def _logs(self, topics: Topics, at: BlockRef) -> list[Log]:
        market = self._market
        ranges = read_logs(self._reader, [market.comet], topics, market.start_block, at.number, self._span_blocks)
        return [log async for logs in ranges for log in logs]

    async def _sums(self, logs: Sequence[Log], wallet: Address) -> _Sums:
        """Return what the logs of one block are worth, at its prices."""
        block = logs[0].block_hash
        deposit, debt = await all_of([self._ask(_DEPOSIT, block, wallet), self._ask(_DEBT, block, wallet)])
        base = base_moves(logs, deposit - debt)
        unit = await self._unit_usd(block)
        feed, scale = await self._base(block)
        price = await self._price(feed, block)

        def worth(amount: int) -> int:
            return amount * price * unit // (scale * USD)

        supplied, withdrawn, liquidated = worth(base.supplied), worth(base.withdrawn), 0
        for log in logs:
            if log.topics[0] == SUPPLY_COLLATERAL.topic:
                supplied += await self._collateral_usd(log, unit)
            elif log.topics[0] == WITHDRAW_COLLATERAL.topic:
                withdrawn += await self._collateral_usd(log, unit)
            elif log.topics[0] == ABSORB_COLLATERAL.topic:
                liquidated += int(ABSORB_COLLATERAL.decode(log.data)[1]) * unit // USD
        return _Sums(base, supplied, withdrawn, worth(base.borrowed), worth(base.repaid), liquidated)

    async def _collateral_usd(self, log: Log, unit: int) -> int:
        (amount,) = SUPPLY_COLLATERAL.decode(log.data)
        asset = await self._reader.call(
            self._market.comet, ASSET, topic_address(log.topics[3]), block_hash=log.block_hash
        )
        price = await self._price(_address(asset[2]), log.block_hash)
        return int(amount * price * unit // (asset[3] * USD))

    async def _position(self, wallet: Address, block: str) -> tuple[int, int, int]:
        """Return collateral, collateral times its liquidation factor, and debt, in 1e-8 USD."""
        unit, debt, count = await all_of(
            [self._unit_usd(block), self._ask(_DEBT, block, wallet), self._ask(_ASSET_COUNT, block)]
        )
        collateral_usd = backing_usd = debt_usd = 0
        for place in range(count):
            asset = await self._reader.call(self._market.comet, _ASSET_AT, place, block_hash=block)
            held = await self._ask(_COLLATERAL, block, wallet, asset[1])
            if held:
                usd = held * await self._price(_address(asset[2]), block) * unit // (asset[3] * USD)
                collateral_usd += usd
                backing_usd += usd * asset[5] // WAD
        if debt:
            feed, scale = await self._base(block)
            debt_usd = debt * await self._price(feed, block) * unit // (scale * USD)
        return collateral_usd, backing_usd, debt_usd

    async def _base(self, block: str) -> tuple[Address, int]:
        (feed,) = await self._reader.call(self._market.comet, _BASE_FEED, block_hash=block)
        return _address(feed), await self._ask(_BASE_SCALE, block)

    async def _price(self, feed: Address, block: str) -> int:
        price = await self._ask(PRICE, block, feed)
        if price <= 0:
            raise HistoryIncomplete(f"{self._market.name} has no price from feed {feed} at block {block}")
        return price

    async def _unit_usd(self, block: str) -> int:
        """Return what one unit of the market's prices is worth, in 1e-8 USD."""
        feed = self._market.unit_price_feed
        if feed is None:
            return USD
        latest = await FeedRounds(self._reader, feed, block).latest()
        (decimals,) = await self._reader.call(feed, _DECIMALS, block_hash=block)
        return int(latest.answer * USD // 10**decimals)

    async def _ask(self, question: Function, block: str, *arguments: object) -> int:
        answer = await self._reader.call(self._market.comet, question, *arguments, block_hash=block)
        return int(answer[0])

    async def _time_of(self, log: Log) -> int:
        return quantity((await self._reader.block(log.block_hash))["timestamp"])


def _address(value: object) -> Address:
    return Address(str(value).lower())
