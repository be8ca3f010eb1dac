"""Stage 2: the model's answer in floating point, for people and as a check on the proof."""

import asyncio
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.states import State
from oracle.pipeline.context import Context
from oracle.pipeline.stage import Outcome
from oracle.store.tables import RequestRow


async def score(context: Context, _: AsyncSession, row: RequestRow) -> Outcome:
    """Run the torch model on the encoded features."""
    if row.features is None:
        raise ValueError(f"request {row.request_id} is {row.state} without features")
    chain: tuple[int, ...] = tuple(row.features["encoded"])
    answer = await asyncio.to_thread(context.model.infer, chain, NEUTRAL_PRIVATE)
    row.model_id = "0x" + context.model.source.model_id.hex()
    row.scores = asdict(answer.scores)
    row.outputs = list(answer.outputs)
    scores = answer.scores
    return Outcome(
        State.SCORED,
        f"{scores.category.name.lower()} risk, score {scores.score_bps / 100:.1f}, "
        f"default {scores.probability_of_default_bps / 100:.1f} %, fraud {scores.fraud_likelihood_bps / 100:.1f} %",
    )
