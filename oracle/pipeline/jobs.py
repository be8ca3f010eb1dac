"""Jobs on a clock: the signer, the registry's model, missed requests, the market index, drift."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from oracle.assessment.errors import ConfigurationFault, TransientFault
from oracle.history.reading.event_index import LONGEST_CATCH_UP_BLOCKS
from oracle.pipeline.context import Context
from oracle.pipeline.ingest import rewind_if_reorganised
from oracle.pipeline.stages.confirm import receipt_of, record
from oracle.pipeline.upkeep.drift import watch_drift
from oracle.pipeline.upkeep.follow_registry import follow_registry
from oracle.store import cursor, ledger, requests
from oracle.store.database import LOST

_SIGNER_SECONDS: Final = 30
_NONCE_SECONDS: Final = 30
_SWEEP_SECONDS: Final = 120
_INDEX_SECONDS: Final = 60
_HEAD_SECONDS: Final = 0.5
_FIRST_DRIFT_SECONDS: Final = 60

# Below this the operator is told, while there is still time to send coins.
_ANSWERS_IN_RESERVE: Final = 12
_GAS_OF_AN_ANSWER: Final = 800_000


async def upkeep(context: Context) -> None:
    """Run the jobs until cancelled."""
    scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    scheduler.add_job(watch_signer, "interval", seconds=_SIGNER_SECONDS, args=[context])
    scheduler.add_job(free_nonces, "interval", seconds=_NONCE_SECONDS, args=[context])
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
    if digest != context.signer_set_digest:
        log.warning("signers_changed", signers=list(signers))
        context.signer_set_digest = digest
    text = ""
    if context.signer.address not in signers:
        text = f"{context.signer.address} is no longer a registered signer"
    elif balance_wei < reserve_wei(base_fee_wei, context.fees.priority_fee_wei):
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


async def free_nonces(context: Context) -> None:
    """Send again what no request waits for any more, so that no nonce stays open and holds up the later ones."""
    try:
        async with context.sessions.begin() as session:
            for transaction in await ledger.orphans(session, context.chain_id, context.signer.address):
                sent = await ledger.broadcasts(session, transaction)
                mined = await receipt_of(context, sent)
                if mined is not None:
                    record(transaction, mined)
                elif await context.client.nonce(context.signer.address) <= transaction.nonce:
                    await context.client.broadcast(sent[0].raw)
                    structlog.get_logger("upkeep").warning("transaction_sent_again", nonce=transaction.nonce)
    except (TransientFault, *LOST):
        return  # the event source reports the endpoint, the worker the database


async def sweep(context: Context) -> None:
    """Compare the contract's count of requests with ours; search again from before the first that is missing."""
    if context.head is None:
        return
    try:
        count = await context.oracle.request_count(context.head.hash)
    except TransientFault:
        return  # the event source reports the endpoint
    try:
        async with context.sessions.begin() as session:
            await rewind_if_reorganised(context, session)
            found = await requests.first_missing(session, context.chain_id, context.address, count)
            if found is None:
                return
            missing, after_block = found
            back_to = max(after_block, context.chain.start_block)
            await cursor.rewind(session, context.chain_id, context.address, back_to)
    except (TransientFault, *LOST):
        return  # the event source reports the endpoint, the worker the database
    structlog.get_logger("upkeep").warning("request_missing", request_id=missing, searching_from_block=back_to)
