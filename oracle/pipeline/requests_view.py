"""One request for people: what is known of it, its scores, why it has them, what would change them, and its log."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason
from oracle.assessment.outputs import Category
from oracle.assessment.request import Address
from oracle.models import telling
from oracle.store import explanations, requests
from oracle.store.tables import ExplanationRow, RequestRow, TransitionRow


async def look_up(session: AsyncSession, chain_id: int, oracle: Address, request_id: int) -> dict[str, Any]:
    """Return a request as plain values, None for what is not known yet; raises InvalidRequest for an unknown one.

    It holds no value of a private feature: none is ever stored in the clear.
    """
    row = await requests.find(session, chain_id, oracle, request_id)
    told = await explanations.get(session, row.id)
    return {
        "request_id": request_id,
        "state": row.state,
        "user": row.user,
        "requester": row.requester,
        "terms": row.terms,
        "block": {"number": row.block_number, "hash": row.block_hash},
        "deadline": row.deadline,
        "model_id": row.model_id,
        "scores": _scores(row),
        "explanation": None if told is None else _explanation(told),
        "flags": row.flags or [],
        "history_hash": row.history_hash,
        "decline_reason": None if row.decline_reason is None else DeclineReason(row.decline_reason).name.lower(),
        "fault": row.fault,
        "transitions": [_transition(step) for step in await requests.transitions(session, row)],
    }


def describe(found: Mapping[str, Any]) -> str:
    """Return what `look_up` gave as lines."""
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"request {found['request_id']}: {found['state']}, user {found['user']}, block {found['block']['number']}"
    if found["decline_reason"]:
        yield f"declined: {found['decline_reason']}"
    if found["scores"]:
        scores = found["scores"]
        yield (
            f"{scores['category']} risk, score {scores['score_bps'] / 100:.1f},"
            f" default {scores['probability_of_default_bps'] / 100:.1f} %,"
            f" fraud {scores['fraud_likelihood_bps'] / 100:.1f} %, model {found['model_id']}"
        )
    if found["explanation"]:
        yield from explanation_lines(found["explanation"])
    for step in found["transitions"]:
        seconds = "" if step["seconds"] is None else f" ({step['seconds']:.2f} s)"
        yield f"{step['at']}  {step['source'] or '-':>14} -> {step['target']:14}  {step['reason']}{seconds}"
    yield from (f"flag: {flag['label']} by {flag['source']} of {flag['date']}" for flag in found["flags"])
    if found["history_hash"]:
        yield f"history hash {found['history_hash']}"
    if found["fault"]:
        yield f"last fault: {found['fault']}"


def explanation_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield an explanation, as `look_up` gives it, as lines."""
    if found["fault"]:
        yield f"not explained: {found['fault']}"
    else:
        yield from telling.describe(found, thin=found["thin"], anomaly_score=found["anomaly_score"])


def _scores(row: RequestRow) -> dict[str, Any] | None:
    return None if row.scores is None else row.scores | {"category": Category(row.scores["category"]).name.lower()}


def _explanation(told: ExplanationRow) -> dict[str, Any]:
    apart = {"thin": told.thin, "anomaly_score": told.anomaly_score, "fault": told.fault}
    return {**apart, **(told.content or {})}


def _transition(step: TransitionRow) -> dict[str, Any]:
    return {
        "at": step.at.isoformat(),
        "source": step.source,
        "target": step.target,
        "reason": step.reason,
        "seconds": step.seconds,
    }
