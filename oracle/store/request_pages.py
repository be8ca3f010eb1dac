"""Requests by the page, the newest first, without the large columns that their stages fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import RequestRow


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list shows of a request; `requested_at` in Unix seconds, `attempts` of its present stage."""

    request_id: Decimal
    state: str
    user: str
    requester: str
    requested_at: int
    deadline: int
    updated_at: datetime
    attempts: int
    scores: dict[str, Any] | None
    decline_reason: int | None
    fault: str | None


async def page(
    session: AsyncSession,
    chain_id: int,
    oracle: Address,
    *,
    states: Sequence[State] = (),
    wallet: Address | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int,
) -> list[Listed]:
    """Return at most `limit` requests below the id `before`, the newest first.

    `states` (none: any), `wallet` (the assessed one, or who asked) and `since` (when it was asked) narrow it down.
    """
    query = select_page(chain_id, oracle, before=before, limit=limit)
    if states:
        query = query.where(RequestRow.state.in_([state.value for state in states]))
    if wallet is not None:
        query = query.where(or_(RequestRow.user == wallet, RequestRow.requester == wallet))
    if since is not None:
        query = query.where(RequestRow.requested_at >= int(since.timestamp()))
    return [Listed(*row) for row in await session.execute(query)]


def select_page(chain_id: int, oracle: Address, *, before: int | None, limit: int) -> Select[tuple[Any, ...]]:
    """Return the query of a page, by the key of its index and not by an offset: each costs as much as the first."""
    query = (
        select(*(getattr(RequestRow, name) for name in Listed.__slots__))
        .where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle)
        .order_by(RequestRow.request_id.desc())
        .limit(limit)
    )
    return query if before is None else query.where(RequestRow.request_id < Decimal(before))
