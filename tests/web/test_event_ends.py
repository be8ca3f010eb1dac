"""When a stream of events ends: its key, its client, the database, the server; and what keeps it alive until then."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.store import api_keys
from oracle.store.database import DatabaseUnreachable
from tests.web.conftest import Door, opened
from tests.web.streaming import looked, move, store, stream


async def test_stream__when_silent__then_heartbeats_until_the_key_ends(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, heartbeat_seconds=0.05)) as door:
        await looked(door)
        async with stream(door) as events:
            await events.heartbeat()
            async with door.api.sessions.begin() as session:
                await api_keys.revoke(session, door.key.split("_")[1])
            await events.response.content.read()
        assert len(door.api.feed) == 0


async def test_stream__when_the_database_goes_away__then_it_ends_without_a_word_that_is_no_event(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> bool:
        raise DatabaseUnreachable("away")

    async with opened(engine, ApiSettings(enabled=True, heartbeat_seconds=0.05)) as door:
        await looked(door)
        monkeypatch.setattr("oracle.web.api.events.api_keys.is_valid", away)
        async with stream(door) as events:
            assert await events.response.content.read() == b""


async def test_stream__when_too_many_listen__then_503(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, event_clients=1)) as door:
        await looked(door)
        async with stream(door):
            response = await door.ask("GET", "/v1/events")
            assert (response.status, "Retry-After" in response.headers) == (503, True)


async def test_stream__when_the_server_ends__then_it_ends_at_once(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True)) as door:
        await looked(door)
        async with stream(door) as events:
            ending = asyncio.create_task(door.server.close())
            assert await events.response.content.read() == b""
            await ending


async def test_stream__when_much_happens_that_is_not_told__then_heartbeats_until_the_key_ends(
    engine: AsyncEngine,
) -> None:
    # Something happens many times within a heartbeat.
    async with opened(engine, ApiSettings(enabled=True, heartbeat_seconds=1.0)) as door:
        await store(door, 1)
        await looked(door)
        async with stream(door, "?request_id=2") as events:
            stopping = asyncio.Event()

            async def busy() -> None:
                states = (State.COLLECTED, State.SCORED, State.REQUESTED)
                while not stopping.is_set():
                    for state in states:
                        await move(door, 1, state)
                    await door.api.feed.look()

            working = asyncio.create_task(busy())
            try:
                await asyncio.wait_for(events.heartbeat(), 30)
                async with door.api.sessions.begin() as session:
                    await api_keys.revoke(session, door.key.split("_")[1])
                await asyncio.wait_for(events.response.content.read(), 30)
            finally:
                stopping.set()
                await working


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nothing tells of a connection's end
            await asyncio.sleep(0.01)


async def hold(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Begin a stream from the first event on, and read nothing of it."""
    url = door.server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1)
    head = f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {door.key}\r\nLast-Event-ID: 0\r\n\r\n"
    writer.write(head.encode())
    return reader, writer


async def test_stream__when_its_client_reads_nothing__then_its_connection_ends(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oracle.web.api.events.change_view", lambda _: Large())
    async with opened(engine, ApiSettings(enabled=True, heartbeat_seconds=0.2)) as door:
        await store(door, 1)
        for state in (State.COLLECTED, State.SCORED) * 10:
            await move(door, 1, state)
        await looked(door)
        _, writer = await hold(door)
        server = door.server.runner.server
        assert server is not None
        await until(lambda: len(door.api.feed) == 1)
        # Neither the listener nor the connection with what is buffered for it stays.
        await until(lambda: not len(door.api.feed) and not server.connections)
        writer.close()


class Large:
    """A change that fills a connection's buffers."""

    def model_dump(self, **_: object) -> str:
        return "x" * 4_000_000
