"""The server: it carries messages, evaluates, and keeps both; it holds no share and opens nothing.

GET  /v1/session                      what this session is about
POST /v1/messages                     a message; 409 with the reason where it is refused
GET  /v1/messages/{digest}            a message's bytes
GET  /v1/messages?after=N&wait=S      what opens each message after the Nth, waiting up to S seconds for one

Messages are for the session's parties alone: they show a token that they and the server can compute, and nobody else.
What was accepted lies in a folder, and is read from there: a server of many applications holds their heads in memory.
"""

import asyncio
import base64
import contextlib
import hmac
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineFault, EngineRefusal, Refused
from oracle.approval.evaluation import Evaluator, joint_key_parts
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity, PublicIdentity, write_private
from oracle.approval.layout import Layout
from oracle.approval.messages import MOST_BYTES, Head, Kind, Message, compose, read
from oracle.approval.transcript import SERVER, Transcript, blamed, no_input

_LONGEST_WAIT_SECONDS: Final = 30.0
_MOST_LISTED: Final = 500

Notice = Callable[[Message | Refused], None]


class Board:
    """One session's server. What it accepted stands in `folder`: one that is started again goes on from there.

    `notice` is told of each message that was accepted or refused.
    """

    def __init__(
        self,
        session: str,
        layout: Layout,
        roster: Mapping[str, PublicIdentity],
        identity: Identity,
        engine: Engine,
        folder: Path,
        *,
        notice: Notice = lambda _: None,
    ) -> None:
        self.transcript = Transcript(session, layout.model.digest)
        self._layout = layout
        self._evaluator = Evaluator(engine, layout)
        self._roster = roster
        self._identity = identity
        self._engine = engine
        self._folder = folder
        self._notice = notice
        self._tokens = {party: identity.token(roster[party], session) for party in PARTIES}
        self._order: list[Message] = []
        self._places: dict[str, int] = {}
        self._changed = asyncio.Condition()
        self._accepting = asyncio.Lock()
        self._work = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._has_keys = False
        self._closing = False

    async def resume(self) -> None:
        """Take up what was accepted before, and do what was still to be done; raises Refused for changed files."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._folder.glob("*.part"):
            left.unlink()
        for file in sorted(self._folder.glob("*.message")):
            message = read(await asyncio.to_thread(file.read_bytes), self._roster, str(file))
            self._take(message, file)
        await self._go_on()
        self._worker = asyncio.create_task(self._work_on())

    async def accept(self, raw: bytes) -> Message:
        """Keep a message and let be done what follows from it; raises Refused, and OSError where it cannot be kept."""
        try:
            message = await asyncio.to_thread(read, raw, self._roster)
            async with self._accepting:
                self.transcript.check(message)
                await self._keep(message)
        except Refused as refusal:
            self._notice(refusal)
            raise
        self._work.set()
        return message

    async def failed(self) -> None:
        """Wait for a fault of the work behind the messages, and raise it; a server that cannot work should end."""
        if self._worker is not None:
            await asyncio.shield(self._worker)

    def application(self) -> web.Application:
        """Return the HTTP application."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[self._admit])
        app.add_routes(
            [
                web.get("/v1/session", self._told),
                web.post("/v1/messages", self._post),
                web.get("/v1/messages", self._list),
                web.get("/v1/messages/{digest}", self._get),
            ]
        )
        app.on_shutdown.append(self._close)
        return app

    async def _close(self, _: web.Application) -> None:
        # Who waits for a message is answered now, else the server would wait for them.
        self._closing = True
        async with self._changed:
            self._changed.notify_all()
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError, EngineFault):
                await self._worker

    async def _work_on(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            await self._go_on()

    async def _go_on(self) -> None:
        if not self._has_keys and not await self._combine():
            return
        for number in self.transcript.open_applications:
            await self._evaluate(number)
        # Those that come next, before anybody waits for them.
        blinds = self.transcript.blinds_of(self.transcript.last_application + 1)
        if blinds is not None:
            await self._taken(blinds)

    async def _evaluate(self, number: int) -> None:
        blinds, inputs = self.transcript.blinds_of(number), self.transcript.all_of(number, "input")
        if blinds is None or inputs is None or self.transcript.get(number, "evaluated", SERVER) is not None:
            return
        if not await self._taken(blinds):
            return
        try:
            made = await self._evaluator.evaluate(number, blinds, inputs)
        except EngineRefusal as refusal:
            await self._say(number, "abort", said=no_input(blamed(refusal, "input")))
            return
        await self._say(number, "evaluated", parts=made)

    async def _taken(self, blinds: list[Message]) -> bool:
        if self.transcript.ended(0) is not None:
            return False
        try:
            await self._evaluator.take(blinds)
        except EngineRefusal as refusal:
            await self._say(0, "abort", said=str(blamed(refusal, "blinds")))
            return False
        return True

    async def _combine(self) -> bool:
        if self.transcript.ended(0) is not None:
            return False
        keys = await asyncio.to_thread(joint_key_parts, self.transcript)
        if keys is None:
            return False
        try:
            await self._engine.order("open-session", {}, {"session": self.transcript.session})
            await self._engine.order("use-keys", await self._engine.order("combine-keys", keys))
        except EngineRefusal as refusal:
            await self._say(0, "abort", said=f"a part of the keys is none: {refusal}")
            return False
        self._has_keys = True
        return True

    async def _say(self, number: int, kind: Kind, *, said: str = "", parts: Mapping[str, bytes] | None = None) -> None:
        about = self.transcript.basis(number, kind, SERVER)
        session, model = self.transcript.session, self.transcript.model
        head = Head(session=session, application=number, kind=kind, party=SERVER, model=model, about=about, said=said)
        message = compose(self._identity, head, parts)
        async with self._accepting:
            # Meanwhile a party may have ended what this is about.
            with contextlib.suppress(Refused):
                self.transcript.check(message)
                await self._keep(message)

    async def _keep(self, message: Message) -> None:
        # On disk first: what its sender is told is accepted is never lost.
        file = self._folder / f"{len(self._order):06}.message"
        await asyncio.to_thread(write_private, file, message.raw)
        self._take(message, file)
        self._notice(message)
        async with self._changed:
            self._changed.notify_all()

    def _take(self, message: Message, file: Path) -> None:
        light = replace(message, parts=_OnDisk(message, file))
        self.transcript.accept(light)
        self._places[message.digest] = len(self._order)
        self._order.append(light)

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/v1/messages"):
            shown = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
            if not any(hmac.compare_digest(shown, token.encode()) for token in self._tokens.values()):
                session = self.transcript.session
                raise web.HTTPUnauthorized(text=f"the messages of session {session} are for its three parties alone")
        return await handler(request)

    async def _told(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "session": self.transcript.session,
                "model": self.transcript.model,
                "model_name": self._layout.model.name,
                "messages": len(self._order),
                "application": self.transcript.last_application,
            }
        )

    async def _post(self, request: web.Request) -> web.Response:
        if self._worker is not None and self._worker.done():
            raise web.HTTPServiceUnavailable(text="the server's engine is gone: it must be started again")
        try:
            message = await self.accept(await request.read())
        except Refused as refusal:
            told = {"party": refusal.party, "kind": refusal.kind, "why": refusal.why}
            return web.json_response(told, status=409)
        except OSError as error:
            raise web.HTTPInsufficientStorage(text=f"the server cannot keep it: {error.strerror}") from error
        return web.json_response({"digest": message.digest}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        try:
            after, wait = int(request.query.get("after", "0")), float(request.query.get("wait", "0"))
        except ValueError:
            raise web.HTTPBadRequest(text="after and wait are numbers") from None
        if after < 0 or not math.isfinite(wait):
            raise web.HTTPBadRequest(text="after and wait are numbers of zero and more")
        try:
            async with asyncio.timeout(min(max(wait, 0.0), _LONGEST_WAIT_SECONDS)), self._changed:
                await self._changed.wait_for(lambda: len(self._order) > after or self._closing)
        except TimeoutError:
            pass
        found: list[dict[str, Any]] = [
            {"digest": message.digest, "opening": base64.b64encode(message.opening).decode()}
            for message in self._order[after : after + _MOST_LISTED]
        ]
        return web.json_response({"messages": found, "total": len(self._order)})

    async def _get(self, request: web.Request) -> web.Response:
        place = self._places.get(request.match_info["digest"])
        if place is None:
            raise web.HTTPNotFound(text="there is no such message")
        raw = await asyncio.to_thread(lambda: self._order[place].raw)
        return web.Response(body=raw, content_type="application/octet-stream")


class _OnDisk(Mapping[str, bytes]):
    """A kept message's parts, read from its file when they are asked for."""

    def __init__(self, message: Message, file: Path) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        place = len(message.opening)
        for part in message.head.parts:
            self._places[part.name] = place, part.size
            place += part.size

    def __getitem__(self, name: str) -> bytes:
        place, size = self._places[name]
        with self._file.open("rb") as stream:
            stream.seek(place)
            return stream.read(size)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
