"""Requests and their audit log: arrival, claiming by a stage, the step to the next state."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason, InvalidRequest, OracleError
from oracle.assessment.request import Address, AssessmentRequest, BlockRef, LoanTerms
from oracle.assessment.states import STAGE_OF, State
from oracle.store import explanations, openings
from oracle.store.tables import RequestRow, TransitionRow
from oracle.store.texts import brief

# What a stage found out belongs to one block: when the request moves to another block, it is void.
_FOUND = (
    *(
        "history",
        "history_hash",
        "features",
        "model_id",
        "open_model_id",
        "scores",
        "feature_commitment",
        "outputs",
        "proof",
        "signatures",
    ),
    "decline_reason",
)


# Over: what a borrower handed in is of no more use.
_ENDS: Final = frozenset({State.FINAL, State.DECLINED, State.CLOSED, State.EXPIRED})

WAITING: Final = "waiting: "
"""How the fault of a request begins that waits for something to pass."""


class ClaimLost(OracleError):
    """What a stage found out counts no more: its claim on the request ended."""


async def add(session: AsyncSession, chain_id: int, oracle: Address, found: Sequence[AssessmentRequest]) -> list[int]:
    """Store requests from the chain; return the row ids of those that are new, came back, or moved to another block."""
    arrived = []
    for request in found:
        values = _columns(request)
        key = {"chain_id": chain_id, "oracle": oracle, "request_id": request.request_id}
        inserted = await session.scalar(
            upsert(RequestRow).values(**key, **values).on_conflict_do_nothing().returning(RequestRow.id)
        )
        if inserted is not None:
            await note(session, inserted, None, State.REQUESTED, f"logged in block {request.block.number}")
            arrived.append(inserted)
            continue
        row = (await session.scalars(select(RequestRow).filter_by(**key).with_for_update())).one()
        # A move is noticed here too: a rewind for another reason may have hidden the reorganisation.
        if row.state == State.VANISHED or row.block_hash != request.block.hash:
            if int(row.data_commitment) != request.data_commitment or row.user != request.user:
                # Another request took the id: what was handed in was not for it.
                await openings.erase(session, row.id)
            for name, value in values.items():
                setattr(row, name, value)
            await _forget_findings(session, row)
            await move(session, row, State.REQUESTED, f"logged again in block {request.block.number}")
            arrived.append(row.id)
    return arrived


async def claim(
    session: AsyncSession, chain_id: int, oracle: Address, state: State, daemon: int, claim: UUID
) -> RequestRow | None:
    """Claim the next due request in a state for a daemon, oldest first; None when there is none.

    The claim counts once it is committed; it ends when the request moves, rests, is given back, or the daemon dies.
    """
    row = await session.scalar(
        select(RequestRow)
        .where(
            RequestRow.state == state,
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.claim.is_(None),
            RequestRow.run_after <= func.clock_timestamp(),
        )
        .order_by(RequestRow.run_after, RequestRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is not None:
        row.claim, row.claimed_by = claim, daemon
    return row


async def hold(session: AsyncSession, row_id: int, claim: UUID | None) -> None:
    """Lock a claimed request for this transaction.

    Raises ClaimLost when the claim ended meanwhile: another daemon took over, or the request's block is gone.
    """
    query = select(RequestRow.id).where(RequestRow.id == row_id, RequestRow.claim == claim)
    if await session.scalar(query.with_for_update()) is None:
        raise ClaimLost("the request was moved on or taken over meanwhile")


async def claimed_by(session: AsyncSession, daemon: int) -> set[UUID]:
    """Return the claims that a daemon holds."""
    found = await session.scalars(select(RequestRow.claim).where(RequestRow.claimed_by == daemon))
    return {claim for claim in found if claim is not None}


async def give_back(session: AsyncSession, claims: Collection[UUID]) -> int:
    """End claims whose work came to nothing; return how many there were."""
    ended = update(RequestRow).where(RequestRow.claim.in_(claims)).values(claim=None, claimed_by=None)
    return cast(CursorResult[Any], await session.execute(ended)).rowcount


async def move(
    session: AsyncSession,
    row: RequestRow,
    target: State,
    reason: str,
    *,
    seconds: float | None = None,
    after: timedelta = timedelta(),
) -> None:
    """Take a claimed request to its next state, or let it rest in its own; log a change; attempts start anew.

    With a request that is over, what its borrower handed in is erased.
    """
    source, row.state = State(row.state), target.value
    row.attempts, row.fault = 0, None
    row.claim = row.claimed_by = None
    if source is not target:
        await note(session, row.id, source, target, reason, seconds)
    if target in _ENDS:
        await openings.erase(session, row.id)
    row.run_after = await _from_now(session, after)


async def retry(session: AsyncSession, row: RequestRow, fault: str, after: timedelta) -> None:
    """Leave a claimed request in its state after a fault, to be tried again later."""
    row.attempts += 1
    row.fault = brief(fault)
    row.claim = row.claimed_by = None
    row.run_after = await _from_now(session, after)
    await note(session, row.id, State(row.state), State(row.state), f"try {row.attempts} failed: {fault}")


async def note(
    session: AsyncSession,
    request: int,
    source: State | None,
    target: State,
    reason: str,
    seconds: float | None = None,
    notice: str | None = None,
) -> None:
    """Append to the audit log; a `notice` is told to whoever listens though the state is the same."""
    values = {"source": source, "target": target, "reason": brief(reason), "seconds": seconds, "notice": notice}
    await session.execute(insert(TransitionRow).values(request=request, **values))


async def vanish(session: AsyncSession, chain_id: int, oracle: Address, from_block: int) -> list[int]:
    """Mark the requests logged at or after a block that a reorganisation removed; return their row ids."""
    rows = await session.scalars(
        select(RequestRow)
        .where(
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.block_number >= from_block,
            RequestRow.state != State.VANISHED,
        )
        .with_for_update()
    )
    gone = list(rows)
    for row in gone:
        await move(session, row, State.VANISHED, f"block {row.block_number} {row.block_hash} was reorganised away")
    return [row.id for row in gone]


async def wake_waiting(session: AsyncSession, chain_id: int, oracle: Address) -> int:
    """Make due at once what waits for something to pass, with its pauses starting anew; return how many waited."""
    woken = await session.execute(
        update(RequestRow)
        .where(
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.state.in_(STAGE_OF.values()),
            RequestRow.claim.is_(None),
            RequestRow.run_after > func.clock_timestamp(),
            RequestRow.fault.startswith(WAITING),
        )
        .values(run_after=func.clock_timestamp(), attempts=0)
    )
    return cast(CursorResult[Any], woken).rowcount


async def dead_letters(session: AsyncSession, chain_id: int, oracle: Address) -> tuple[int, RequestRow | None]:
    """Return how many requests were given up, and the one that was last."""
    dead = (RequestRow.chain_id == chain_id, RequestRow.oracle == oracle, RequestRow.state == State.DEAD)
    # One question: between two of them a request can be given up.
    count = select(func.count()).select_from(RequestRow).where(*dead).scalar_subquery()
    newest = select(RequestRow, count).where(*dead).order_by(RequestRow.run_after.desc(), RequestRow.id.desc()).limit(1)
    found = (await session.execute(newest)).one_or_none()
    return (0, None) if found is None else (found[1], found[0])


async def requeue(
    session: AsyncSession, chain_id: int, oracle: Address, request_id: int, by: str = "the operator"
) -> RequestRow:
    """Bring a dead request back to the start; raises InvalidRequest when it is unknown or not dead."""
    row = await _dead(session, chain_id, oracle, request_id, "requeued")
    await _forget_findings(session, row)
    await move(session, row, State.REQUESTED, f"requeued by {by}")
    return row


async def give_back_fee(
    session: AsyncSession, chain_id: int, oracle: Address, request_id: int, reason: DeclineReason, by: str
) -> RequestRow:
    """Let a dead request be declined on the chain; raises InvalidRequest when it is unknown or not dead."""
    row = await _dead(session, chain_id, oracle, request_id, "declined by hand")
    row.decline_reason = reason.value
    await move(session, row, State.DECLINING, f"{reason.name.lower()}: declined by {by}")
    return row


async def set_aside(session: AsyncSession, row: int, by: str) -> RequestRow:
    """Give a request up whose transaction waits, by its row: the nonce is then taken back, as no stage looks after it.

    Raises InvalidRequest when it is not submitted any more.
    """
    request = await session.get(RequestRow, row, with_for_update=True)
    if request is None or request.state != State.SUBMITTED:
        raise InvalidRequest("its request does not wait for this transaction any more")
    await move(session, request, State.DEAD, f"its transaction was cancelled by {by}")
    request.fault = f"its transaction was cancelled by {by}: bring it back, or decline it"
    return request


async def _dead(session: AsyncSession, chain_id: int, oracle: Address, request_id: int, done: str) -> RequestRow:
    row = await find(session, chain_id, oracle, request_id, lock=True)
    if row.state != State.DEAD:
        raise InvalidRequest(f"request {request_id} is {row.state}: only dead requests can be {done}")
    return row


async def find(
    session: AsyncSession, chain_id: int, oracle: Address, request_id: int, *, lock: bool = False
) -> RequestRow:
    """Return one request's row; raises InvalidRequest when the daemon never saw it."""
    # Not as an integer: one beyond 64 bits is refused by the server.
    query = select(RequestRow).filter_by(chain_id=chain_id, oracle=oracle, request_id=Decimal(request_id))
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise InvalidRequest(f"request {request_id} of oracle {oracle} on chain {chain_id} is not known here")
    return row


