"""What Aave's generations share: events by indexed user, their sums in USD, and the position at the block.

An event counts for the user that it names. Coins that are taken out through a gateway (WETHGateway) are withdrawn in
the gateway's name: such a deposit counts, its withdrawal does not, so `withdrawn_usd` can be too small, as it is for
aTokens that were sent away. Positions are the market's own and have no such gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from oracle.assessment.history import LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.aave_v3_prices import AaveMarket, MarketPrices
from oracle.history.lending.activity import Activity, Position, check_borrowed, lending_history
from oracle.history.reading.abi import Event, Function, address_topic, topic_address
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.logs import Log, Topics, read_logs
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph_logs import SubgraphLogs

# In the market's base currency: collateral, debt, borrowable; then threshold and LTV in basis points, and the factor.
_ACCOUNT: Final = Function("getUserAccountData", ("address",), ("uint256",) * 6)
_NO_DEBT: Final = 2**256 - 1

# Both generations log these alike: withdraw indexes reserve, user, to; a liquidation both assets and the user.
WITHDRAW: Final = Event("Withdraw", ("address", "address", "address", "uint256"), ("uint256",))
LIQUIDATION: Final = Event(
    "LiquidationCall",
    ("address", "address", "address", "uint256", "uint256", "address", "bool"),
    ("uint256", "uint256", "address", "bool"),
)  # collateralAsset*, debtAsset*, user*, debtToCover, liquidatedCollateralAmount, liquidator, receiveAToken


@dataclass(frozen=True)
class Generation:
    """The events of one generation; `flash_loan_user_at` is the place of its user among the topics.

    `amount_at` says where an event's data hold the amount that counts; a liquidation's is the collateral taken.
    """

    supply: Event
    borrow: Event
    repay: Event
    flash_loan: Event
    flash_loan_user_at: int
    amount_at: Mapping[Event, int]

    def queries(self, user: str) -> list[Topics]:
        """Return the log filters that find everything that a user (as a topic) did."""
        by_place = {2: [self.supply.topic, WITHDRAW.topic, self.borrow.topic, self.repay.topic]}
        by_place.setdefault(self.flash_loan_user_at, []).append(self.flash_loan.topic)
        return [[topics, *[None] * (place - 1), user] for place, topics in by_place.items()]

    def liquidations(self, user: str) -> Topics:
        """Return the log filter that finds what was done to a user; only who borrowed can be liquidated."""
        return [[LIQUIDATION.topic], None, None, user]

    @cached_property
    def by_topic(self) -> dict[str, Event]:
        """The events whose amounts count, by the topic that opens their logs."""
        return {event.topic: event for event in self.amount_at}

    def moved(self, log: Log) -> tuple[Address, int] | None:
        """Return which asset a log moved, and how much of it; None for a flash loan, which is paid back at once."""
        event = self.by_topic.get(log.topics[0])
        if event is None:
            return None
        # The first indexed parameter of every other event is the asset whose amount counts.
        return topic_address(log.topics[1]), int(event.decode(log.data)[self.amount_at[event]])


@dataclass
class _Sums:
    usd: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    first_borrow: Log | None = None
    first_owed: Log | None = None

    def add(self, topic: str, usd: int) -> None:
        self.counts[topic] = self.counts.get(topic, 0) + 1
        self.usd[topic] = self.usd.get(topic, 0) + usd

    def activity(self, kind: Generation) -> Activity:
        """Return the sums by what the events mean."""
        return Activity(
            supplied_usd=self.usd.get(kind.supply.topic, 0),
            withdrawn_usd=self.usd.get(WITHDRAW.topic, 0),
            borrowed_usd=self.usd.get(kind.borrow.topic, 0),
            repaid_usd=self.usd.get(kind.repay.topic, 0),
            liquidated_usd=self.usd.get(LIQUIDATION.topic, 0),
            liquidations=self.counts.get(LIQUIDATION.topic, 0),
            events=sum(self.counts.values()),
            first_borrow=self.first_borrow,
            first_owed=self.first_owed,
        )


class AaveSource:
    """One market of either generation as a source of lending history, its events from `events` or the node's logs."""

    def __init__(
        self,
        reader: ChainReader,
        market: AaveMarket,
        generation: Generation,
        *,
        span_blocks: int,
        events: SubgraphLogs | None = None,
    ) -> None:
        self._reader = reader
        self._market = market
        self._generation = generation
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
        prices, sums, kind = self._prices(), _Sums(), self._generation
        prices.expect_oracle_of(at.hash)
        if self._events is None:
            await self._add_all(wallet, at, prices, sums)
        else:
            await self._add(await self._events.of(wallet, at), prices, sums)
        position, health_factor_wad = await self._position(wallet, at, prices)
        activity = sums.activity(kind)
        check_borrowed(wallet, self.name, activity, position.debt_usd, subgraph=self._events is not None)
        return await lending_history(self._reader, self.name, activity, position, health_factor_wad)

    def _prices(self) -> MarketPrices:
        return MarketPrices(self._reader, self._market)

    async def _position(self, wallet: Address, at: BlockRef, prices: MarketPrices) -> tuple[Position, int | None]:
        await prices.check_unit(at.hash)
        account = await self._reader.call(self._market.pool, _ACCOUNT, wallet, block_hash=at.hash)
        base = await prices.base(at.hash)
        # The market's own health factor, which it liquidates by.
        position = Position(collateral_usd=base.usd(account[0]), debt_usd=base.usd(account[1]))
        return position, None if account[5] == _NO_DEBT else account[5]

    async def _add_all(self, wallet: Address, at: BlockRef, prices: MarketPrices, sums: _Sums) -> None:
        user, start = address_topic(wallet), self._market.start_block
        await all_of(self._add_events(topics, start, at, prices, sums) for topics in self._generation.queries(user))
        if sums.first_borrow is not None:
            topics = self._generation.liquidations(user)
            await self._add_events(topics, sums.first_borrow.block_number, at, prices, sums)

    async def _add_events(
        self, topics: Topics, first_block: int, at: BlockRef, prices: MarketPrices, sums: _Sums
    ) -> None:
        pool = [self._market.pool]
        async for logs in read_logs(self._reader, pool, topics, first_block, at.number, self._span_blocks):
            await self._add(logs, prices, sums)

    async def _add(self, logs: Sequence[Log], prices: MarketPrices, sums: _Sums) -> None:
        for log, usd in zip(logs, await self._values(logs, prices), strict=True):
            sums.add(log.topics[0], usd)
            if log.topics[0] == self._generation.borrow.topic and sums.first_borrow is None:
                sums.first_borrow = log
            if log.topics[0] in (self._generation.repay.topic, LIQUIDATION.topic) and sums.first_owed is None:
                sums.first_owed = log

    async def _values(self, logs: Sequence[Log], prices: MarketPrices) -> list[int]:
        return await all_of(self._value(log, prices) for log in logs)

    async def _value(self, log: Log, prices: MarketPrices) -> int:
        moved = self._generation.moved(log)
        return 0 if moved is None else await prices.value_usd(*moved, log.block_hash)
