"""What the dashboard's pages read: each query is bounded, and goes by an index with the id as tie-break."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Text, and_, func, literal, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow

_SCORE: Final[ColumnElement[int]] = RequestRow.scores.op("->>")("score_bps").cast(RequestRow.attempts.type)
_NARROWED: Final = ("state", "decline_reason", "model_id")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of requests is narrowed down to; None: not by this. Times in Unix seconds, scores in basis points."""

    state: State | None = None
    decline_reason: int | None = None
    model_id: str | None = None
    user: str | None = None
    requester: str | None = None
    score_from: int | None = None
    score_to: int | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What a list shows of a request."""

    id: int
    request_id: Decimal
    state: str
    user: str
    requester: str
    requested_at: int
    created_at: datetime
    updated_at: datetime
    attempts: int
    model_id: str | None
    scores: dict[str, Any] | None
    decline_reason: int | None
    fault: str | None


Query = Select[*tuple[Any, ...]]
Place = tuple[int, Decimal]
"""Where a page ends: (requested_at, request_id) of its last line."""


def select_lines(chain_id: int, oracle: Address, by: Filter, before: Place | None, limit: int) -> Query:
    """Return the query of a page of requests, the newest first."""
    row = RequestRow
    # Only the beginning of a fault stands in a list.
    columns = [getattr(row, name) for name in Line.__slots__ if name != "fault"]
    query = select(*columns, func.left(row.fault, 300)).where(row.chain_id == chain_id, row.oracle == oracle)
    for name in (*_NARROWED, "user", "requester"):
        value = getattr(by, name)
        if value is not None:
            query = query.where(getattr(row, name) == (value.value if isinstance(value, State) else value))
    if by.score_from is not None:
        query = query.where(by.score_from <= _SCORE)
    if by.score_to is not None:
        query = query.where(by.score_to >= _SCORE)
    if by.since is not None:
        query = query.where(row.requested_at >= by.since)
    if by.until is not None:
        query = query.where(row.requested_at < by.until)
    if before is not None:
        query = query.where(tuple_(row.requested_at, row.request_id) < tuple_(*before))
    return query.order_by(row.requested_at.desc(), row.request_id.desc()).limit(limit)


async def lines(
    session: AsyncSession, chain_id: int, oracle: Address, by: Filter, before: Place | None, limit: int
) -> list[Line]:
    """Return a page of requests, the newest first."""
    return [Line(*row) for row in await session.execute(select_lines(chain_id, oracle, by, before, limit))]


async def find(session: AsyncSession, chain_id: int, oracle: Address, request_id: int) -> RequestRow | None:
    """Return one request's row, None when it was never seen."""
    query = select(RequestRow).filter_by(chain_id=chain_id, oracle=oracle, request_id=Decimal(request_id))
    return await session.scalar(query)


def select_by_hash(chain_id: int, oracle: Address, digest: str) -> Query:
    """Return the query for the requests of a transaction: that which asked, or any form of one that answered."""
    asked = select(RequestRow.request_id.label("request_id")).where(
        RequestRow.chain_id == chain_id, RequestRow.oracle == oracle, RequestRow.transaction_hash == digest
    )
    answered = (
        select(RequestRow.request_id.label("request_id"))
        .join(TransactionRow, TransactionRow.request == RequestRow.id)
        .join(BroadcastRow, BroadcastRow.transaction == TransactionRow.id)
        .where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle, BroadcastRow.hash == digest)
    )
    both = union_all(asked, answered).subquery()
    return select(both.c.request_id).distinct().limit(50)


async def by_hash(session: AsyncSession, chain_id: int, oracle: Address, digest: str) -> list[int]:
    """Return the ids of the requests that a transaction hash belongs to."""
    return sorted(int(one) for one in await session.scalars(select_by_hash(chain_id, oracle, digest)))


def select_oldest(chain_id: int, oracle: Address, states: Sequence[State]) -> Query:
    """Return the query for the request that waits longest in each state: one look into the index a state."""
    each = [
        select(
            literal(state.value, Text).label("state"),
            *(RequestRow.request_id, RequestRow.requested_at, RequestRow.created_at, RequestRow.updated_at),
        )
        .where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle, RequestRow.state == state.value)
        .order_by(RequestRow.requested_at, RequestRow.request_id)
        .limit(1)
        .subquery()
        for state in states
    ]
    return select(union_all(*(select(one) for one in each)).subquery())


