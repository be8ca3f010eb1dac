"""Answers kept for repeated calls: the same idempotency key and body get the same answer, whatever happened between."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import InvalidRequest
from oracle.store.api_tables import KeptAnswerRow

KEPT_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given."""

    status: int
    content_type: str
    body: bytes


class OtherBody(InvalidRequest):
    """The idempotency key was used for another call."""


class InProgress(InvalidRequest):
    """The first call with this idempotency key is still at work."""


async def begin(
    session: AsyncSession, key: str, idempotency_key: str, digest: bytes, patience: timedelta
) -> Kept | None:
    """Return the answer that this call was given already; None when the caller is to work on it now.

    `digest` is of method, path and body. A call that has not ended after `patience` died, and may be made again.
    Raises OtherBody or InProgress.
    """
    row = KeptAnswerRow
    given = {"key": key, "idempotency_key": idempotency_key}
    now = func.clock_timestamp()
    dead = (row.status.is_(None)) & (row.created_at < now - patience)
    await session.execute(delete(row).filter_by(**given).where(or_(row.created_at < now - KEPT_FOR, dead)))
    added = upsert(row).values(**given, digest=digest).on_conflict_do_nothing().returning(row.key)
    if await session.scalar(added) is not None:
        return None
    found = (await session.scalars(select(row).filter_by(**given))).one()
    if found.digest != digest:
        raise OtherBody("this idempotency key was used for another call: take a new one")
    if found.status is None or found.body is None or found.content_type is None:
        raise InProgress("the first call with this idempotency key is still at work")
    return Kept(found.status, found.content_type, found.body)


async def keep(session: AsyncSession, key: str, idempotency_key: str, answer: Kept) -> None:
    """Keep the answer to a call that `begin` let through."""
    given = {"key": key, "idempotency_key": idempotency_key}
    values = {"status": answer.status, "content_type": answer.content_type, "body": answer.body}
    await session.execute(update(KeptAnswerRow).filter_by(**given).values(**values))


async def forget(session: AsyncSession, key: str, idempotency_key: str) -> None:
    """Let a call be made anew that came to nothing."""
    await session.execute(delete(KeptAnswerRow).filter_by(key=key, idempotency_key=idempotency_key))


async def sweep(session: AsyncSession) -> None:
    """Remove what is no longer kept."""
    await session.execute(delete(KeptAnswerRow).where(KeptAnswerRow.created_at < func.now() - KEPT_FOR))
