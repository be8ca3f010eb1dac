"""The second model: run on every request beside the one that answers, recorded, never signed."""

import asyncio
from dataclasses import asdict

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.store import database, shadow_scores
from oracle.store.tables import RequestRow


async def score_beside(context: Context, session: AsyncSession, row: RequestRow, chain: tuple[int, ...]) -> None:
    """Record what the shadow gives for a scored request's encoded features; nothing it does can hurt the answer."""
    shadow = context.shadow
    if shadow is None or row.model_id is None:
        return
    model_id = f"0x{shadow.source.model_id.hex()}"
    if model_id == row.model_id:
        return
    try:
        async with session.begin_nested():
            answer = await asyncio.to_thread(shadow.infer, chain, NEUTRAL_PRIVATE)
            await shadow_scores.keep(session, row, model_id, asdict(answer.scores), list(answer.outputs))
    except database.LOST:
        raise  # the answer could not be kept either
    except Exception as error:  # whatever it was, the answer goes on; what happened stands in the log and the metric
        metrics.SHADOW_FAULTS.inc()
        structlog.get_logger("models").warning(
            "shadow_failed", request_id=int(row.request_id), model=model_id, error=str(error), exc_info=True
        )
