"""One try of a stage on a claimed request: its result and the next state are committed together, or its fault."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import (
    BlockUnavailable,
    DeclineReason,
    HistoryIncomplete,
    OracleError,
    PermanentFault,
    TransientFault,
)
from oracle.assessment.states import STATES, State
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome, Settle, Stage, settled
from oracle.store import database, requests
from oracle.store.requests import WAITING, ClaimLost
from oracle.store.tables import RequestRow
from oracle.store.texts import brief
from oracle.telemetry import RequestTrace

_LONGEST_PAUSE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    row: int
    claim: UUID | None
    request_id: int
    source: State
    stage: str
    started: float
    requested_at: int


async def attempt(context: Context, row: RequestRow, name: str, stage: Stage) -> Outcome | None:
    """Run a stage on a claimed request; None when it rests after a fault, or the claim ended meanwhile.

    Raises only what says that the database is away: then nothing was stored, and the claim still stands.
    """
    claimed = _Claimed(
        row.id, row.claim, int(row.request_id), State(row.state), name, time.monotonic(), row.requested_at
    )
    log = structlog.get_logger("worker").bind(request_id=claimed.request_id, stage=name)
    trace = RequestTrace(context.chain_id, context.address, claimed.request_id)
    outcome: Outcome | None
    fault = ""
    try:
        outcome = await _try(context, claimed, row, stage)
    except database.LOST:
        raise
    except ClaimLost as lost:
        log.info("claim_lost", reason=str(lost))
        return None
    except Exception as error:  # the worker's boundary: whatever it was is kept with the request
        fault = type(error).__name__
        outcome = await _keep_fault(context, claimed, error)
    seconds = time.monotonic() - claimed.started
    came_to = claimed.source if outcome is None else outcome.target
    trace.step(name, seconds, {"request.state": came_to.value}, fault)
    if outcome is None:
        return None
    metrics.STAGE_SECONDS.labels(name).observe(seconds)
    if outcome.target is not claimed.source:
        if STATES[outcome.target].stage is None:
            trace.over(claimed.requested_at, outcome.target.value)
        log = log.bind(seconds=round(seconds, 3), reason=outcome.reason)
        if outcome.target is State.DEAD:
            log.error("request_dead")
        elif outcome.target is State.EXPIRED:
            log.warning("request_expired")
        else:
            log.info(f"request_{outcome.target}")
    return outcome


async def _try(context: Context, claimed: _Claimed, row: RequestRow, stage: Stage) -> Outcome:
    result: Outcome | Settle
    if _too_late(context, row):
        result = Outcome(State.SETTLING, f"its deadline {row.deadline} passed at {row.state}")
    else:
        result = await stage(context, row)
    async with context.sessions.begin() as session:
        await requests.hold(session, claimed.row, claimed.claim)
        session.add(row)
        return await _move(session, row, await settled(session, result), claimed)


async def _move(session: AsyncSession, row: RequestRow, outcome: Outcome, claimed: _Claimed) -> Outcome:
    seconds = time.monotonic() - claimed.started
    outcome = replace(outcome, reason=brief(outcome.reason))
    await requests.move(session, row, outcome.target, outcome.reason, seconds=seconds, after=outcome.after)
    if outcome.target is State.DEAD:
        row.fault = outcome.reason
    return outcome


async def _keep_fault(context: Context, claimed: _Claimed, error: Exception) -> Outcome | None:
    try:
        return await _store_fault(context, claimed, error)
    except (*database.LOST, ClaimLost):
        raise
    except Exception as refused:  # the boundary of the boundary: what cannot be told must not come back for ever
        structlog.get_logger("worker").error("fault_not_kept", request_id=claimed.request_id, exc_info=True)
        words = f"{type(error).__name__}, whose words the database refused: {type(refused).__name__}"
        return await _store_fault(context, claimed, RuntimeError(words))


async def _store_fault(context: Context, claimed: _Claimed, error: Exception) -> Outcome | None:
    async with context.sessions.begin() as session:
        await requests.hold(session, claimed.row, claimed.claim)
        row = await session.get_one(RequestRow, claimed.row)
        outcome = await _judge(context, session, row, error)
        if outcome is not None:
            return await _move(session, row, outcome, claimed)
    metrics.STAGE_FAULTS.labels(claimed.stage).inc()
    log = structlog.get_logger("worker").bind(request_id=claimed.request_id, stage=claimed.stage)
    if isinstance(error, OracleError):
        # What was raised on purpose says all in its words.
        log.warning("stage_failed", attempts=row.attempts, error=row.fault)
        log.debug("stage_failed_trace", exc_info=error)
    else:
        log.error("stage_failed", attempts=row.attempts, error=row.fault, exc_info=error)
    return None


async def _judge(context: Context, session: AsyncSession, row: RequestRow, error: Exception) -> Outcome | None:
    if isinstance(error, PermanentFault):
        row.decline_reason = error.reason.value
        return Outcome(State.DECLINING, f"{error.reason.name.lower()}: {error}")
    text = f"{WAITING if _passes(error) else ''}{type(error).__name__}: {error}"
    if (row.fault or "").startswith(WAITING) and not _passes(error):
        row.attempts = 0  # faults that pass do not bring a request nearer to the dead letters
    missing = isinstance(error, HistoryIncomplete | BlockUnavailable) and row.state == State.REQUESTED
    if missing and _little_time_left(context, row):
        row.decline_reason = DeclineReason.HISTORY_UNAVAILABLE.value
        return Outcome(State.DECLINING, f"no complete history before the deadline: {error}")
    if not _passes(error) and row.attempts + 1 >= context.worker.max_attempts:
        return Outcome(State.DEAD, f"gave up after {row.attempts + 1} tries: {text}")
    pause = min(context.worker.retry_seconds * 2 ** min(row.attempts, 20), _LONGEST_PAUSE_SECONDS)
    await requests.retry(session, row, text, timedelta(seconds=pause))
    return None


def _passes(error: Exception) -> bool:
    return isinstance(error, TransientFault)


def _too_late(context: Context, row: RequestRow) -> bool:
    """Say whether the chain's clock passed the deadline of a request that the network has no transaction of."""
    head = context.head
    if head is None or row.state == State.SETTLING:
        return False
    return head.timestamp > row.deadline and not STATES[State(row.state)].network_may_know


def _little_time_left(context: Context, row: RequestRow) -> bool:
    if context.head is None:
        return False
    return row.deadline - context.head.timestamp < (row.deadline - row.requested_at) // 4