async def oldest(
    session: AsyncSession, chain_id: int, oracle: Address, states: Sequence[State]
) -> dict[State, tuple[int, datetime]]:
    """Return for each state that a request is in: the oldest one's id, and when it was first seen here."""
    found = await session.execute(select_oldest(chain_id, oracle, states))
    return {State(row.state): (int(row.request_id), row.created_at) for row in found}


def select_transactions(chain_id: int, before: int | None, limit: int, *, waiting: bool) -> Query:
    """Return the query of a page of transactions with the requests they are for, the newest first."""
    row = TransactionRow
    query = (
        select(
            *(row.id, row.sender, row.nonce, row.kind, row.to, row.gas_limit, row.mined_hash, row.mined_block),
            *(row.gas_used, row.gas_price_wei, row.succeeded, row.passed_block, row.next_since, row.bump_by),
            *(row.created_at, RequestRow.request_id, RequestRow.state),
        )
        .outerjoin(RequestRow, RequestRow.id == row.request)
        .where(row.chain_id == chain_id)
        .order_by(row.id.desc())
        .limit(limit)
    )
    if waiting:
        query = query.where(and_(row.mined_block.is_(None), row.passed_block.is_(None)))
    return query if before is None else query.where(row.id < before)


async def transactions(
    session: AsyncSession, chain_id: int, before: int | None, limit: int, *, waiting: bool
) -> Sequence[Any]:
    """Return a page of transactions."""
    found: Sequence[Any] = (await session.execute(select_transactions(chain_id, before, limit, waiting=waiting))).all()
    return found


def select_forms(transactions: Sequence[int]) -> Query:
    """Return the query for the signed forms of transactions, without their bytes."""
    row = BroadcastRow
    return (
        select(row.transaction, row.hash, row.kind, row.max_fee_wei, row.priority_fee_wei, row.created_at)
        .where(row.transaction.in_(transactions))
        .order_by(row.created_at, row.hash)
    )


async def forms(session: AsyncSession, transactions: Sequence[int]) -> dict[int, list[Any]]:
    """Return the signed forms of transactions by their ids, oldest first."""
    found: dict[int, list[Any]] = {one: [] for one in transactions}
    if transactions:
        for form in await session.execute(select_forms(transactions)):
            found[form.transaction].append(form)
    return found


def select_of_wallet(chain_id: int, oracle: Address, wallet: str, limit: int) -> Query:
    """Return the query for the newest requests about a wallet, or asked for by it."""
    about = select_lines(chain_id, oracle, Filter(user=wallet), None, limit).subquery()
    asked = select_lines(chain_id, oracle, Filter(requester=wallet), None, limit).where(RequestRow.user != wallet)
    both = union_all(select(about), select(asked.subquery())).subquery()
    return select(both).order_by(both.c.requested_at.desc(), both.c.request_id.desc()).limit(limit)


async def of_wallet(session: AsyncSession, chain_id: int, oracle: Address, wallet: str, limit: int) -> list[Line]:
    """Return the newest requests about a wallet, or asked for by it."""
    return [Line(*row) for row in await session.execute(select_of_wallet(chain_id, oracle, wallet, limit))]


def select_dead(chain_id: int, oracle: Address, words: str, before: Place | None, limit: int) -> Query:
    """Return the query of a page of dead requests whose last fault holds these words, whatever their case."""
    query = select_lines(chain_id, oracle, Filter(state=State.DEAD), before, limit)
    if not words:
        return query
    return query.where(RequestRow.fault.icontains(words, autoescape=True))


async def dead(
    session: AsyncSession, chain_id: int, oracle: Address, words: str, before: Place | None, limit: int
) -> list[Line]:
    """Return a page of dead requests, the newest first."""
    return [Line(*row) for row in await session.execute(select_dead(chain_id, oracle, words, before, limit))]
