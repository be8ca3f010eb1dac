"""Webhooks: who is told of what, how it is signed, what becomes of a receiver that fails, and where none may go."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.store import api_keys, requests, webhooks
from oracle.store.api_keys import Scope
from oracle.store.api_tables import DeliveryRow
from oracle.store.tables import RequestRow
from oracle.web.api.delivery import deliver_due, enter, pause
from oracle.web.api.targets import check_url, connector, is_public
from tests.store.test_requests import CHAIN, ORACLE
from tests.support.served import Served
from tests.web.conftest import Door, opened
from tests.web.records import row, wallet

ALICE, BOB = wallet(0xA11CE), wallet(0xB0B)


class Receiver(Served):
    """A partner's server that remembers what it was sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
def api_settings() -> ApiSettings:
    return ApiSettings(enabled=True, webhook_private_targets=True, webhook_attempts=3)


async def hooked(door: Door, receiver: Receiver, **more: Any) -> dict[str, Any]:
    response = await door.ask("POST", "/v1/webhooks", json={"url": receiver.url, **more})
    assert response.status == 201, await response.text()
    return dict(await response.json())


async def settle(door: Door, number: int, state: State = State.FINAL, user: str = ALICE) -> None:
    async with door.api.sessions.begin() as session:
        await session.execute(insert(RequestRow).values(row(number, user, "confirmed")))  # type: ignore[arg-type]
    async with door.api.sessions.begin() as session:
        found = await requests.find(session, CHAIN, ORACLE, number, lock=True)
        await requests.move(session, found, state, "internal")


async def told(door: Door) -> int:
    """Do what the daemon's parts do, until nothing is due."""
    for _ in range(3):
        while await door.api.feed.look():
            pass
    await enter(door.api)
    sent = 0
    async with aiohttp.ClientSession(connector=connector(private=door.api.settings.webhook_private_targets)) as client:
        while done := await deliver_due(door.api, client):
            sent += done
    return sent


async def now_due(door: Door) -> None:
    async with door.api.sessions.begin() as session:
        await session.execute(
            update(DeliveryRow).where(DeliveryRow.next_at.is_not(None)).values(next_at=datetime.now(UTC) - timedelta(1))
        )


@pytest.fixture
async def ready(door: Door) -> Door:
    await told(door)
    return door


# --------------------------------------------------------------- delivery


