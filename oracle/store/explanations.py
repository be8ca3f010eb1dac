"""Explanations of assessments: one a request, written with its scores and void when they are."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.store.tables import ExplanationRow
from oracle.store.texts import brief


@dataclass(frozen=True, slots=True)
class Told:
    """What is stored beside a request's scores.

    `content` is the explanation in its plain form, None when it could not be made, which `fault` then says;
    `anomaly_score` is 0 to 100, None where the model has no such part.
    """

    model_id: str
    thin: bool
    content: dict[str, Any] | None
    fault: str | None = None
    anomaly_score: float | None = None


async def put(session: AsyncSession, request: int, told: Told) -> None:
    """Store a request's explanation, in place of an earlier one; `request` is the row's id."""
    values = {
        "model_id": told.model_id,
        "thin": told.thin,
        "content": told.content,
        "fault": None if told.fault is None else brief(told.fault),
        "anomaly_score": told.anomaly_score,
        "created_at": func.now(),
    }
    statement = insert(ExplanationRow).values(request=request, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=[ExplanationRow.request], set_=values))


async def get(session: AsyncSession, request: int) -> ExplanationRow | None:
    """Return a request's explanation, None before it is scored."""
    return await session.get(ExplanationRow, request)


async def forget(session: AsyncSession, request: int) -> None:
    """Remove a request's explanation."""
    await session.execute(delete(ExplanationRow).where(ExplanationRow.request == request))
