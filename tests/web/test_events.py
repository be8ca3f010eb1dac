"""`GET /v1/events`: every change once, in order, however transactions interleave; resumed; the slow are dropped."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.store import api_keys, requests
from oracle.store.database import DatabaseUnreachable
from oracle.store.event_log import Look, Order
from oracle.store.tables import RequestRow
from oracle.web.api.feed import LONGEST_QUEUE, Listener
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE
from tests.web.conftest import Door, opened
from tests.web.records import row, wallet

ALICE, BOB = wallet(0xA11CE), wallet(0xB0B)


async def store(door: Door, number: int, user: str = ALICE, **more: Any) -> None:
    async with door.api.sessions.begin() as session:
        await session.execute(insert(RequestRow).values(row(number, user, "requested") | more))  # type: ignore[arg-type]


async def move(door: Door, number: int, state: State, reason: str = "internal") -> None:
    async with door.api.sessions.begin() as session:
        found = await requests.find(session, CHAIN, ORACLE, number, lock=True)
        await requests.move(session, found, state, reason)


class Stream:
    """An open stream of events."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def next(self) -> tuple[int, str, dict[str, Any]]:
        """Return the next event: id, name, data."""
        while True:
            block = (await self.response.content.readuntil(b"\n\n")).decode()
            lines = dict(line.partition(": ")[::2] for line in block.strip().splitlines())
            if "data" in lines:
                return int(lines["id"]), lines["event"], json.loads(lines["data"])

    async def heartbeat(self) -> None:
        """Return at the next comment."""
        while not (await self.response.content.readuntil(b"\n\n")).startswith(b":"):
            pass


