"""What is told of requests that ended: to whom, how it is signed, and what becomes of a receiver that fails."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.states import State
from oracle.store import api_keys, webhooks
from oracle.web.api.delivery import enter, pause
from tests.web.conftest import Door, opened
from tests.web.receiving import BOB, Receiver, api_settings, hooked, now_due, ready, receiver, settle, told

__all__ = ["api_settings", "ready", "receiver"]


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
