"""`GET /v1/events`: changes of state as they happen (server-sent events), from where a client was cut off on."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from pydantic import Field, field_validator

from oracle.assessment.errors import TransientFault
from oracle.assessment.states import State
from oracle.store import api_keys
from oracle.store.api_keys import Scope
from oracle.store.database import LOST
from oracle.store.event_log import Change
from oracle.web.api.calls import Call, Operation, Strict, headers_of
from oracle.web.api.feed import Listener
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.service import Api
from oracle.web.api.told import change_view
from oracle.web.api.values import UInt256, WalletAddress

STREAM: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"
_FIELD: Final = f"header.{LAST_EVENT_ID}"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_LONGEST_REPLAY: Final = 100_000
_AGAIN_SECONDS: Final = 5.0
_RETRY_MILLISECONDS: Final = 2_000


class EventParameters(Strict):
    """Which changes are told; those of all requests without any."""

    address: WalletAddress | None = Field(None, description="only of requests about this wallet, or asked for by it")
    request_id: UInt256 | None = Field(None, description="only of this request")
    state: str | None = Field(None, description="only into this state", json_schema_extra={"enum": list(State)})

    @field_validator("state")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in list(State):
            raise ValueError(f"expected one of {', '.join(State)}")
        return value

    def wants(self, change: Change) -> bool:
        """Say whether a change is to be told."""
        return (
            self.address in (None, change.user, change.requester)
            and self.request_id in (None, change.request_id)
            and self.state in (None, change.target)
        )


async def events(api: Api, call: Call) -> web.StreamResponse:
    """Stream changes until the client goes away, falls behind, or its key ends."""
    feed, wanted = api.feed, call.parameters
    position = feed.position
    if position is None or len(feed) >= api.settings.event_clients:
        words = "the stream begins soon" if position is None else "too many clients listen already"
        raise Problem(Kind.UNAVAILABLE, words, retry_seconds=_AGAIN_SECONDS)
    after = _resumed(call.request, position)
    listener = feed.listen()
    try:
        response = web.StreamResponse(headers=headers_of({"Content-Type": STREAM, "X-Accel-Buffering": "no"}))
        response.headers["X-Request-Id"] = call.id
        await response.prepare(call.request)
        await _write(api, response, f"retry: {_RETRY_MILLISECONDS}\n\n")
        try:
            async for change in _missed(api, after, position):
                await _tell(api, response, wanted, change)
            await _live(api, call, listener, response, wanted)
        except (ConnectionError, TimeoutError, TransientFault, *LOST):
            pass  # gone, too slow, or without a database: it comes back with the last id that it has
        return response
    finally:
        feed.leave(listener)


async def _missed(api: Api, after: int, until: int) -> AsyncIterator[Change]:
    while after < until:
        async with api.session() as session:
            found, after = await api.feed.page(session, after, until)
        for change in found:
            yield change


async def _live(
    api: Api, call: Call, listener: Listener, response: web.StreamResponse, wanted: EventParameters
) -> None:
    while True:
        try:
            async with asyncio.timeout(api.settings.heartbeat_seconds):
                change = await listener.queue.get()
        except TimeoutError:
            async with api.session() as session:
                if not await api_keys.is_valid(session, call.key):
                    return
            await _write(api, response, ": nothing new\n\n")
            continue
        if change is None:
            return
        await _tell(api, response, wanted, change)


async def _tell(api: Api, response: web.StreamResponse, wanted: EventParameters, change: Change) -> None:
    if wanted.wants(change):
        data = json.dumps(change_view(change).model_dump(mode="json"))
        await _write(api, response, f"id: {change.id}\nevent: {change.target}\ndata: {data}\n\n")


async def _write(api: Api, response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(api.settings.heartbeat_seconds):
        await response.write(text.encode())


def _resumed(request: web.Request, position: int) -> int:
    given = request.headers.get(LAST_EVENT_ID)
    if given is None:
        return position
    if not _NUMBER.fullmatch(given):
        raise wrong(_FIELD, "is not the id of an event")
    last = int(given)
    if last > position:
        raise wrong(_FIELD, "is not the id of an event that was told here")
    if position - last > _LONGEST_REPLAY:
        raise wrong(_FIELD, f"is more than {_LONGEST_REPLAY:,} events ago: read the requests instead")
    return last


EVENTS: Final = (
    Operation(
        "GET",
        "/events",
        "getEvents",
        "Changes of state as they happen, as server-sent events",
        Scope.READ,
        events,
        str,
        description="An event is named after the new state, and its data are one JSON object. `Last-Event-ID` begins "
        "after that event: nothing is left out, and nothing told twice.",
        parameters=EventParameters,
        media=STREAM,
        lasting=True,
    ),
)
