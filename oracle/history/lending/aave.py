"""What Aave's generations share: events by indexed user, their sums in USD, and the position at the block.

An event counts for the user that it names. Coins that are taken out through a gateway (WETHGateway) are withdrawn in
the gateway's name: such a deposit counts, its withdrawal does not, so `withdrawn_usd` can be too small, as it is for
aTokens that were sent away. Positions are the market's own and have no such gap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.aave_v3_prices import AaveMarket, MarketPrices
from oracle.history.lending.activity import Activity, Position, check_borrowed, lending_history
from oracle.history.reading.abi import Event, Function, address_topic, topic_address
from oracle.history.reading.concurrently import all_of, both
from oracle.history.reading.doers import did_itself
from oracle.history.reading.logs import Log, Topics, place_of, read_logs
from oracle.history.reading.reader import CallReverted, ChainReader
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


Moved = tuple[Address, int]
"""An asset, and how much of it an event moved, in its smallest unit."""


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

    def moved(self, log: Log) -> Moved | None:
        """Return which asset a log moved, and how much of it; None for a flash loan, which is paid back at once."""
        event = self.by_topic.get(log.topics[0])
        if event is None:
            return None
        # The first indexed parameter of every other event is the asset whose amount counts.
        return topic_address(log.topics[1]), int(event.decode(log.data)[self.amount_at[event]])


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
        prices, activity = self._prices(), Activity()
        prices.expect_oracle_of(at.hash)
        given: list[Log] = []
        if self._events is None:
            given = await self._add_all(wallet, at, prices, activity)
        else:
            given = await self._add(wallet, await self._events.of(wallet, at), prices, activity)
        (position, health_factor_wad), _ = await both(
            self._position(wallet, at, prices), prices.check_held(wallet, activity.assets, at)
        )
        activity.used = activity.used or await did_itself(self._reader, wallet, sorted(given, key=place_of))
        check_borrowed(wallet, self.name, activity, position.debt_usd, subgraph=self._events is not None)
        return await lending_history(self._reader, self.name, activity, position, health_factor_wad)

    def _prices(self) -> MarketPrices:
        return MarketPrices(self._reader, self._market)

    async def _position(self, wallet: Address, at: BlockRef, prices: MarketPrices) -> tuple[Position, int | None]:
        await prices.check_unit(at.hash)
        try:
            account = await self._reader.call(self._market.pool, _ACCOUNT, wallet, block_hash=at.hash)
        except CallReverted as reverted:
            raise HistoryIncomplete(
                f"{self.name} cannot tell the position of {wallet} at block {at.number}, as when its oracle has no "
                f"price of what the wallet holds there: {reverted}"
            ) from reverted
        base = await prices.base(at.hash)
        # The market's own health factor, which it liquidates by.
        position = Position(collateral_usd=base.usd(account[0]), debt_usd=base.usd(account[1]))
        return position, None if account[5] == _NO_DEBT else account[5]

    async def _add_all(self, wallet: Address, at: BlockRef, prices: MarketPrices, activity: Activity) -> list[Log]:
        user, start = address_topic(wallet), self._market.start_block
        given = await all_of(
            self._add_events(wallet, topics, start, at, prices, activity) for topics in self._generation.queries(user)
        )
        if activity.first_borrow is not None:
            topics = self._generation.liquidations(user)
            await self._add_events(wallet, topics, activity.first_borrow.block_number, at, prices, activity)
        return [log for part in given for log in part]

    async def _add_events(
        self,
        wallet: Address,
        topics: Topics,
        first_block: int,
        at: BlockRef,
        prices: MarketPrices,
        activity: Activity,
    ) -> list[Log]:
        pool, given = [self._market.pool], list[Log]()
        async for logs in read_logs(self._reader, pool, topics, first_block, at.number, self._span_blocks):
            given += await self._add(wallet, logs, prices, activity)
        return given

    async def _add(self, wallet: Address, logs: Sequence[Log], prices: MarketPrices, activity: Activity) -> list[Log]:
        """Count events; return those that a stranger can cause as well as the wallet."""
        given = []
        moves = [self._generation.moved(log) for log in logs]
        values = await all_of(self._value(log, moved, prices) for log, moved in zip(logs, moves, strict=True))
        for log, moved, usd in zip(logs, moves, values, strict=True):
            if self._count(log, moved, usd, activity) or self._supplied_by(log) == wallet:
                activity.used = True
            else:
                given.append(log)
        return given

    def _count(self, log: Log, moved: Moved | None, usd: int, activity: Activity) -> bool:
        """Count an event; return whether nobody but the wallet, or whom it let, can cause it."""
        kind, topic = self._generation, log.topics[0]
        activity.events += 1
        if moved is None:
            return False  # a flash loan, which anybody may take for a contract
        asset, amount = moved
        if topic == kind.supply.topic:
            activity.supply(log, asset, usd)
        elif topic == WITHDRAW.topic:
            activity.withdraw(log, asset, usd)
        elif topic == kind.borrow.topic and amount:
            activity.borrow(log, asset, usd)
        elif topic == kind.repay.topic:
            activity.repay(log, asset, usd)
            activity.owe(log)
        elif topic == LIQUIDATION.topic:
            activity.liquidations += 1
            activity.liquidated_usd += usd
            activity.owe(log)
        return topic in (WITHDRAW.topic, kind.borrow.topic)

    def _supplied_by(self, log: Log) -> Address | None:
        """Return who paid for a supply, None for other events; a subgraph does not tell it."""
        supply = self._generation.supply
        return Address(str(supply.decode(log.data)[0]).lower()) if log.topics[0] == supply.topic else None

    async def _value(self, log: Log, moved: Moved | None, prices: MarketPrices) -> int:
        return 0 if moved is None else await prices.value_usd(*moved, log.block_hash)
