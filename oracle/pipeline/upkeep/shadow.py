"""The second model: run on every request beside the one that answers, recorded, never signed."""

import asyncio
from dataclasses import asdict, dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.models.inference import Inference
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.store import database, shadow_scores
from oracle.store.tables import RequestRow


@dataclass(frozen=True, slots=True)
class Beside:
    """What a shadow gave for a request."""

    model_id: str
    answer: Inference


async def score_beside(context: Context, row: RequestRow, chain: tuple[int, ...]) -> Beside | None:
    """Return what the shadow gives for a scored request's encoded features; None without a shadow, or when it fails."""
    shadow = context.shadow
    if shadow is None or row.model_id is None:
        return None
    model_id = f"0x{shadow.source.model_id.hex()}"
    if model_id == row.model_id:
        return None
    try:
        return Beside(model_id, await asyncio.to_thread(shadow.infer, chain, NEUTRAL_PRIVATE))
    except Exception as error:  # whatever it was, the answer goes on; what happened stands in the log and the metric
        _failed(row, model_id, error)
        return None


async def keep_beside(session: AsyncSession, row: RequestRow, beside: Beside) -> None:
    """Record it beside the answer; nothing that goes wrong here can hurt the answer."""
    answer = beside.answer
    try:
        async with session.begin_nested():
            await shadow_scores.keep(session, row, beside.model_id, asdict(answer.scores), list(answer.outputs))
    except database.LOST:
        raise  # the answer could not be kept either
    except Exception as error:
        _failed(row, beside.model_id, error)


def _failed(row: RequestRow, model_id: str, error: Exception) -> None:
    metrics.SHADOW_FAULTS.inc()
    structlog.get_logger("models").warning(
        "shadow_failed", request_id=int(row.request_id), model=model_id, error=str(error), exc_info=True
    )
