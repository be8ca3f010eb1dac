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
from oracle.web.streams import MEDIA, Outlet

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
        patience = api.settings.heartbeat_seconds
        outlet = Outlet(call.request, patience, headers_of({"X-Request-Id": call.id}))
        try:
            await outlet.begin()
            await outlet.write(f"retry: {_RETRY_MILLISECONDS}\n\n")
            async for change in _missed(api, after, position):
                await _tell(outlet, wanted, change)
            await _live(api, call, listener, outlet, wanted)
        except (ConnectionError, TransientFault, *LOST):
            pass  # gone, too slow, or without a database: it comes back with the last id that it has
        await outlet.end()
        return outlet.response
    finally:
        feed.leave(listener)


async def _missed(api: Api, after: int, until: int) -> AsyncIterator[Change]:
    while after < until:
        async with api.session() as session:
            found, after = await api.feed.page(session, after, until)
        for change in found:
            yield change


async def _live(api: Api, call: Call, listener: Listener, outlet: Outlet, wanted: EventParameters) -> None:
    loop = asyncio.get_running_loop()
    beat = loop.time() + api.settings.heartbeat_seconds
    while True:
        change = None
        try:
            async with asyncio.timeout_at(beat):
                change = await listener.queue.get()
                if change is None:
                    return
        except TimeoutError:
            pass
        if change is not None:
            await _tell(outlet, wanted, change)
        # However much happens: a stream may tell none of it, and a key may end in a busy hour.
        if loop.time() >= beat:
            async with api.session() as session:
                if not await api_keys.is_valid(session, call.key):
                    return
            await outlet.write(": still here\n\n")
            beat = loop.time() + api.settings.heartbeat_seconds


async def _tell(outlet: Outlet, wanted: EventParameters, change: Change) -> None:
    if wanted.wants(change):
        data = json.dumps(change_view(change).model_dump(mode="json"))
        await outlet.write(f"id: {change.id}\nevent: {change.name}\ndata: {data}\n\n")


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
        media=MEDIA,
        lasting=True,
    ),
)
