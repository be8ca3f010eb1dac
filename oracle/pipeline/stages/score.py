"""Stage 2: the model's answer, in the circuit's own integers, and why it is what it is."""

import asyncio
from dataclasses import asdict
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment import canonical
from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.request import LoanTerms
from oracle.assessment.states import State
from oracle.models.explanation import explain, explain_committed, is_thin
from oracle.models.inference import Inference, Model
from oracle.models.kept_policy import policy_of
from oracle.models.levers import Situation
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.private.waiting import is_private
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.pipeline.upkeep.shadow import keep_beside, score_beside
from oracle.store import explanations
from oracle.store.explanations import Told
from oracle.store.tables import RequestRow


async def score(context: Context, row: RequestRow) -> Outcome | Settle:
    """Run the model on the encoded features and explain its answer; both are stored together.

    Of private data the daemon knows the proof alone: its outputs are the answer.
    """
    if row.features is None:
        raise ValueError(f"request {row.request_id} is {row.state} without features")
    chain: tuple[int, ...] = tuple(row.features["encoded"])
    # Taken once: the registry may change the daemon's model while this one runs.
    model = context.answering()
    model_id = "0x" + model.source.model_id.hex()
    private = is_private(row, model.source)
    if not private:
        answer = await asyncio.to_thread(model.infer, chain, NEUTRAL_PRIVATE)
    elif row.proof is not None and row.outputs is not None and row.model_id == model_id:
        answer = model.decoded(row.outputs)
    else:
        row.proof = row.outputs = row.scores = row.model_id = row.feature_commitment = None
        return Outcome(State.AWAITING_PROOF, f"there is no proof of model {model_id}, which answers now")
    row.model_id = model_id
    row.scores = asdict(answer.scores)
    row.outputs = list(answer.outputs)
    scores = answer.scores
    with metrics.EXPLANATION_SECONDS.time():
        told = await asyncio.to_thread(_explained, model, row, chain, answer, private=private)
    # Without the private data another model's answer would be about somebody else.
    beside = None if private else await score_beside(context, row, chain)

    async def settle(session: AsyncSession) -> Outcome:
        await explanations.put(session, row.id, told)
        if beside is not None:
            await keep_beside(session, row, beside)
        return Outcome(
            State.SCORED,
            f"{scores.category.name.lower()} risk, score {scores.score_bps / 100:.1f}, "
            f"default {scores.probability_of_default_bps / 100:.1f} %, fraud {scores.fraud_likelihood_bps / 100:.1f} %",
        )

    return settle


def _explained(model: Model, row: RequestRow, chain: tuple[int, ...], answer: Inference, *, private: bool) -> Told:
    model_id = "0x" + model.source.model_id.hex()
    thin = is_thin(answer.scores, policy_of(model.source.directory, model.exact))
    try:
        if row.features is None or row.history is None:
            raise ValueError(f"request {row.request_id} is {row.state} without features or history")
        values = {name: None if text is None else Decimal(text) for name, text in row.features["values"].items()}
        now = Situation(canonical.restore(row.history), LoanTerms(**row.terms))
        if private:
            found = explain_committed(model, values, chain, answer)
        else:
            found = explain(model, now, values, chain, NEUTRAL_PRIVATE)
        return Told(model_id, thin, found.plain(), anomaly_score=found.anomaly_score)
    except Exception as error:  # a boundary: no fault in telling why may hold up an answer that is right
        metrics.EXPLANATION_FAULTS.inc()
        structlog.get_logger("score").error("explanation_failed", request_id=int(row.request_id), exc_info=True)
        return Told(model_id, thin, None, fault=f"{type(error).__name__}: {error}")
