"""A partner's server that hears of requests that ended, and the daemon's parts that tell it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import insert, update

from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.store import requests
from oracle.store.api_tables import DeliveryRow
from oracle.store.tables import RequestRow
from oracle.web.api.delivery import deliver_due, enter
from oracle.web.api.targets import connector
from tests.store.test_requests import CHAIN, ORACLE
from tests.support.served import Served
from tests.web.conftest import Door
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
