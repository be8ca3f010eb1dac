"""Requests that wait: for what is away, which are due when it is back; and for the operator, who is told."""

import asyncio
from typing import Final

import structlog

from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.store import database, requests
from oracle.store.tables import RequestRow
from oracle.store.texts import brief

_LOOK_SECONDS: Final = 2.0
_LONGEST_REASON: Final = 250
_WARNING: Final = "dead_letters"


async def wake_what_waited(context: Context) -> None:
    """Whenever a part is well again, and at the start, let requests that wait for something to pass be tried at once.

    Their pauses grew with the outage; waiting them out would make it longer.
    """
    recovered = context.health.recovered
    recovered.set()
    while True:
        await recovered.wait()
        recovered.clear()
        try:
            async with context.sessions.begin() as session:
                woken = await requests.wake_waiting(session, context.chain_id, context.address)
        except database.LOST as error:
            context.health.database_lost(error)
            await asyncio.sleep(_LOOK_SECONDS)
            recovered.set()
            continue
        if woken:
            structlog.get_logger("worker").info("waiting_requests_woken", requests=woken)
            context.wake_all()


async def watch_dead_letters(context: Context) -> None:
    """Tell how many requests were given up, until the operator requeues them."""
    while True:
        try:
            async with context.sessions() as session:
                count, newest = await requests.dead_letters(session, context.chain_id, context.address)
        except database.LOST as error:
            context.health.database_lost(error)
        else:
            metrics.DEAD_LETTERS.set(count)
            context.health.warn(_WARNING, "" if newest is None else _given_up(count, newest))
        await asyncio.sleep(_LOOK_SECONDS)


def _given_up(count: int, newest: RequestRow) -> str:
    reason = brief(newest.fault or "no reason kept", _LONGEST_REASON)
    return (
        f"{count} given up, request {newest.request_id} last: {reason}; mend the cause, then "
        f"`risk-oracle requests requeue {newest.request_id}`"
    )
