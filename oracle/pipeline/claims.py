"""This daemon's claims: it says that it lives, gives back what came to nothing, and frees what dead daemons held."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from oracle.cancellation import apart, raise_if_cancelled
from oracle.pipeline.context import Claims, Context
from oracle.store import daemons, database, requests

Answer = TypeVar("Answer")

_DATABASE_PAUSE_SECONDS = 1.0
# Longer than any beat takes on a database that works.
_PATIENCE_SECONDS = 10.0
# After the server's own restart every daemon has lost its lock: the others get the time to take theirs again.
_BEATS_BEFORE_TAKING_OVER = 5


async def keep_claims(context: Context) -> None:
    """Hold this daemon's place among the others until cancelled; what is lost with the database is taken up again."""
    while True:
        try:
            await apart(_hold_place(context))
        except database.LOST as error:
            context.health.database_lost(error)
        raise_if_cancelled()
        await asyncio.sleep(_DATABASE_PAUSE_SECONDS)


async def _hold_place(context: Context) -> None:
    sessions = context.sessions
    async with sessions() as session:
        connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        try:
            beats = await _watched(context, _take_place(context.claims, connection))
            while True:
                take_over = beats >= _BEATS_BEFORE_TAKING_OVER
                await _watched(context, _beat(context, connection, take_over=take_over))
                beats += 1
                await asyncio.sleep(daemons.BEAT_SECONDS)
        finally:
            # Never back into the pool: the advisory lock lasts as long as the connection.
            await connection.invalidate()


async def _watched(context: Context, asked: Coroutine[Any, Any, Answer]) -> Answer:
    """Return what the database answers; when that takes long the database is unwell, but still waited for.

    Nothing is cut off: to cancel a statement is a question to the same server, which would be waited for as well.
    """
    task = asyncio.ensure_future(asked)
    try:
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE_SECONDS)
        if not done:
            context.health.database_lost(TimeoutError(f"the database has not answered for {_PATIENCE_SECONDS:g} s"))
        return await task
    finally:
        task.cancel()


async def _take_place(claims: Claims, connection: AsyncConnection) -> int:
    """Register, or lock the place again that a lost connection held; return how many beats that is worth."""
    if claims.daemon is None:
        claims.daemon = await daemons.register(connection)
        return _BEATS_BEFORE_TAKING_OVER
    await daemons.lock_again(connection, claims.daemon)
    return 0


async def _beat(context: Context, connection: AsyncConnection, *, take_over: bool) -> None:
    claims = context.claims
    if claims.daemon is None or not await daemons.beat(connection, claims.daemon):
        structlog.get_logger("claims").warning("daemon_taken_for_dead", daemon=claims.daemon)
        claims.daemon = await daemons.register(connection)
    freed = await _give_back(claims, claims.daemon, context.sessions)
    if take_over and (left := await daemons.free_claims_of_the_dead(connection, claims.daemon)):
        structlog.get_logger("claims").info("claims_taken_over", requests=left)
        freed += left
    if freed:
        context.wake_all()


async def _give_back(claims: Claims, daemon: int, sessions: async_sessionmaker[AsyncSession]) -> int:
    """End the claims that no stage works on any more: the database was lost before their work was stored."""
    async with sessions.begin() as session:
        # In this order: a claim is in a hand before the server knows it.
        astray = await requests.claimed_by(session, daemon) - claims.in_hand
        return await requests.give_back(session, astray) if astray else 0
