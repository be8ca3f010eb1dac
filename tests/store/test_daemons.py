"""Daemons that share a database: who lives keeps its claims, and who is gone loses them at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.store import daemons, requests
from oracle.store.tables import DaemonRow, RequestRow
from tests.store.test_requests import CHAIN, ORACLE, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]


@asynccontextmanager
async def connected(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection as a daemon holds it; it ends with its locks."""
    async with engine.connect() as connection:
        committing = await connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield committing
        finally:
            await connection.invalidate()


async def claim(sessions: Sessions, daemon: int) -> RequestRow | None:
    async with sessions.begin() as session:
        return await requests.claim(session, CHAIN, ORACLE, State.REQUESTED, daemon, uuid4())


async def test_claims__of_a_daemon_that_lives__stay_its_own(engine: AsyncEngine, sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with connected(engine) as first, connected(engine) as second:
        one, two = await daemons.register(first), await daemons.register(second)
        assert one != two
        assert await claim(sessions, one) is not None
        assert await daemons.free_claims_of_the_dead(second, two) == 0
        assert await claim(sessions, two) is None
        assert await daemons.beat(first, one)


async def test_claims__of_a_daemon_whose_connection_was_killed__are_free_at_once(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    await stored(sessions, request(1), request(2))
    async with connected(engine) as first, connected(engine) as second:
        one, two = await daemons.register(first), await daemons.register(second)
        dead, kept = await claim(sessions, one), await claim(sessions, two)
        assert dead is not None
        assert kept is not None
        pid = await first.scalar(text("select pg_backend_pid()"))
        await second.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        assert await daemons.free_claims_of_the_dead(second, two) == 1
        again = await claim(sessions, two)
        assert again is not None
        assert again.request_id == dead.request_id
        assert (await row_of(sessions, int(kept.request_id))).claim == kept.claim


async def test_claims__of_a_daemon_that_says_nothing_for_long__are_free_though_the_server_believes_in_it(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    await stored(sessions, request(1))
    async with connected(engine) as first, connected(engine) as second:
        one, two = await daemons.register(first), await daemons.register(second)
        assert await claim(sessions, one) is not None
        async with sessions.begin() as session:
            long_ago = func.now() - text("interval '10 minutes'")
            await session.execute(update(DaemonRow).where(DaemonRow.id == one).values(beat_at=long_ago))
        assert await daemons.free_claims_of_the_dead(second, two) == 1
        assert not await daemons.beat(first, one), "it must learn that it was taken for dead"


async def test_place__locked_over_a_new_connection__is_kept(engine: AsyncEngine, sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with connected(engine) as second:
        two = await daemons.register(second)
        async with connected(engine) as first:
            one = await daemons.register(first)
            assert await claim(sessions, one) is not None
        async with connected(engine) as anew:
            await until_unlocked(anew, one)
            await daemons.lock_again(anew, one)
            assert await daemons.free_claims_of_the_dead(second, two) == 0
            assert await daemons.beat(anew, one)
            async with sessions() as session:
                assert set(await session.scalars(select(DaemonRow.id))) == {one, two}


async def until_unlocked(connection: AsyncConnection, daemon: int) -> None:
    """Wait until the server has noticed that a connection is gone."""
    query = text("select count(*) from pg_locks where locktype = 'advisory' and objid = :daemon")
    while await connection.scalar(query, {"daemon": daemon}):
        pass