async def first_missing(session: AsyncSession, chain_id: int, oracle: Address, count: int) -> tuple[int, int] | None:
    """Return the lowest id of 1..count that is not stored, and the block of the request before it (0: none)."""
    key = {"chain_id": chain_id, "oracle": oracle}
    stored = select(RequestRow.request_id).filter_by(**key).where(RequestRow.state != State.VANISHED).subquery()
    ids = select(func.generate_series(1, count).label("request_id")).subquery()
    query = select(func.min(ids.c.request_id)).where(ids.c.request_id.not_in(select(stored.c.request_id)))
    missing = await session.scalar(query)
    if missing is None:
        return None
    before = select(func.max(RequestRow.block_number)).filter_by(**key).where(RequestRow.request_id < missing)
    return int(missing), await session.scalar(before) or 0


async def transitions(session: AsyncSession, row: RequestRow) -> Sequence[TransitionRow]:
    """Return a request's audit log, oldest first."""
    query = select(TransitionRow).where(TransitionRow.request == row.id).order_by(TransitionRow.id)
    return (await session.scalars(query)).all()


def to_request(row: RequestRow) -> AssessmentRequest:
    """Return the domain's value of a row."""
    return AssessmentRequest(
        request_id=int(row.request_id),
        user=Address(row.user),
        requester=Address(row.requester),
        terms=LoanTerms(**row.terms),
        data_commitment=int(row.data_commitment),
        fee_wei=int(row.fee_wei),
        requested_at=row.requested_at,
        deadline=row.deadline,
        block=BlockRef(row.block_number, row.block_hash, row.block_timestamp),
        transaction_hash=row.transaction_hash,
    )


def _columns(request: AssessmentRequest) -> dict[str, Any]:
    return {
        "user": request.user,
        "requester": request.requester,
        "terms": asdict(request.terms),
        "data_commitment": Decimal(request.data_commitment),
        "fee_wei": Decimal(request.fee_wei),
        "requested_at": request.requested_at,
        "deadline": request.deadline,
        "block_number": request.block.number,
        "block_hash": request.block.hash,
        "block_timestamp": request.block.timestamp,
        "transaction_hash": request.transaction_hash,
    }


async def _forget_findings(session: AsyncSession, row: RequestRow) -> None:
    for name in _FOUND:
        setattr(row, name, None)
    await explanations.forget(session, row.id)
    # It was made of the features of another block, or of another reading; an opening is as good as before.
    await openings.drop_proof(session, row.id)


async def _from_now(session: AsyncSession, after: timedelta) -> datetime:
    # The database's clock decides what is due, so it also stamps what is later.
    now = await session.scalar(select(func.clock_timestamp()))
    if not isinstance(now, datetime):
        raise TypeError(f"clock_timestamp() gave {now!r}")
    return now + after
