"""The slow look at everything: what the log left out, and what is over here but open on the chain."""

import secrets
from typing import Final

import structlog

from oracle.assessment.errors import TransientFault
from oracle.assessment.states import State
from oracle.chain.contracts import RequestState
from oracle.pipeline.context import Context
from oracle.pipeline.ingest import rewind_if_reorganised
from oracle.store import cursor, openings, requests, revisits
from oracle.store.database import LOST
from oracle.store.revisits import Over

_PAGE: Final = 50


async def sweep(context: Context) -> None:
    """Search again from before a request that is missing here; take up again what the contract says is pending.

    Looked at are the requests that were over last, and a page of all that are, another one at each look.
    """
    if context.head is None:
        return
    try:
        await rewind_if_reorganised(context)
        await _search_again(context)
        await _take_up_again(context)
        await _erase_useless(context)
    except (TransientFault, *LOST):
        return  # the event source reports the endpoint, the worker the database


async def _search_again(context: Context) -> None:
    head = context.head
    if head is None:
        return
    count = await context.oracle.request_count(head.hash)
    async with context.sessions.begin() as session:
        found = await requests.first_missing(session, context.chain_id, context.address, count)
        if found is None:
            return
        missing, after_block = found
        back_to = max(after_block, context.chain.start_block)
        await cursor.rewind(session, context.chain_id, context.address, back_to)
    structlog.get_logger("upkeep").warning("request_missing", request_id=missing, searching_from_block=back_to)


async def _take_up_again(context: Context) -> None:
    async with context.sessions() as session:
        key = (session, context.chain_id, context.address)
        looked_at = {one.row: one for one in await revisits.over_lately(*key, _PAGE)}
        newest = max((one.request_id for one in looked_at.values()), default=0)
        looked_at |= {one.row: one for one in await revisits.over_from(*key, secrets.randbelow(newest + 1), _PAGE)}
    open_again = [one for one in looked_at.values() if await _is_open(context, one)]
    for one in open_again:
        async with context.sessions.begin() as session:
            row = await revisits.lock(session, one.row)
            if row is None or row.state != one.state:
                continue  # a stage, or another daemon, has it
            reason = f"the contract says pending though it was {one.state} here: looking again"
            await requests.move(session, row, State.SETTLING, reason)
        context.woken["settle"].set()
        structlog.get_logger("upkeep").warning("request_open_again", request_id=one.request_id, was=one.state.value)


async def _erase_useless(context: Context) -> None:
    """Erase openings of requests that vanished or were given up, once their time is over."""
    head = context.head
    if head is None:
        return
    async with context.sessions.begin() as session:
        gone = await openings.erase_useless(session, context.chain_id, context.address, head.timestamp)
    if gone:
        structlog.get_logger("upkeep").info("openings_erased", openings=gone)


async def _is_open(context: Context, one: Over) -> bool:
    head = context.head
    if head is None or (one.state is State.EXPIRED and head.timestamp > one.deadline):
        return False
    return await context.oracle.state_of(one.request_id, head.hash) is RequestState.PENDING
