"""Requests that are looked at again: what is over here may not be on the chain, what waited may go on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, load_only

from oracle.assessment.request import Address
from oracle.assessment.states import STAGE_OF, State
from oracle.store.requests import move
from oracle.store.tables import RequestRow


@dataclass(frozen=True, slots=True)
class Over:
    """A request that ended here: the row's id, its id on the chain, how, and its deadline in Unix seconds."""

    row: int
    request_id: int
    state: State
    deadline: int


async def over_lately(session: AsyncSession, chain_id: int, oracle: Address, limit: int) -> list[Over]:
    """Return the requests that ended last."""
    query = _over(chain_id, oracle).order_by(RequestRow.updated_at.desc(), RequestRow.id.desc())
    return [_ended(row) for row in await session.scalars(query.limit(limit))]


async def over_from(session: AsyncSession, chain_id: int, oracle: Address, request_id: int, limit: int) -> list[Over]:
    """Return the requests that ended, by their id on the chain, from one id on, the lowest again after the highest."""
    query = _over(chain_id, oracle).order_by(RequestRow.request_id).limit(limit)
    rows = list(await session.scalars(query.where(RequestRow.request_id >= request_id)))
    if len(rows) < limit:
        rows += await session.scalars(query.where(RequestRow.request_id < request_id).limit(limit - len(rows)))
    return [_ended(row) for row in rows]


def _over(chain_id: int, oracle: Address) -> Select[Any]:
    light = load_only(RequestRow.id, RequestRow.request_id, RequestRow.state, RequestRow.deadline)
    ends = (State.FINAL, State.DECLINED, State.CLOSED, State.EXPIRED)
    query = select(RequestRow).options(light).where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle)
    return query.where(RequestRow.state.in_(ends))


def _ended(row: RequestRow) -> Over:
    return Over(row.id, int(row.request_id), State(row.state), row.deadline)


async def lock(session: AsyncSession, row_id: int) -> RequestRow | None:
    """Return a request's row, locked and as it is now; None while somebody else has it locked."""
    query = select(RequestRow).where(RequestRow.id == row_id).with_for_update(skip_locked=True)
    return await session.scalar(query.execution_options(populate_existing=True))


async def reopen(session: AsyncSession, row_ids: Collection[int], chain_id: int, oracle: Address, block: int) -> None:
    """Let the stages look again at requests that ended by something in the blocks from `block` on, which are gone.

    `row_ids` are those whose transactions were mined there.
    """
    gone = f"the blocks from {block} on, where it was settled, were reorganised away"
    ours = RequestRow.id.in_(row_ids) & RequestRow.state.in_((State.FINAL, State.DECLINED))
    others = RequestRow.state.in_((State.CLOSED, State.EXPIRED)) & (RequestRow.settled_block >= block)
    key = {"chain_id": chain_id, "oracle": oracle}
    for condition, target in ((ours, State.CONFIRMED), (others, State.SETTLING)):
        for row in (
            await session.scalars(select(RequestRow).filter_by(**key).where(condition).with_for_update())
        ).all():
            await move(session, row, target, gone)


async def unattended_since(session: AsyncSession, chain_id: int, oracle: Address) -> datetime | None:
    """Return since when a request is due in a state that no stage works in, None while there is none.

    Behind one that a stage works on, others may have to wait.
    """
    busy = aliased(RequestRow)
    attended = exists().where(busy.state == RequestRow.state, busy.claim.is_not(None))
    query = select(func.min(RequestRow.run_after)).where(
        RequestRow.chain_id == chain_id,
        RequestRow.oracle == oracle,
        RequestRow.state.in_(STAGE_OF.values()),
        RequestRow.run_after <= func.clock_timestamp(),
        not_(attended),
    )
    return await session.scalar(query)
