"""Requests that change state, and clients of `GET /v1/events` who hear of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import insert

from oracle.assessment.states import State
from oracle.store import requests
from oracle.store.tables import RequestRow
from tests.store.test_requests import CHAIN, ORACLE
from tests.web.conftest import Door
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