@asynccontextmanager
async def stream(door: Door, query: str = "", last: int | None = None) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {door.key}"} | ({} if last is None else {"Last-Event-ID": str(last)})
    async with door.client.get(door.server.make_url(f"/v1/events{query}"), headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.content_type == "text/event-stream"
        await response.content.readuntil(b"\n\n")
        yield Stream(response)


async def looked(door: Door) -> None:
    """Look as often as it takes to know that an id is lost: other tests used up some."""
    for _ in range(3):
        while await door.api.feed.look():
            pass


@pytest.fixture
async def feeding(door: Door) -> Door:
    await looked(door)
    return door


# ------------------------------------------------------------------ order


def look_of(*ids: int, oldest_open: int = 10, next_transaction: int = 10) -> Look:
    return Look(ids, (), oldest_open, next_transaction)


def test_order__without_gaps__then_all() -> None:
    assert Order().settled(4, look_of(5, 6, 7)) == 7
    assert Order().settled(4, look_of()) == 4


def test_order__when_an_id_is_missing__then_nothing_beyond_it_until_it_comes() -> None:
    order = Order()
    assert order.settled(4, look_of(5, 7)) == 5
    assert order.settled(5, look_of(7)) == 5
    assert order.settled(5, look_of(6, 7)) == 7


def test_order__when_a_missing_id_was_rolled_back__then_lost_once_all_that_may_hold_it_are_over() -> None:
    order = Order()
    assert order.settled(5, look_of(7, oldest_open=10, next_transaction=12)) == 5
    assert order.settled(5, look_of(7, oldest_open=10, next_transaction=13)) == 5
    assert order.settled(5, look_of(7, oldest_open=12, next_transaction=20)) == 5, "12 was open, and may hold it"
    assert order.settled(5, look_of(7, 8, oldest_open=13, next_transaction=20)) == 8


def test_order__when_many_are_missing__then_they_do_not_wait_for_each_other() -> None:
    order = Order()
    for _ in range(2):
        order.settled(0, look_of(2, 4, 6, oldest_open=10, next_transaction=10))
    assert order.settled(0, look_of(2, 4, 6, oldest_open=10, next_transaction=10)) == 6


# ----------------------------------------------------------------- stream


async def test_stream__then_each_change_with_its_id_and_no_reason(feeding: Door) -> None:
    await store(feeding, 1)
    async with stream(feeding) as events:
        await move(feeding, 1, State.COLLECTED)
        await move(feeding, 1, State.SCORED)
        await looked(feeding)
        first, second = await events.next(), await events.next()
    assert (first[1], second[1]) == ("collected", "scored")
    assert first[0] < second[0]
    assert first[2] | {"at": ""} == {
        "request_id": "1",
        "address": to_checksum_address(ALICE),
        "requester": to_checksum_address("0x" + "22" * 20),
        "source": "requested",
        "target": "collected",
        "at": "",
    }


async def test_stream__with_a_filter__then_those_alone(feeding: Door) -> None:
    await store(feeding, 1)
    await store(feeding, 2, BOB)
    async with (
        stream(feeding, f"?address={BOB}") as bob,
        stream(feeding, "?request_id=1") as one,
        stream(feeding, "?state=final") as final,
    ):
        for number in (1, 2):
            await move(feeding, number, State.COLLECTED)
            await move(feeding, number, State.FINAL)
        await looked(feeding)
        assert [(await bob.next())[2]["request_id"] for _ in range(2)] == ["2", "2"]
        assert [(await one.next())[1] for _ in range(2)] == ["collected", "final"]
        assert [(await final.next())[2]["request_id"] for _ in range(2)] == ["1", "2"]


async def test_stream__of_another_oracle__then_silent(feeding: Door) -> None:
    await store(feeding, 1, oracle=OTHER_ORACLE)
    await store(feeding, 2)
    async with stream(feeding) as events:
        async with feeding.api.sessions.begin() as session:
            found = await requests.find(session, CHAIN, OTHER_ORACLE, 1, lock=True)
            await requests.move(session, found, State.FINAL, "")
        await move(feeding, 2, State.FINAL)
        await looked(feeding)
        assert (await events.next())[2]["request_id"] == "2"


async def test_stream__when_cut_off__then_it_goes_on_after_the_last_id_without_a_gap(feeding: Door) -> None:
    await store(feeding, 1)
    async with stream(feeding) as events:
        await move(feeding, 1, State.COLLECTED)
        await looked(feeding)
        last, *_ = await events.next()
    for state in (State.SCORED, State.PROVEN, State.SIGNED):
        await move(feeding, 1, state)
    await looked(feeding)
    async with stream(feeding, last=last) as events:
        await move(feeding, 1, State.SUBMITTED)
        await looked(feeding)
        assert [(await events.next())[1] for _ in range(4)] == ["scored", "proven", "signed", "submitted"]


async def test_stream__when_an_earlier_id_is_committed_later__then_it_is_not_lost(feeding: Door) -> None:
    await store(feeding, 1)
    await store(feeding, 2)
    async with stream(feeding) as events:
        slow = feeding.api.sessions()
        found = await requests.find(slow, CHAIN, ORACLE, 1, lock=True)
        await requests.move(slow, found, State.COLLECTED, "")
        await slow.flush()
        await move(feeding, 2, State.COLLECTED)
        for _ in range(5):
            await looked(feeding)
        await slow.commit()
        await slow.close()
        await looked(feeding)
        assert [(await events.next())[2]["request_id"] for _ in range(2)] == ["1", "2"]


async def test_stream__when_a_change_was_rolled_back__then_the_next_ones_come_all_the_same(feeding: Door) -> None:
    await store(feeding, 1)
    async with stream(feeding) as events:
        async with feeding.api.sessions() as session:
            found = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
            await requests.move(session, found, State.COLLECTED, "")
            await session.flush()
            await session.rollback()
        await move(feeding, 1, State.SCORED)
        for _ in range(3):
            await looked(feeding)
        assert (await events.next())[1] == "scored"


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


@pytest.mark.parametrize(
    ("path", "headers", "field"),
    [
        ("?state=magic", {}, "query.state"),
        ("?address=0x1", {}, "query.address"),
        ("?request_id=-1", {}, "query.request_id"),
        ("", {"Last-Event-ID": "abc"}, "header.Last-Event-ID"),
        ("", {"Last-Event-ID": "-1"}, "header.Last-Event-ID"),
        ("", {"Last-Event-ID": "9" * 18}, "header.Last-Event-ID"),
        ("", {"Last-Event-ID": "9" * 30}, "header.Last-Event-ID"),
        ("", {"Last-Event-ID": "1; drop"}, "header.Last-Event-ID"),
    ],
)
async def test_stream__with_a_wrong_parameter__then_422(
    feeding: Door, path: str, headers: dict[str, str], field: str
) -> None:
    found = await feeding.problem("GET", f"/v1/events{path}", headers=headers)
    assert (found["status"], found["errors"][0]["field"]) == (422, field)


async def test_stream__before_the_first_look__then_503(door: Door) -> None:
    assert (await door.ask("GET", "/v1/events")).status == 503


def test_listener__when_it_does_not_keep_up__then_it_is_ended_and_the_others_are_not_held_up() -> None:
    slow = Listener()
    for number in range(LONGEST_QUEUE + 10):
        slow.tell(number)  # type: ignore[arg-type]
    assert slow.ended
    told = [slow.queue.get_nowait() for _ in range(slow.queue.qsize())]
    assert told[-1] is None
    assert len(told) == LONGEST_QUEUE
