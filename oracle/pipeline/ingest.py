"""The event source: polls the chain's log from a durable cursor, and rewinds when the chain did."""

import asyncio
import time

import structlog

from oracle.assessment.errors import BlockUnavailable, TransientFault
from oracle.assessment.request import BlockRef
from oracle.assessment.states import State
from oracle.cancellation import apart, raise_if_cancelled
from oracle.chain.rpc import BlockWithheld, EndpointRefused, block_ref
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.upkeep.nonces import hold_nonces
from oracle.store import cursor, database, ledger, requests, revisits
from oracle.telemetry import RequestTrace

_LONGEST_PAUSE_SECONDS = 30.0
_DATABASE_PAUSE_SECONDS = 2.0


async def follow_chain(context: Context, woken: asyncio.Event) -> None:
    """Search new blocks at each wake-up or poll, until cancelled; endpoint and database faults are waited out."""
    log = structlog.get_logger("ingest")
    faults = 0
    while True:
        woken.clear()
        pause = context.chain.poll_seconds
        try:
            await apart(search_new_blocks(context))
            if context.health.set("chain", True):
                log.info("endpoint_reached", block=context.head and context.head.number)
            faults = 0
        except database.DatabaseBusy as error:
            pause = _DATABASE_PAUSE_SECONDS
            log.warning("database_busy", error=str(error))
        except database.LOST as error:
            pause = _DATABASE_PAUSE_SECONDS
            context.health.database_lost(error)
        except TransientFault as fault:
            faults += 1
            pause = min(pause * 2 ** min(faults, 10), _LONGEST_PAUSE_SECONDS)
            if context.health.set("chain", False, str(fault)):
                log.warning("endpoint_lost", error=str(fault), retry_seconds=pause)
        raise_if_cancelled()
        try:
            async with asyncio.timeout(pause):
                await woken.wait()
        except TimeoutError:
            continue


async def search_new_blocks(context: Context) -> int:
    """Store every request up to the chain's head; return how many were new."""
    head = await block_ref(context.w3, "latest")
    metrics.HEAD_BLOCK.set(head.number)
    if context.head != head:
        context.head = head
        context.woken["finalize"].set()
        context.woken["confirm"].set()
        context.woken["settle"].set()
    found, widest, went_back = 0, context.chain.log_range, False
    while True:
        try:
            went_back |= await rewind_if_reorganised(context)
            searched = await _search_range(context, head, widest)
        except EndpointRefused:
            # Endpoints limit ranges and answers, each with words of its own: ask for less until it fits.
            if widest == 1:
                raise
            widest //= 2
            continue
        if searched is None:
            break
        found += searched
        context.woken["collect"].set()
    metrics.SEARCHED_BLOCK.set(head.number)
    if went_back:
        # What stands in the pool for a request that is gone can only revert: before the next block, if need be.
        await hold_nonces(context)
    return found


async def _search_range(context: Context, head: BlockRef, widest: int) -> int | None:
    """Search the next range of at most `widest` blocks; return how many requests were new, None at the head."""
    async with context.sessions.begin() as session:
        start = await cursor.next_block(session, context.chain_id, context.address, context.chain.start_block)
    if start > head.number:
        return None
    last = min(start + widest - 1, head.number)
    if start <= (settled := head.number - _depth(context)) < last:
        last = settled  # a block to fall back to, should the chain reorganise right after
    return await _search(context, start, last)


async def _search(context: Context, start: int, last: int) -> int:
    began = time.monotonic()
    end = await block_ref(context.w3, last)

    async def named_block(number: int, block_hash: str) -> BlockRef:
        block = await block_ref(context.w3, number)
        if block.hash != block_hash:
            raise BlockUnavailable(f"block {number} changed from {block_hash} to {block.hash} while it was searched")
        return block

    logged = await context.oracle.requests(start, last, named_block)
    if (await block_ref(context.w3, last)).hash != end.hash:
        raise BlockUnavailable(f"block {last} changed while it was searched")
    key = (context.chain_id, context.address)
    async with context.sessions.begin() as session:
        if await cursor.next_block(session, *key, context.chain.start_block) != start:
            return 0  # another daemon searched here meanwhile, or went back
        arrived = await requests.add(session, *key, logged)
        for block in {request.block for request in logged}:
            await cursor.remember(session, *key, block.number, block.hash)
        await cursor.advance(session, *key, last, end.hash, last - _depth(context))
    for request in logged if arrived else ():
        trace = RequestTrace(context.chain_id, context.address, request.request_id)
        trace.step("event", time.monotonic() - began, {"request.state": State.REQUESTED.value})
    return len(arrived)


def _depth(context: Context) -> int:
    """Return how many blocks below the head may still change."""
    return max(context.chain.confirmations * 2, 64)


async def rewind_if_reorganised(context: Context) -> bool:
    """Go back to the newest searched block that the chain still has, voiding what is above; say whether it had to."""
    key = (context.chain_id, context.address)
    async with context.sessions() as session:
        known = await cursor.known_blocks(session, *key)
    for number, block_hash in known:
        try:
            present = (await block_ref(context.w3, number)).hash
        except BlockWithheld:
            raise  # an endpoint that dropped the block does not say that the chain did
        except BlockUnavailable:
            present = None
        if present == block_hash:
            back_to = number + 1
            break
    else:
        back_to = context.chain.start_block
    if not known or back_to > known[0][0]:
        return False
    async with context.sessions.begin() as session:
        await cursor.next_block(session, *key, context.chain.start_block)  # for its lock
        if (await cursor.known_blocks(session, *key))[:1] != known[:1]:
            return False  # another daemon went back, or on, meanwhile: the next look finds what is left to do
        gone = await requests.vanish(session, *key, back_to)
        # What was settled in these blocks is settled no more, and what is known of them is void.
        unmined = await ledger.forget_blocks(session, context.chain_id, back_to)
        await revisits.reopen(session, unmined, *key, back_to)
        await cursor.rewind(session, *key, back_to)
    context.woken["settle"].set()
    context.woken["finalize"].set()
    structlog.get_logger("ingest").warning("chain_reorganised", back_to_block=back_to, requests_removed=len(gone))
    return True
