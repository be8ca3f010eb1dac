"""A partner's webhooks: made, listed and removed, and nobody else's."""

import asyncio
import json
from typing import Any

import pytest

from oracle.store.api_keys import Scope
from tests.web.conftest import Door
from tests.web.receiving import Receiver, api_settings, hooked, ready, receiver, settle, told

__all__ = ["api_settings", "ready", "receiver"]


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


async def test_webhooks__when_many_are_added_at_once__then_no_more_than_there_may_be(
    ready: Door, receiver: Receiver
) -> None:
    for _ in range(17):
        await hooked(ready, receiver)
    added = (ready.ask("POST", "/v1/webhooks", json={"url": receiver.url}) for _ in range(12))
    statuses = [response.status for response in await asyncio.gather(*added)]
    assert sorted(statuses) == [201] * 3 + [409] * 9
    assert len((await ready.get("/v1/webhooks"))["webhooks"]) == 20


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
