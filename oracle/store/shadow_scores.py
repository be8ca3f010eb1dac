"""What shadow models gave, beside what was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Float, Select, case, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from oracle.assessment.request import Address
from oracle.store.model_tables import ShadowScoreRow
from oracle.store.tables import RequestRow

PERIODS: Final = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two models over the requests of one period: score and default probability differences in basis points.

    `riskier` and `safer` count requests that the shadow puts into a riskier, or a safer, category.
    """

    period: datetime
    model_id: str
    answered_by: str
    requests: int
    riskier: int
    safer: int
    mean_score_difference: float
    mean_absolute_score_difference: float
    largest_score_difference: int
    mean_default_difference: float


async def keep(
    session: AsyncSession, row: RequestRow, model_id: str, scores: Mapping[str, Any], outputs: Sequence[int]
) -> None:
    """Record what a shadow gave for a request, in the place of what it gave before."""
    values = {
        "answered_by": row.model_id,
        "scores": dict(scores),
        "outputs": list(outputs),
        "answered": dict(row.scores or {}),
    }
    added = upsert(ShadowScoreRow).values(request=row.id, model_id=model_id, **values)
    await session.execute(
        added.on_conflict_do_update(index_elements=["request", "model_id"], set_={**values, "at": func.now()})
    )


async def agreement(
    session: AsyncSession, chain_id: int, oracle: Address, period: str, since: datetime, most: int | None = None
) -> list[Agreement]:
    """Return how shadows agreed with what was answered, by period (one of PERIODS) and pair of models, oldest first.

    With `most` only the newest so many scores are looked at, which costs the same however many there are.
    """
    found = await session.execute(select_agreement(chain_id, oracle, period, since, most))
    return [Agreement(*row) for row in found.all()]


def select_agreement(
    chain_id: int, oracle: Address, period: str, since: datetime, most: int | None
) -> Select[*tuple[Any, ...]]:
    """Return the query of `agreement`."""
    if period not in PERIODS:
        raise ValueError(f"period is {period!r}, expected one of {', '.join(PERIODS)}")
    newest = select(ShadowScoreRow).where(ShadowScoreRow.at >= since).order_by(ShadowScoreRow.at.desc()).limit(most)
    row = aliased(ShadowScoreRow, newest.subquery())

    def difference(name: str) -> Any:
        return row.scores[name].as_integer() - row.answered[name].as_integer()

    category, score = difference("category"), difference("score_bps")
    starts = func.date_trunc(period, row.at)
    return (
        select(
            starts,
            row.model_id,
            row.answered_by,
            func.count(),
            func.sum(case((category > 0, 1), else_=0)),
            func.sum(case((category < 0, 1), else_=0)),
            func.avg(score).cast(Float),
            func.avg(func.abs(score)).cast(Float),
            func.max(func.abs(score)),
            func.avg(difference("probability_of_default_bps")).cast(Float),
        )
        .join(RequestRow, RequestRow.id == row.request)
        .where(RequestRow.chain_id == chain_id, RequestRow.oracle == oracle)
        .group_by(starts, row.model_id, row.answered_by)
        .order_by(starts, row.model_id)
    )
