"""What every lending source sums up: a wallet's events at one market, and its position there at the block."""

from dataclasses import dataclass, field

from oracle.assessment.debts import WORTH_NAMING_USD
from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import WAD, LendingHistory
from oracle.assessment.request import Address
from oracle.history.reading.logs import Log, place_of, time_of
from oracle.history.reading.reader import ChainReader


class Flow:
    """What came and what went, in 1e-8 USD by block and asset: what does both within one block stays for nobody."""

    def __init__(self) -> None:
        self._moved: dict[tuple[str, str], tuple[int, int]] = {}
        self._logs: dict[str, Log] = {}

    def add(self, log: Log, asset: str, *, came_usd: int = 0, went_usd: int = 0) -> None:
        """Note what an event moved."""
        came, went = self._moved.get((log.block_hash, asset), (0, 0))
        self._moved[log.block_hash, asset] = came + came_usd, went + went_usd
        known = self._logs.setdefault(log.block_hash, log)
        if place_of(log) < place_of(known):
            self._logs[log.block_hash] = log

    @property
    def assets(self) -> set[str]:
        """All that moved."""
        return {asset for _, asset in self._moved}

    @property
    def at_once_usd(self) -> int:
        """What went in the block in which it came."""
        return sum(min(came, went) for came, went in self._moved.values())

    def first_stay(self, least_usd: int) -> Log | None:
        """Return an event of the first block in which at least so much came and did not go; None without one."""
        stayed: dict[str, int] = {}
        for (block, _), (came, went) in self._moved.items():
            stayed[block] = stayed.get(block, 0) + max(came - went, 0)
        blocks = (self._logs[block] for block, usd in stayed.items() if usd >= least_usd)
        return min(blocks, key=place_of, default=None)


@dataclass
class Activity:
    """A wallet's events at one market, dollars in 1e-8 USD at each event's block.

    `debts` is what was borrowed and repaid, `deposits` what was supplied and withdrawn. `first_borrow` is the log that
    its first debt came from, `first_owed` the first one that tells of a debt. `used` says that something was done here
    that nobody does to a wallet of somebody else's.
    """

    supplied_usd: int = 0
    withdrawn_usd: int = 0
    borrowed_usd: int = 0
    repaid_usd: int = 0
    liquidated_usd: int = 0
    liquidations: int = 0
    events: int = 0
    first_borrow: Log | None = None
    first_owed: Log | None = None
    debts: Flow = field(default_factory=Flow)
    deposits: Flow = field(default_factory=Flow)
    used: bool = False

    def supply(self, log: Log, asset: str, usd: int) -> None:
        """Note a supply."""
        self.supplied_usd += usd
        self.deposits.add(log, asset, came_usd=usd)

    def withdraw(self, log: Log, asset: str, usd: int) -> None:
        """Note a withdrawal."""
        self.withdrawn_usd += usd
        self.deposits.add(log, asset, went_usd=usd)

    def borrow(self, log: Log, asset: str, usd: int) -> None:
        """Note a borrowing of more than nothing."""
        self.borrowed_usd += usd
        self.debts.add(log, asset, came_usd=usd)
        if self.first_borrow is None or place_of(log) < place_of(self.first_borrow):
            self.first_borrow = log

    def repay(self, log: Log, asset: str, usd: int) -> None:
        """Note a repayment."""
        self.repaid_usd += usd
        self.debts.add(log, asset, went_usd=usd)

    @property
    def assets(self) -> set[str]:
        """What was supplied, withdrawn, borrowed or repaid."""
        return self.debts.assets | self.deposits.assets

    def owe(self, log: Log) -> None:
        """Note an event that only a debt has."""
        if self.first_owed is None or place_of(log) < place_of(self.first_owed):
            self.first_owed = log


@dataclass(frozen=True, slots=True)
class Position:
    """What stands in a market at the block, in 1e-8 USD; `backing_usd` is collateral times its liquidation factor."""

    collateral_usd: int = 0
    backing_usd: int = 0
    debt_usd: int = 0

    def __add__(self, other: "Position") -> "Position":
        return Position(
            self.collateral_usd + other.collateral_usd,
            self.backing_usd + other.backing_usd,
            self.debt_usd + other.debt_usd,
        )

    @property
    def health_factor_wad(self) -> int | None:
        """What backs the debt, over the debt; None without debt."""
        return self.backing_usd * WAD // self.debt_usd if self.debt_usd else None


def check_borrowed(wallet: Address, market: str, activity: Activity, debt_usd: int, *, subgraph: bool) -> None:
    """Raise HistoryIncomplete for a debt, there or paid back, without the borrowing that every debt comes from."""
    lacking = "its subgraph knows of no borrowing" if subgraph else "there is no event of borrowing"
    if debt_usd and activity.first_borrow is None:
        raise HistoryIncomplete(f"{wallet} is in debt at {market}, but {lacking}")
    borrowed, owed = activity.first_borrow, activity.first_owed
    if owed is not None and (borrowed is None or borrowed.block_number > owed.block_number):
        raise HistoryIncomplete(
            f"a debt of {wallet} at {market} was paid back in block {owed.block_number}, but {lacking} before"
        )


async def lending_history(
    reader: ChainReader, market: str, activity: Activity, position: Position, health_factor_wad: int | None
) -> LendingHistory:
    """Return the history that a market's name, events and position make; see Source for the errors."""
    return LendingHistory(
        supplied_usd=activity.supplied_usd,
        withdrawn_usd=activity.withdrawn_usd,
        borrowed_usd=activity.borrowed_usd,
        repaid_usd=activity.repaid_usd,
        liquidation_count=activity.liquidations,
        liquidated_usd=activity.liquidated_usd,
        event_count=activity.events,
        # What was owed for less than a block, or is less than a dollar, is nobody's record of borrowing.
        first_borrow_at=await time_of(reader, activity.debts.first_stay(WORTH_NAMING_USD)),
        collateral_usd=position.collateral_usd,
        debt_usd=position.debt_usd,
        health_factor_wad=health_factor_wad,
        # What somebody else sent, or supplied in the wallet's name, is no use of the protocol.
        protocols=frozenset({market} if activity.used else ()),
        returned_at_once_usd=activity.debts.at_once_usd,
        withdrawn_at_once_usd=activity.deposits.at_once_usd,
    )
