"""A job on a clock: how far requests are from what the model was trained on, and how its answers fared."""

import asyncio
from typing import Final

import structlog

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.models.drift import Drift, Outcomes, judge, measure
from oracle.models.reference import load_reference
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.upkeep.outcomes import ACTIVE, DEFAULTED, LATE, REPAID, read_outcomes
from oracle.store import drift as stored
from oracle.store.database import LOST
from oracle.store.model_tables import DriftRow

_PART: Final = "drift"


async def watch_drift(context: Context) -> None:
    """Measure once, keep it, and tell; never makes the daemon unready: a shifted world is no fault of its."""
    log = structlog.get_logger("drift")
    try:
        await read_outcomes(context)
    except (TransientFault, *LOST):
        log.info("outcomes_not_read")  # the event source reports the endpoint, the worker the database
    except ConfigurationFault as fault:
        log.warning("outcomes_not_read", error=str(fault))
    try:
        await measure_drift(context)
    except ConfigurationFault as fault:
        context.health.set(_PART, True, str(fault))
        log.warning("drift_not_measured", error=str(fault))
    except LOST:
        return  # the worker reports the database


async def measure_drift(context: Context) -> DriftRow:
    """Compare the window's requests with the model's reference, keep the measurement, and return it.

    Raises ModelFault when the reference is damaged, ConfigurationFault when the model has none.
    """
    source, settings = context.model.source, context.drift
    reference = await asyncio.to_thread(load_reference, source)
    if reference is None:
        raise ConfigurationFault(
            f"model {source.name} has no reference of its training data: drift is not measured "
            "(`risk-oracle models reference` writes it)"
        )
    model_id = f"0x{source.model_id.hex()}"
    async with context.sessions() as session:
        key = (session, context.chain_id, context.address)
        encoded, scored = await stored.window(*key, settings.window_days, model_id)
        outcomes = _judge(await stored.outcomes(*key, model_id))
    found = await asyncio.to_thread(measure, reference, encoded, scored, settings.minimum_requests)
    row = DriftRow(
        chain_id=context.chain_id,
        oracle=context.address,
        model_id=model_id,
        window_days=settings.window_days,
        requests=found.requests,
        worst_psi=None if found.worst is None else found.worst[1],
        content={"drift": found.plain(), "outcomes": outcomes.plain()},
    )
    async with context.sessions.begin() as session:
        await stored.keep(session, row)
    _publish(found, outcomes)
    _tell(context, found)
    return row


def _judge(loans: list[tuple[int, str]]) -> Outcomes:
    ended = [(bps, outcome == DEFAULTED) for bps, outcome in loans if outcome in (REPAID, LATE, DEFAULTED)]
    late = sum(outcome == LATE for _, outcome in loans)
    return judge(ended, late, sum(outcome == ACTIVE for _, outcome in loans))


def _publish(found: Drift, outcomes: Outcomes) -> None:
    metrics.DRIFT_REQUESTS.set(found.requests)
    metrics.DRIFT_PSI.clear()  # a number of an earlier measurement must not stand for this one
    for name, value in (found.features or {}).items():
        metrics.DRIFT_PSI.labels("feature", name).set(value)
    for name, index in (("score", found.score_psi), ("category", found.category_psi)):
        if index is not None:
            metrics.DRIFT_PSI.labels("output", name).set(index)
    repaid = outcomes.ended - outcomes.defaulted - outcomes.late
    for name, count in ((REPAID, repaid), (LATE, outcomes.late), (DEFAULTED, outcomes.defaulted)):
        metrics.OUTCOMES.labels(name).set(count)
    metrics.OUTCOME_BRIER.set(float("nan") if outcomes.brier is None else outcomes.brier)


def _tell(context: Context, found: Drift) -> None:
    settings, log = context.drift, structlog.get_logger("drift")
    if found.worst is None:
        text = f"{found.requests} requests in {settings.window_days} days: too few for a number"
        context.health.set(_PART, True, f"{text} (drift.minimum_requests is {settings.minimum_requests})")
        return
    name, value = found.worst
    text = f"largest population stability index {value:.2f} ({name}) over {found.requests} requests"
    if value > settings.warn_psi:
        text = f"WARNING: requests are not like the training data: {text}; see `risk-oracle models drift`"
        log.warning("drift_found", name=name, psi=value, requests=found.requests)
    context.health.set(_PART, True, text)