async def test_delivery__when_a_request_ends__then_it_is_told_signed_and_once(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    await settle(ready, 1)
    assert await told(ready) == 1
    assert await told(ready) == 0
    ((headers, body),) = receiver.received
    parts = dict(part.split("=") for part in headers["X-Risk-Oracle-Signature"].split(","))
    expected = hmac.new(bytes.fromhex(made["secret"]), parts["t"].encode() + b"." + body, hashlib.sha256)
    assert parts["v1"] == expected.hexdigest()
    assert abs(int(parts["t"]) - datetime.now(UTC).timestamp()) < 60
    found = json.loads(body)
    assert (found["event"]["target"], found["request"]["request_id"]) == ("final", "1")
    assert found["request"]["assessment"]["risk_category"] == "low"
    assert found["delivery"] == headers["X-Risk-Oracle-Delivery"]
    assert b"internal" not in body


async def test_delivery__with_a_wallet_and_states__then_those_alone(ready: Door, receiver: Receiver) -> None:
    await hooked(ready, receiver, address=BOB, states=["declined"])
    await settle(ready, 1, State.DECLINED)
    await settle(ready, 2, State.FINAL, BOB)
    await settle(ready, 3, State.DECLINED, BOB)
    await told(ready)
    assert [json.loads(body)["event"]["request_id"] for _, body in receiver.received] == ["3"]


async def test_delivery__when_a_daemon_was_away__then_what_happened_meanwhile_is_told(
    ready: Door, receiver: Receiver, engine: AsyncEngine
) -> None:
    await hooked(ready, receiver)
    for number in range(1, 4):
        await settle(ready, number)
    async with opened(engine, ready.api.settings) as next_daemon:
        await told(next_daemon)
    assert len(receiver.received) == 3


async def test_delivery__when_the_receiver_fails__then_again_with_growing_pauses_until_given_up_and_replayed(
    ready: Door, receiver: Receiver
) -> None:
    made = await hooked(ready, receiver)
    receiver.status = 500
    await settle(ready, 1)
    for _ in range(5):
        await told(ready)
        await now_due(ready)
    assert len(receiver.received) == 3, "three tries, and no more"
    (found,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert (found["attempts"], found["next_at"], found["status"]) == (3, None, 500)
    assert found["fault"] == "it answered HTTP 500"
    receiver.status = 204
    again = await ready.ask("POST", f"/v1/webhooks/{made['id']}/deliveries/{found['id']}/replay")
    assert again.status == 202
    await told(ready)
    (found,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert (found["status"], found["fault"], found["delivered_at"] is not None) == (204, None, True)


def test_pause__then_doubled_to_an_hour() -> None:
    assert [pause(number).total_seconds() for number in (1, 2, 3, 12, 30)] == [5, 10, 20, 3_600, 3_600]


async def test_delivery__when_the_receiver_redirects__then_not_followed(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    receiver.status, receiver.headers = 302, {"Location": receiver.url}
    await settle(ready, 1)
    await told(ready)
    assert len(receiver.received) == 1
    (found,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert "redirects are not followed" in found["fault"]


async def test_delivery__when_a_worker_dies_with_it__then_taken_up_after_its_lease(
    ready: Door, receiver: Receiver
) -> None:
    await hooked(ready, receiver)
    await settle(ready, 1)
    for _ in range(3):
        await ready.api.feed.look()
    await enter(ready.api)
    async with ready.api.sessions.begin() as session:
        assert len(await webhooks.due(session, 5, timedelta(seconds=60))) == 1
    assert await told(ready) == 0, "somebody has it in hand"
    await now_due(ready)
    assert await told(ready) == 1


async def test_delivery__when_it_ended_long_ago__then_removed_and_what_is_due_stays(
    ready: Door, receiver: Receiver
) -> None:
    made = await hooked(ready, receiver)
    await settle(ready, 1)
    await told(ready)
    await settle(ready, 2)
    for _ in range(3):
        await ready.api.feed.look()
    await enter(ready.api)
    async with ready.api.sessions.begin() as session:
        await session.execute(text("update webhook_deliveries set created_at = now() - interval '31 days'"))
        await webhooks.sweep(session)
    (left,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert left["payload"]["event"]["request_id"] == "2"


async def test_delivery__when_the_key_is_revoked__then_no_more(ready: Door, receiver: Receiver) -> None:
    await hooked(ready, receiver)
    async with ready.api.sessions.begin() as session:
        await api_keys.revoke(session, ready.key.split("_")[1])
    await settle(ready, 1)
    assert await told(ready) == 0


async def test_delivery__when_the_key_is_rotated__then_the_new_one_has_them(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    async with ready.api.sessions.begin() as session:
        new = await api_keys.rotate(session, ready.key.split("_")[1], timedelta(), None)
    found = await ready.get("/v1/webhooks", key=new.key)
    assert [one["id"] for one in found["webhooks"]] == [made["id"]]
    await settle(ready, 1)
    assert await told(ready) == 1


# ------------------------------------------------------------------ targets


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8",
        str(IPv4Address(0)), "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "ff02::1",
        "nonsense",
    ],
)  # fmt: skip
def test_target__when_its_address_is_not_public__then_refused(address: str) -> None:
    assert is_public(address) is False


def test_target__when_its_address_is_public__then_taken() -> None:
    assert is_public("1.1.1.1")
    assert is_public("2606:4700:4700::1111")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://", "https://user:pw@example.com/",
        "https://user@example.com/", "https://example.com/#x", "https://127.0.0.1/", "https://[::1]/",
        "https://[::ffff:127.0.0.1]/", "https://169.254.169.254/latest/meta-data", "https://2130706433/",
        "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://localhost/", "https://a.localhost/",
        "https://db.internal/", "https://example.com:0/", "https://example.com:99999/", "https://exa mple.com/",
        "https://exämple.com/", "https://example.com/\r\nX: y", "https://example.com/" + "a" * 2_000, "javascript:1",
        "//example.com", "https://[::1",
    ],
)  # fmt: skip
async def test_target__when_a_url_is_no_public_one__then_422_that_names_it(engine: AsyncEngine, url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|is not"):
        check_url(url, private=False)
    async with opened(engine, ApiSettings(enabled=True)) as door:
        found = await door.problem("POST", "/v1/webhooks", json={"url": url})
        assert (found["status"], found["errors"][0]["field"]) == (422, "body.url")
        assert (await door.get("/v1/webhooks"))["webhooks"] == []


async def test_target__when_a_name_leads_to_a_private_address__then_refused_as_it_is_connected_to(
    ready: Door, receiver: Receiver
) -> None:
    made = await hooked(ready, receiver)
    host = receiver.url.replace("127.0.0.1", "localhost")
    async with ready.api.sessions.begin() as session:
        await session.execute(text("update webhooks set url = :it"), {"it": host})
    await settle(ready, 1)
    for _ in range(3):
        await ready.api.feed.look()
    await enter(ready.api)
    async with aiohttp.ClientSession(connector=connector(private=False)) as client:
        assert await deliver_due(ready.api, client) == 1
    assert receiver.received == []
    (found,) = (await ready.get(f"/v1/webhooks/{made['id']}/deliveries"))["deliveries"]
    assert "is not a public address" in found["fault"]


# ------------------------------------------------------------------- routes


async def test_webhooks__of_another_key__then_unknown(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    other = await ready.new_key()
    assert (await ready.get("/v1/webhooks", key=other))["webhooks"] == []
    for method, path in (("DELETE", ""), ("GET", "/deliveries"), ("POST", "/deliveries/1/replay")):
        found = await ready.problem(method, f"/v1/webhooks/{made['id']}{path}", key=other)
        assert found["status"] == 404


async def test_webhooks__when_removed__then_gone_with_its_deliveries(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    await settle(ready, 1)
    await told(ready)
    assert (await ready.ask("DELETE", f"/v1/webhooks/{made['id']}")).status == 204
    assert (await ready.problem("DELETE", f"/v1/webhooks/{made['id']}"))["status"] == 404


async def test_webhooks__when_listed__then_without_their_secret(ready: Door, receiver: Receiver) -> None:
    made = await hooked(ready, receiver)
    assert made["secret"] not in json.dumps(await ready.get("/v1/webhooks"))


async def test_webhooks__when_there_are_too_many__then_409(ready: Door, receiver: Receiver) -> None:
    for _ in range(20):
        await hooked(ready, receiver)
    found = await ready.problem("POST", "/v1/webhooks", json={"url": receiver.url})
    assert found["status"] == 409


async def test_webhooks__when_added_again_with_the_same_idempotency_key__then_one(
    ready: Door, receiver: Receiver
) -> None:
    options: dict[str, Any] = {"json": {"url": receiver.url}, "headers": {"Idempotency-Key": "one"}}
    first, second = [await ready.ask("POST", "/v1/webhooks", **options) for _ in range(2)]
    assert (first.status, second.status, await first.read()) == (201, 201, await second.read())
    assert len((await ready.get("/v1/webhooks"))["webhooks"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": 7}, "body.url"),
        ({"states": []}, "body.states"),
        ({"states": ["magic"]}, "body.states.0"),
        ({"states": "final"}, "body.states"),
        ({"address": "0x1"}, "body.address"),
        ({"secret": "mine"}, "body.secret"),
    ],
)
async def test_webhooks__with_a_wrong_field__then_422_that_names_it(
    ready: Door, receiver: Receiver, body: dict[str, Any], field: str
) -> None:
    found = await ready.problem("POST", "/v1/webhooks", json={"url": receiver.url} | body)
    assert (found["status"], found["errors"][0]["field"]) == (422, field)


async def test_webhooks__without_the_scope__then_403(ready: Door) -> None:
    key = await ready.new_key([Scope.READ, Scope.ASSESS])
    assert (await ready.problem("GET", "/v1/webhooks", key=key))["status"] == 403
