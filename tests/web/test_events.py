"""`GET /v1/events`: every change once, in order, narrowed down, and from where a client was cut off on."""

import pytest
from eth_utils.address import to_checksum_address

from oracle.assessment.states import State
from oracle.store import requests
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE
from tests.web.conftest import Door
from tests.web.streaming import ALICE, BOB, feeding, looked, move, store, stream

__all__ = ["feeding"]


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
        "notice": None,
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
