"""The Python client against the API as it is served."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from oracle.assessment.states import State
from oracle.client import ApiRefused, RiskOracle, WebhookForged, verify_webhook
from oracle.store import requests
from oracle.store.tables import RequestRow
from oracle.web.api.delivery import signature
from tests.store.test_requests import CHAIN, ORACLE
from tests.web.conftest import Door
from tests.web.records import row, wallet

ALICE = wallet(0xA11CE)


@pytest.fixture
async def client(door: Door) -> AsyncIterator[RiskOracle]:
    async with RiskOracle(str(door.server.make_url("/")), door.key, tries=2) as client:
        yield client


async def store(door: Door, number: int, state: str) -> None:
    async with door.api.sessions.begin() as session:
        await session.execute(insert(RequestRow).values(row(number, ALICE, state)))  # type: ignore[arg-type]


async def move(door: Door, number: int, state: State) -> None:
    async with door.api.sessions.begin() as session:
        found = await requests.find(session, CHAIN, ORACLE, number, lock=True)
        await requests.move(session, found, state, "test")


async def test_client__when_a_wallet_is_read__then_typed_and_exact_page_by_page(door: Door, client: RiskOracle) -> None:
    for number in (1, 2, 3):
        await store(door, number, "final")
    first = await client.wallet(ALICE, limit=2)
    second = await client.wallet(ALICE, limit=2, cursor=first.next_cursor)
    assert [one.request_id for one in (*first.history, *second.history)] == [3, 2, 1]
    assert first.latest is not None
    assert (first.latest.terms.principal, first.latest.fee_wei) == (2**128 - 1, 2**96 - 1)
    assert first.latest.assessment is not None
    assert first.latest.assessment.recommended_terms.max_ltv == 0.75


async def test_client__when_it_waits__then_until_the_request_is_over(door: Door, client: RiskOracle) -> None:
    waiting = asyncio.create_task(client.wait(1, every_seconds=0.01))
    await store(door, 1, "requested")
    await move(door, 1, State.SCORED)
    await move(door, 1, State.FINAL)
    assert (await waiting).state == "final"


async def test_client__when_a_field_is_wrong__then_said_by_field(client: RiskOracle) -> None:
    with pytest.raises(ApiRefused, match="HTTP 422") as refused:
        await client.wallet("0x1")
    assert list(refused.value.fields) == ["path.address"]


async def test_client__while_the_daemon_starts__then_tried_again_and_then_told(client: RiskOracle) -> None:
    client._tries = 1
    with pytest.raises(ApiRefused, match="the daemon is starting") as refused:
        await client.assess(ALICE, 10**18, 30, 0)
    assert refused.value.retry_seconds is not None


async def test_client__when_it_listens__then_changes_from_where_it_was(door: Door, client: RiskOracle) -> None:
    await store(door, 1, "requested")
    for _ in range(3):
        await door.api.feed.look()
    start = door.api.feed.position
    for state in (State.COLLECTED, State.SCORED):
        await move(door, 1, state)
    for _ in range(3):
        await door.api.feed.look()
    found = []
    async for change in client.events(last=start, request_id="1"):
        found.append((change.target, change.request_id))
        if len(found) == 2:
            break
    assert found == [("collected", 1), ("scored", 1)]


def test_webhook__when_it_is_the_oracles__then_taken() -> None:
    verify_webhook("ab" * 32, signature(bytes.fromhex("ab" * 32), 1_000, b"{}"), b"{}", now=1_100)


@pytest.mark.parametrize(
    ("secret", "header", "body", "now"),
    [
        ("cd" * 32, None, b"{}", 1_100),
        ("ab" * 32, None, b"[]", 1_100),
        ("ab" * 32, None, b"{}", 9_999),
        ("ab" * 32, "t=1,v1=00", b"{}", 1),
        ("ab" * 32, "", b"{}", 1),
    ],
)
def test_webhook__when_it_is_not__then_refused(secret: str, header: str | None, body: bytes, now: int) -> None:
    sent = signature(bytes.fromhex("ab" * 32), 1_000, b"{}") if header is None else header
    with pytest.raises(WebhookForged):
        verify_webhook(secret, sent, body, now=now)
