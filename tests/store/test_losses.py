"""What a real server does to its clients: what is lost is called lost, is waited out, and comes back by itself."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from oracle.assessment.errors import TransientFault
from oracle.assessment.states import State
from oracle.store import database, explanations, requests
from oracle.store.database import LOST, DatabaseBusy, DatabaseUnreachable
from oracle.store.explanations import Told
from tests.store.test_requests import CHAIN, ORACLE, moved, request, row_of, stored

HOSTILE = "a\x00b \ud83d c"
HELD = "ab \ufffd c"


async def set_for_all(engine: AsyncEngine, database_name: str | None, setting: str) -> None:
    """Change a setting of a database for every later connection."""
    async with engine.connect() as connection:
        committing = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await committing.execute(text(f"alter database {database_name} {setting}"))


async def test_transaction__that_the_server_ends_for_idling__is_lost_and_the_next_one_works(
    own_engine: AsyncEngine, engine: AsyncEngine
) -> None:
    async with own_engine.connect() as connection:
        await connection.execute(text("set idle_in_transaction_session_timeout = '20ms'"))
        await connection.commit()
        pid = await connection.scalar(text("select pg_backend_pid()"))
        async with engine.connect() as other:
            await other.execution_options(isolation_level="AUTOCOMMIT")
            while await other.scalar(text("select count(*) from pg_stat_activity where pid = :pid"), {"pid": pid}):
                pass
        with pytest.raises(DatabaseUnreachable, match="idle"):
            await connection.execute(text("select 1"))
    async with own_engine.connect() as connection:
        assert await connection.scalar(text("select 1")) == 1


async def test_server__that_became_read_only__is_lost_and_its_connections_are_thrown_away(
    own_engine: AsyncEngine, engine: AsyncEngine
) -> None:
    sessions, name = async_sessionmaker(own_engine), own_engine.url.database
    await set_for_all(engine, name, "set default_transaction_read_only = on")
    with pytest.raises(DatabaseUnreachable, match="read-only") as lost:
        await stored(sessions, request(1))
    assert not lost.value.lasting
    await set_for_all(engine, name, "reset default_transaction_read_only")
    # Nobody disposes of the pool: the connections of the standby's time must be gone by themselves.
    assert len(await stored(sessions, request(1))) == 1


async def test_connection__that_the_administrator_ends__is_lost(own_engine: AsyncEngine, engine: AsyncEngine) -> None:
    async with own_engine.connect() as connection:
        pid = await connection.scalar(text("select pg_backend_pid()"))
        async with engine.connect() as other:
            await other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with pytest.raises(DatabaseUnreachable, match="going down"):
            await connection.scalar(text("select 1"))


async def test_server__without_a_connection_left__is_lost_not_refusing(own_engine: AsyncEngine) -> None:
    async with own_engine.connect() as connection:
        await connection.execute(text("drop role if exists one_only"))
        await connection.execute(text("create role one_only login connection limit 1"))
        await connection.commit()
    narrow = database.connect(own_engine.url.set(username="one_only").render_as_string(False), pool_size=2)
    async with narrow.connect():
        with pytest.raises(DatabaseUnreachable, match="too many connections") as lost:
            async with narrow.connect():
                pass
        assert not lost.value.lasting
    await narrow.dispose()


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("53100", DatabaseUnreachable),
        ("57P01", DatabaseUnreachable),
        ("58030", DatabaseUnreachable),
        ("42501", DatabaseUnreachable),
        ("40P01", DatabaseBusy),
        ("57014", DatabaseBusy),
    ],
)
async def test_error__that_says_nothing_of_the_request__passes(
    engine: AsyncEngine, state: str, fault: type[TransientFault]
) -> None:
    with pytest.raises(fault):
        async with engine.connect() as connection:
            await connection.execute(text(f"do $$ begin raise sqlstate '{state}'; end $$"))


@pytest.mark.parametrize("state", ["22012", "22P05", "54000", "23505", "P0001"])
async def test_error__that_the_request_brought__is_not_taken_for_a_loss(engine: AsyncEngine, state: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        async with engine.connect() as connection:
            await connection.execute(text(f"do $$ begin raise sqlstate '{state}'; end $$"))
    assert not isinstance(refused.value, LOST)


async def test_texts__that_postgres_cannot_hold__are_held_as_far_as_they_can_be(engine: AsyncEngine) -> None:
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    [row_id] = await stored(sessions, request(1))
    await moved(
        sessions,
        1,
        State.DEAD,
        history={HOSTILE: [HOSTILE, {"name": HOSTILE, "\U0001f600": "\U0001f600"}]},
        flags=[{"label": HOSTILE}],
    )
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
        row.fault = HOSTILE
        await requests.note(session, row_id, None, State.DEAD, HOSTILE)
        await explanations.put(session, row_id, Told("0x", False, {"text": HOSTILE}))
    async with sessions() as session:
        row = await requests.find(session, CHAIN, ORACLE, 1)
        told = await explanations.get(session, row_id)
        steps = await requests.transitions(session, row)
    assert row.history == {HELD: [HELD, {"name": HELD, "\U0001f600": "\U0001f600"}]}
    assert row.flags == [{"label": HELD}]
    assert row.fault == steps[-1].reason == HELD
    assert told is not None
    assert told.content == {"text": HELD}


async def test_words__of_megabytes__are_cut(engine: AsyncEngine) -> None:
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    [row_id] = await stored(sessions, request(1))
    async with sessions.begin() as session:
        await requests.note(session, row_id, None, State.DEAD, "x" * 3_000_000)
    async with sessions() as session:
        [*_, last] = await requests.transitions(session, await row_of(sessions, 1))
    assert len(last.reason) < 2_100
    assert last.reason.endswith("characters more)")
