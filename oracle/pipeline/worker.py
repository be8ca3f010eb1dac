"""The worker: claims due requests for each stage, runs it, commits its result and the next state together."""

import asyncio
import contextlib
import time
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import (
    BlockUnavailable,
    DeclineReason,
    HistoryIncomplete,
    PermanentFault,
    TransientFault,
)
from oracle.assessment.states import STAGE_OF, STATES, State
from oracle.cancellation import raise_if_cancelled
from oracle.config.worker import WorkerSettings
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.stages.collect import collect
from oracle.pipeline.stages.confirm import confirm, finalize
from oracle.pipeline.stages.prove import prove
from oracle.pipeline.stages.score import score
from oracle.pipeline.stages.sign import sign
from oracle.pipeline.stages.stage import Outcome, Stage
from oracle.pipeline.stages.submit import decline, submit
from oracle.store import database, requests
from oracle.store.tables import RequestRow

STAGES: dict[str, Stage] = {
    "collect": collect,
    "score": score,
    "prove": prove,
    "sign": sign,
    "submit": submit,
    "decline": decline,
    "confirm": confirm,
    "finalize": finalize,
}

_LONGEST_PAUSE_SECONDS = 600.0
_DATABASE_PAUSE_SECONDS = 2.0
_WAITING = "waiting: "


def concurrency(settings: WorkerSettings, name: str) -> int:
    """Return how many requests a stage takes on at once."""
    # One after the other: more would only wait, for the prover's process or the ledger's account lock.
    return 1 if name in ("prove", "submit", "decline") else settings.concurrency


async def run_stages(context: Context) -> None:
    """Work on all stages until cancelled; a claim in hand is rolled back, and so released, on cancellation."""
    async with asyncio.TaskGroup() as group:
        for name in STAGES:
            for number in range(concurrency(context.worker, name)):
                group.create_task(_serve(context, name, polls=number == 0), name=f"{name}-{number}")


async def _serve(context: Context, name: str, *, polls: bool) -> None:
    log = structlog.get_logger("worker").bind(stage=name)
    woken = context.woken[name]
    while True:
        raise_if_cancelled()
        try:
            # Cleared first: a request that arrives while we look is not overlooked.
            woken.clear()
            worked = await run_once(context, name)
            if context.health.set("database", True):
                log.info("database_reached")
        except database.LOST as error:
            if context.health.set("database", False, "the database does not answer"):
                log.warning("database_lost", error=type(error).__name__)
            raise_if_cancelled()
            await asyncio.sleep(_DATABASE_PAUSE_SECONDS)
            continue
        if worked:
            woken.set()
        elif polls:
            await _rest(woken, context.worker.poll_seconds)
        else:
            await woken.wait()


async def _rest(woken: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


async def run_once(context: Context, name: str) -> bool:
    """Claim one due request of a stage and take it on; False when there was none."""
    async with context.sessions.begin() as session:
        row = await requests.claim(session, context.chain_id, context.address, STAGE_OF[name])
        if row is None:
            return False
        outcome = await _attempt(context, session, row, name)
    if outcome is not None and (following := STATES[outcome.target].stage) is not None:
        # Events wake on time; what they miss (another process, a restart) the next poll finds.
        loop = asyncio.get_running_loop()
        loop.call_later(outcome.after.total_seconds(), context.woken[following].set)
    return True


async def _attempt(context: Context, session: AsyncSession, row: RequestRow, name: str) -> Outcome | None:
    log = structlog.get_logger("worker").bind(request_id=int(row.request_id), stage=name)
    if _too_late(context, row):
        expired = Outcome(State.EXPIRED, f"its deadline {row.deadline} passed at {row.state}")
        await requests.move(session, row, expired.target, expired.reason)
        log.warning("request_expired", deadline=row.deadline)
        return expired
    started = time.monotonic()
    source = row.state
    outcome: Outcome | None
    try:
        # A stage that fails half-way must leave nothing of its half behind.
        async with session.begin_nested():
            outcome = await STAGES[name](context, session, row)
    except database.LOST:
        raise
    except PermanentFault as fault:
        await session.refresh(row)
        row.decline_reason = fault.reason.value
        outcome = Outcome(State.DECLINING, f"{fault.reason.name.lower()}: {fault}")
    except Exception as error:  # the worker's boundary: whatever it was is kept with the request
        await session.refresh(row)
        outcome = await _failed(context, session, row, error)
        if outcome is None:
            log.warning("stage_failed", attempts=row.attempts, error=row.fault, exc_info=not _expected(error))
            return None
    seconds = time.monotonic() - started
    metrics.STAGE_SECONDS.labels(name).observe(seconds)
    await requests.move(session, row, outcome.target, outcome.reason, seconds=seconds, after=outcome.after)
    if outcome.target is State.DEAD:
        row.fault = outcome.reason
    if outcome.target != source:
        log.info(f"request_{outcome.target}", seconds=round(seconds, 3), reason=outcome.reason)
    return outcome


async def _failed(context: Context, session: AsyncSession, row: RequestRow, error: Exception) -> Outcome | None:
    text = f"{_WAITING if _expected(error) else ''}{type(error).__name__}: {error}"
    if (row.fault or "").startswith(_WAITING) and not _expected(error):
        row.attempts = 0  # faults that pass do not bring a request nearer to the dead letters
    missing = isinstance(error, HistoryIncomplete | BlockUnavailable) and row.state == State.REQUESTED
    if missing and _little_time_left(context, row):
        row.decline_reason = DeclineReason.HISTORY_UNAVAILABLE.value
        return Outcome(State.DECLINING, f"no complete history before the deadline: {error}")
    if not _expected(error) and row.attempts + 1 >= context.worker.max_attempts:
        return Outcome(State.DEAD, f"gave up after {row.attempts + 1} tries: {text}")
    pause = min(context.worker.retry_seconds * 2 ** min(row.attempts, 20), _LONGEST_PAUSE_SECONDS)
    await requests.retry(session, row, text, timedelta(seconds=pause))
    metrics.STAGE_FAULTS.labels(STATES[State(row.state)].stage or "").inc()
    return None


def _expected(error: Exception) -> bool:
    return isinstance(error, TransientFault)


def _too_late(context: Context, row: RequestRow) -> bool:
    """Say whether the chain's clock passed the deadline of a request that the network has no transaction of."""
    head = context.head
    return head is not None and head.timestamp > row.deadline and not STATES[State(row.state)].network_may_know


def _little_time_left(context: Context, row: RequestRow) -> bool:
    if context.head is None:
        return False
    return row.deadline - context.head.timestamp < (row.deadline - row.requested_at) // 4
