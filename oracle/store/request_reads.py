"""Requests for reading: a wallet's by the page, one with what it was answered; each query by the key of an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import RequestRow, TransactionRow, TransitionRow

ANSWERED: Final = (State.CONFIRMED, State.FINAL)
"""The states in which the chain holds an answer of this oracle."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is told of a request; `id` is the row's, times in Unix seconds except `updated_at`."""

    id: int
    request_id: Decimal
    state: str
    user: str
    requester: str
    terms: dict[str, Any]
    data_commitment: Decimal
    fee_wei: Decimal
    requested_at: int
    deadline: int
    block_number: int
    block_hash: str
    transaction_hash: str
    model_id: str | None
    scores: dict[str, Any] | None
    decline_reason: int | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state, without the reason, which is for operators."""

    at: datetime
    source: str | None
    target: str
    seconds: float | None


def _summaries(chain_id: int, oracle: Address) -> Select[tuple[Any, ...]]:
    columns = (getattr(RequestRow, name) for name in Summary.__slots__)
    return select(*columns).where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle)


def select_wallet(
    chain_id: int, oracle: Address, wallet: Address, *, before: int | None, limit: int
) -> Select[tuple[Any, ...]]:
    """Return the query for a wallet's requests below an id, the newest first.

    Ids are one oracle's own and none is given twice: no two rows tie.
    """
    query = _summaries(chain_id, oracle).where(RequestRow.user == wallet)
    if before is not None:
        query = query.where(RequestRow.request_id < Decimal(before))
    return query.order_by(RequestRow.request_id.desc()).limit(limit)


def select_latest(chain_id: int, oracle: Address, wallet: Address) -> Select[tuple[Any, ...]]:
    """Return the query for a wallet's newest request that the chain holds an answer to."""
    query = _summaries(chain_id, oracle).where(RequestRow.user == wallet)
    states = [state.value for state in ANSWERED]
    return query.where(RequestRow.state.in_(states)).order_by(RequestRow.request_id.desc()).limit(1)


def select_one(chain_id: int, oracle: Address, request_id: int) -> Select[tuple[Any, ...]]:
    """Return the query for one request."""
    return _summaries(chain_id, oracle).where(RequestRow.request_id == Decimal(request_id))


async def of_wallet(
    session: AsyncSession, chain_id: int, oracle: Address, wallet: Address, *, before: int | None, limit: int
) -> list[Summary]:
    """Return at most `limit` of a wallet's requests, the newest first."""
    query = select_wallet(chain_id, oracle, wallet, before=before, limit=limit)
    return [Summary(*row) for row in await session.execute(query)]


async def latest(session: AsyncSession, chain_id: int, oracle: Address, wallet: Address) -> Summary | None:
    """Return a wallet's newest answered request, None when there is none."""
    row = (await session.execute(select_latest(chain_id, oracle, wallet))).one_or_none()
    return None if row is None else Summary(*row)


async def one(session: AsyncSession, chain_id: int, oracle: Address, request_id: int) -> Summary | None:
    """Return one request, None when the daemon never saw it."""
    row = (await session.execute(select_one(chain_id, oracle, request_id))).one_or_none()
    return None if row is None else Summary(*row)


async def whole(session: AsyncSession, chain_id: int, oracle: Address, request_id: int) -> RequestRow | None:
    """Return one request's whole row, with the large columns that its stages fill."""
    key = {"chain_id": chain_id, "oracle": oracle, "request_id": Decimal(request_id)}
    return await session.scalar(select(RequestRow).filter_by(**key))


async def steps(session: AsyncSession, row_id: int) -> Sequence[Step]:
    """Return the changes of state of a request, oldest first; tries that failed are left out."""
    row = TransitionRow
    query = select(row.at, row.source, row.target, row.seconds).where(row.request == row_id).order_by(row.id)
    return [Step(*found) for found in await session.execute(query) if found[1] != found[2]]


async def answer_transaction(session: AsyncSession, row_id: int) -> str | None:
    """Return the hash of the transaction that settled a request, None before one was mined."""
    query = select(TransactionRow.mined_hash).where(
        TransactionRow.request == row_id, TransactionRow.succeeded.is_(True)
    )
    return await session.scalar(query.order_by(TransactionRow.id.desc()).limit(1))
