"""The worker: claims due requests for each stage and lets it try; the claim is committed before the work begins."""

import asyncio
import contextlib
from functools import partial
from uuid import uuid4

import structlog

from oracle.assessment.states import STAGE_OF, STATES
from oracle.cancellation import apart, raise_if_cancelled
from oracle.config.worker import WorkerSettings
from oracle.pipeline.attempt import attempt
from oracle.pipeline.claims import keep_claims
from oracle.pipeline.context import Context
from oracle.pipeline.stages.await_data import await_data
from oracle.pipeline.stages.collect import collect
from oracle.pipeline.stages.confirm import confirm, finalize
from oracle.pipeline.stages.prove import prove
from oracle.pipeline.stages.score import score
from oracle.pipeline.stages.settle import settle
from oracle.pipeline.stages.sign import sign
from oracle.pipeline.stages.stage import Stage
from oracle.pipeline.stages.submit import decline, submit
from oracle.pipeline.supervision import supervise
from oracle.pipeline.upkeep.waiting import wake_what_waited, watch_dead_letters
from oracle.store import database, requests

STAGES: dict[str, Stage] = {
    "collect": collect,
    "await_data": await_data,
    "score": score,
    "prove": prove,
    "sign": sign,
    "submit": submit,
    "decline": decline,
    "confirm": confirm,
    "finalize": finalize,
    "settle": settle,
}

_DATABASE_PAUSE_SECONDS = 2.0


def concurrency(settings: WorkerSettings, name: str, proofs: int = 1) -> int:
    """Return how many requests a stage takes on at once, with a fleet that makes so many `proofs` side by side."""
    if name == "prove":
        return proofs
    # One after the other: more would only wait, for the prover's process or the ledger's account lock.
    return 1 if name in ("submit", "decline") else settings.concurrency


async def run_stages(context: Context) -> None:
    """Work on all stages until cancelled; what is claimed then is free as soon as this daemon's connection closes."""
    async with asyncio.TaskGroup() as group:
        for name, run in (("claims", keep_claims), ("waiting", wake_what_waited), ("letters", watch_dead_letters)):
            group.create_task(supervise(context.health, name, partial(run, context)), name=name)
        for name in STAGES:
            for number in range(concurrency(context.worker, name, context.proofs_at_once)):
                serve = partial(_serve, context, name, polls=number == 0)
                group.create_task(supervise(context.health, f"{name}-{number}", serve), name=f"{name}-{number}")


async def _serve(context: Context, name: str, *, polls: bool) -> None:
    log = structlog.get_logger("worker").bind(stage=name)
    woken = context.woken[name]
    while True:
        raise_if_cancelled()
        try:
            # Cleared first: a request that arrives while we look is not overlooked.
            woken.clear()
            worked = await run_once(context, name)
            if context.claims.daemon is not None and context.health.set("database", True):
                log.info("database_reached")
        except database.LOST as error:
            context.health.database_lost(error)
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
    claims = context.claims
    if claims.daemon is None:
        return False
    claim = uuid4()
    # Before the server knows of it: a commit whose answer is lost leaves a claim too, which is then in nobody's hand.
    claims.in_hand.add(claim)
    try:
        async with context.sessions.begin() as session:
            key = (session, context.chain_id, context.address)
            row = await requests.claim(*key, STAGE_OF[name], claims.daemon, claim)
        if row is None:
            return False
        outcome = await apart(attempt(context, row, name, STAGES[name]))
    finally:
        claims.in_hand.discard(claim)
    if outcome is not None and (following := STATES[outcome.target].stage) is not None:
        # Events wake on time; what they miss (another process, a restart) the next poll finds.
        loop = asyncio.get_running_loop()
        loop.call_later(outcome.after.total_seconds(), context.woken[following].set)
    return True
