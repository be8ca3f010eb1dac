"""Jobs on a clock: the signer, the registry's model, missed requests, the market index, drift, the counters."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.history.reading.event_index import LONGEST_CATCH_UP_BLOCKS
from oracle.pipeline.context import Context
from oracle.pipeline.upkeep.drift import watch_drift
from oracle.pipeline.upkeep.endings import note_ending
from oracle.pipeline.upkeep.fold_tallies import fold_tallies
from oracle.pipeline.upkeep.follow_registry import follow_registry
from oracle.pipeline.upkeep.nonces import hold_nonces
from oracle.pipeline.upkeep.sweep import sweep
from oracle.pipeline.upkeep.watch_ledger import watch_ledger
from oracle.store.database import LOST

_SIGNER_SECONDS: Final = 30
_LEAST_NONCE_SECONDS: Final = 3
_MOST_NONCE_SECONDS: Final = 15
_LEDGER_SECONDS: Final = 10
_SWEEP_SECONDS: Final = 120
_INDEX_SECONDS: Final = 60
_HEAD_SECONDS: Final = 0.5
_FOLD_SECONDS: Final = 2
_FIRST_DRIFT_SECONDS: Final = 60

# Below this the operator is told, while there is still time to send coins.
_ANSWERS_IN_RESERVE: Final = 12
_GAS_OF_AN_ANSWER: Final = 800_000


async def upkeep(context: Context) -> None:
    """Run the jobs until cancelled."""
    scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    scheduler.add_listener(partial(note_ending, context.health, scheduler), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_job(watch_signer, "interval", seconds=_SIGNER_SECONDS, args=[context])
    every = min(max(context.chain.poll_seconds, _LEAST_NONCE_SECONDS), _MOST_NONCE_SECONDS)
    scheduler.add_job(hold_nonces, "interval", seconds=every, args=[context])
    scheduler.add_job(watch_ledger, "interval", seconds=_LEDGER_SECONDS, args=[context])
    scheduler.add_job(fold_tallies, "interval", seconds=_FOLD_SECONDS, args=[context])
    scheduler.add_job(sweep, "interval", seconds=_SWEEP_SECONDS, args=[context])
    scheduler.add_job(
        index_markets, "interval", seconds=_INDEX_SECONDS, next_run_time=datetime.now(UTC), args=[context]
    )
    scheduler.add_job(follow_registry, "interval", seconds=context.models.follow_seconds, args=[context])
    soon = datetime.now(UTC) + timedelta(seconds=_FIRST_DRIFT_SECONDS)
    scheduler.add_job(watch_drift, "interval", minutes=context.drift.every_minutes, next_run_time=soon, args=[context])
    scheduler.start()
    try:
        await watch_signer(context)
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)


def reserve_wei(base_fee_wei: int, priority_fee_wei: int) -> int:
    """Return below which balance of the signer the operator is told."""
    return _ANSWERS_IN_RESERVE * _GAS_OF_AN_ANSWER * (base_fee_wei + priority_fee_wei)


async def watch_signer(context: Context) -> None:
    """Follow changes of the set of signers, and see to it that ours is in it and can pay for gas."""
    log = structlog.get_logger("upkeep")
    try:
        signers, _, digest = await context.oracle.signers()
        balance_wei = await context.client.balance_wei(context.signer.address)
        base_fee_wei = await context.client.base_fee_wei()
    except TransientFault:
        return  # the event source reports the endpoint
    context.balance_wei = balance_wei
    if digest != context.signer_set_digest:
        log.warning("signers_changed", signers=list(signers))
        context.signer_set_digest = digest
    text = ""
    if context.signer.address not in signers:
        text = f"{context.signer.address} is no longer a registered signer"
    elif balance_wei < reserve_wei(base_fee_wei, context.fees.tips.usual_wei):
        text = (
            f"{context.signer.address} holds {balance_wei} wei: send coins for at least {_ANSWERS_IN_RESERVE} answers"
        )
    if context.health.set("signer", not text, text) and text:
        log.warning("signer_unwell", error=text)


async def index_markets(context: Context) -> None:
    """Keep the index of markets that index nothing close to the head, so that requests need not fill it.

    The first filling takes long on a public chain: until it is done, requests wait, and the daemon is not ready.
    """
    while context.head is None:  # noqa: ASYNC110
        await asyncio.sleep(_HEAD_SECONDS)

    def told(name: str, block: int, until: int) -> None:
        near = until - block <= LONGEST_CATCH_UP_BLOCKS
        text = "" if near else f"{name}: its events are indexed up to block {block} of {until}; requests wait for it"
        if context.health.set("index", near, text):
            structlog.get_logger("upkeep").info("market_index", market=name, block=block, until=until, ready=near)

    try:
        await context.histories.index_markets(context.head, told)
    except ConfigurationFault as fault:
        structlog.get_logger("upkeep").warning("market_not_indexed", error=str(fault))
    except (TransientFault, *LOST):
        return  # the event source reports the endpoint, the worker the database
