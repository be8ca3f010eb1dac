"""What borrowers hand in for their requests: openings, encrypted, and proofs that they made themselves."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import OpeningRow, PostedProofRow, RequestRow, TransitionRow

REMINDER: Final = "reminder"
"""The notice by which a request asks, once, for what it waits for."""


async def opening_of(session: AsyncSession, request: int) -> OpeningRow | None:
    """Return a request's encrypted opening; `request` is the row's id."""
    return await session.get(OpeningRow, request)


async def proof_of(session: AsyncSession, request: int) -> PostedProofRow | None:
    """Return the proof that a borrower posted for a request."""
    return await session.get(PostedProofRow, request)


async def has_any(session: AsyncSession, request: int) -> bool:
    """Say whether something was handed in for a request."""
    rows = (OpeningRow, PostedProofRow)
    found = [await session.scalar(select(row.request).where(row.request == request)) for row in rows]
    return any(one is not None for one in found)


async def keep_opening(session: AsyncSession, request: int, nonce: bytes, sealed: bytes) -> None:
    """Store an encrypted opening in place of an earlier one, which may be under a key that was lost."""
    values = {"nonce": nonce, "sealed": sealed, "created_at": func.now()}
    row = insert(OpeningRow).values(request=request, **values)
    await session.execute(row.on_conflict_do_update(index_elements=[OpeningRow.request], set_=values))


async def keep_proof(
    session: AsyncSession,
    request: int,
    *,
    model_id: str,
    feature_commitment: int,
    outputs: Sequence[int],
    proof: bytes,
) -> None:
    """Store a posted proof in place of an earlier one."""
    values = {
        "model_id": model_id,
        "feature_commitment": Decimal(feature_commitment),
        "outputs": list(outputs),
        "proof": proof,
        "created_at": func.now(),
    }
    row = insert(PostedProofRow).values(request=request, **values)
    await session.execute(row.on_conflict_do_update(index_elements=[PostedProofRow.request], set_=values))


async def drop_opening(session: AsyncSession, request: int) -> None:
    """Erase a request's opening alone."""
    await session.execute(delete(OpeningRow).where(OpeningRow.request == request))


async def drop_proof(session: AsyncSession, request: int) -> None:
    """Remove a request's posted proof alone."""
    await session.execute(delete(PostedProofRow).where(PostedProofRow.request == request))


async def erase(session: AsyncSession, request: int) -> None:
    """Erase all that was handed in for a request."""
    await drop_opening(session, request)
    await drop_proof(session, request)


async def erase_useless(session: AsyncSession, chain_id: int, oracle: Address, now: int) -> int:
    """Erase what was handed in for requests that nobody can answer any more; return how many there were.

    Those are requests that vanished, or were given up, and whose deadline (Unix seconds) is before `now`.
    """
    over = select(RequestRow.id).where(
        RequestRow.chain_id == chain_id,
        RequestRow.oracle == oracle,
        RequestRow.state.in_((State.VANISHED, State.DEAD)),
        RequestRow.deadline < now,
    )
    gone = await session.scalars(delete(OpeningRow).where(OpeningRow.request.in_(over)).returning(OpeningRow.request))
    await session.execute(delete(PostedProofRow).where(PostedProofRow.request.in_(over)))
    return len(gone.all())


async def make_due(session: AsyncSession, request: int) -> None:
    """Let a request that waits for its data be looked at now."""
    waits = (RequestRow.id == request, RequestRow.state == State.AWAITING_PROOF)
    await session.execute(update(RequestRow).where(*waits).values(run_after=func.clock_timestamp()))


async def was_reminded(session: AsyncSession, request: int) -> bool:
    """Say whether a request has asked for its data since it waits for them."""
    row = TransitionRow
    since = select(func.max(row.id)).where(
        row.request == request, row.target == State.AWAITING_PROOF, row.source != State.AWAITING_PROOF
    )
    asked = select(row.id).where(
        row.request == request, row.notice == REMINDER, row.id > func.coalesce(since.scalar_subquery(), 0)
    )
    return await session.scalar(asked.limit(1)) is not None
