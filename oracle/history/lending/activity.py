"""What every lending source sums up: a wallet's events at one market, and its position there at the block."""

from dataclasses import dataclass

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import WAD, LendingHistory
from oracle.assessment.request import Address
from oracle.history.reading.logs import Log, time_of
from oracle.history.reading.reader import ChainReader


@dataclass
class Activity:
    """A wallet's events at one market, dollars in 1e-8 USD at each event's block.

    `first_borrow` is the log that its first debt came from, `first_owed` the first one that tells of a debt.
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
        first_borrow_at=await time_of(reader, activity.first_borrow),
        collateral_usd=position.collateral_usd,
        debt_usd=position.debt_usd,
        health_factor_wad=health_factor_wad,
        # A position that somebody else sent is no use of the protocol.
        protocols=frozenset({market} if activity.events else ()),
    )
