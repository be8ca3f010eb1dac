"""Changes of state in the order of their ids, none left out: what streams and webhooks are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.api_tables import EventCursorRow
from oracle.store.tables import RequestRow, TransitionRow

# Transactions are short: so many ids behind the newest, none is open any more.
_OPEN_IDS: Final = 256
_OPEN: Final = text(
    "select pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint from pg_current_snapshot() as now"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state of a request, or a notice about it; `id` is the transition's."""

    id: int
    request_id: int
    user: str
    requester: str
    source: str | None
    target: str
    at: datetime
    notice: str | None = None

    @property
    def name(self) -> str:
        """What it is told as: the notice, or the state that the request went into."""
        return self.notice or self.target


@dataclass(frozen=True, slots=True)
class Look:
    """What stands after an id: `ids` of all rows, `changes` of this oracle, and which transactions were open then."""

    ids: tuple[int, ...]
    changes: tuple[Change, ...]
    oldest_open: int
    next_transaction: int


@dataclass(slots=True)
class Order:
    """Says up to which id nothing can come any more: ids are given at once, and committed in any order.

    A missing id is lost for good once every transaction is over that may hold it: those that were open a look after it
    was first missed (that one, since an id may be taken shortly before its transaction has a number).
    """

    _missed: dict[int, int | None] = field(default_factory=dict)

    def settled(self, after: int, look: Look) -> int:
        """Return the last id, from `after` on, before which every id is there or lost."""
        last, open_gap = after, False
        expected = after + 1
        missed: dict[int, int | None] = {}
        for number in look.ids:
            if number != expected and not self._is_lost(expected, look, missed):
                open_gap = True
            expected = number + 1
            if not open_gap:
                last = number
        self._missed = missed
        return last

    def _is_lost(self, first: int, look: Look, missed: dict[int, int | None]) -> bool:
        if first not in self._missed:
            missed[first] = None
            return False
        barrier = self._missed[first]
        if barrier is None:
            missed[first] = look.next_transaction
            return False
        missed[first] = barrier
        return look.oldest_open >= barrier


def select_after(after: int, until: int | None, limit: int) -> Select[tuple[Any, ...]]:
    """Return the query for changes by id, of every oracle."""
    transition, request = TransitionRow, RequestRow
    columns: tuple[Any, ...] = (
        transition.id,
        request.request_id,
        request.user,
        request.requester,
        transition.source,
        transition.target,
        transition.at,
        transition.notice,
        request.chain_id,
        request.oracle,
    )
    query = (
        select(*columns)
        .join(request, request.id == transition.request)
        .where(transition.id > after)
        .order_by(transition.id)
        .limit(limit)
    )
    return query if until is None else query.where(transition.id <= until)


async def look(session: AsyncSession, chain_id: int, oracle: Address, after: int, limit: int) -> Look:
    """Return what stands after an id; the transactions are those that were open before the rows were read."""
    oldest_open, next_transaction = (await session.execute(_OPEN)).one()
    rows = (await session.execute(select_after(after, None, limit))).all()
    return Look(tuple(row[0] for row in rows), _changes(rows, chain_id, oracle), oldest_open, next_transaction)


async def between(
    session: AsyncSession, chain_id: int, oracle: Address, after: int, until: int, limit: int
) -> tuple[tuple[Change, ...], int]:
    """Return an oracle's changes after an id, up to another, and the last id that was looked at."""
    rows = (await session.execute(select_after(after, until, limit))).all()
    last = rows[-1][0] if len(rows) == limit else until
    return _changes(rows, chain_id, oracle), last


async def newest(session: AsyncSession) -> int:
    """Return an id before which no transaction is open: where to begin to look."""
    found = await session.scalar(select(func.max(TransitionRow.id)))
    return max((found or 0) - _OPEN_IDS, 0)


async def told(session: AsyncSession, chain_id: int, oracle: Address, start: int) -> EventCursorRow:
    """Return up to where an oracle's webhooks were told, locked for this transaction; `start` the first time."""
    key = {"chain_id": chain_id, "oracle": oracle}
    await session.execute(upsert(EventCursorRow).values(**key, settled=start).on_conflict_do_nothing())
    return (await session.scalars(select(EventCursorRow).filter_by(**key).with_for_update())).one()


def _changes(rows: Sequence[Any], chain_id: int, oracle: Address) -> tuple[Change, ...]:
    return tuple(
        Change(row[0], int(row[1]), *row[2:8])
        for row in rows
        # A try that failed is no change.
        if (row[8], row[9]) == (chain_id, oracle) and (row[4] != row[5] or row[7] is not None)
    )
