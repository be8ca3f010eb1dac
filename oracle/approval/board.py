"""The server: it carries messages, evaluates, and keeps both; it holds no share and opens nothing.

GET  /v1/session                      what this session is about
POST /v1/messages                     a message; 409 with the reason where it is refused
GET  /v1/messages/{digest}            a message's bytes
GET  /v1/messages?after=N&wait=S      digests of accepted messages after the Nth, waiting up to S seconds for one
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from oracle.approval.engine_process import Engine
from oracle.approval.errors import EngineRefusal, Refused
from oracle.approval.evaluation import evaluate, joint_key_parts
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity, PublicIdentity
from oracle.approval.layout import Layout
from oracle.approval.messages import MOST_BYTES, Head, Kind, Message, compose, read
from oracle.approval.transcript import SERVER, Transcript

_LONGEST_WAIT_SECONDS: Final = 30.0


class Board:
    """One session's server. What it accepted stands in `folder`: one that is started again goes on from there."""

    def __init__(
        self,
        session: str,
        layout: Layout,
        roster: Mapping[str, PublicIdentity],
        identity: Identity,
        engine: Engine,
        folder: Path,
    ) -> None:
        self.transcript = Transcript(session, layout.model.digest)
        self._layout = layout
        self._roster = roster
        self._identity = identity
        self._engine = engine
        self._folder = folder
        self._order: list[Message] = []
        self._changed = asyncio.Condition()
        self._accepting = asyncio.Lock()
        self._has_keys = False

    async def resume(self) -> None:
        """Take up what was accepted before, and do what was still to be done; raises Refused for changed files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.glob("*.part"):
            left.unlink()
        for file in sorted(self._folder.glob("*.message")):
            message = read(await asyncio.to_thread(file.read_bytes), self._roster, str(file))
            self.transcript.accept(message)
            self._order.append(message)
        await self._go_on()

    async def accept(self, raw: bytes) -> Message:
        """Keep a message and do what follows from it; raises Refused."""
        message = await asyncio.to_thread(read, raw, self._roster)
        async with self._accepting:
            self.transcript.accept(message)
            await self._keep(message)
            await self._go_on()
        return message

    def application(self) -> web.Application:
        """Return the HTTP application."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes(
            [
                web.get("/v1/session", self._told),
                web.post("/v1/messages", self._post),
                web.get("/v1/messages", self._list),
                web.get("/v1/messages/{digest}", self._get),
            ]
        )
        return app

    async def _go_on(self) -> None:
        if not self._has_keys and (keys := joint_key_parts(self.transcript)) is not None:
            try:
                await self._engine.order("open-session", {}, {"session": self.transcript.session})
                await self._engine.order("use-keys", await self._engine.order("combine-keys", keys))
            except EngineRefusal as refusal:
                await self._say(0, "abort", said=f"a part of the keys is none: {refusal}")
                return
            self._has_keys = True
        number = self.transcript.last_application
        inputs = self.transcript.all_of(number, "input") if number else None
        if inputs is None or self.transcript.get(number, "evaluated", SERVER) or self.transcript.ended(number):
            return
        try:
            made = await evaluate(self._engine, self._layout, inputs)
        except EngineRefusal as refusal:
            # It names the ciphertext by its party's place.
            named = str(refusal)
            for place, party in enumerate(PARTIES):
                named = named.replace(f"-{place} ", f" of {party} ")
            await self._say(number, "abort", said=f"an input is none: {named}")
            return
        await self._say(number, "evaluated", parts=made)

    async def _say(self, number: int, kind: Kind, *, said: str = "", parts: Mapping[str, bytes] | None = None) -> None:
        about = self.transcript.basis(number, kind, SERVER)
        session, model = self.transcript.session, self.transcript.model
        head = Head(session=session, application=number, kind=kind, party=SERVER, model=model, about=about, said=said)
        message = compose(self._identity, head, parts)
        self.transcript.accept(message)
        await self._keep(message)

    async def _keep(self, message: Message) -> None:
        file = self._folder / f"{len(self._order):06}.message"
        await asyncio.to_thread(_write, file, message.raw)
        self._order.append(message)
        async with self._changed:
            self._changed.notify_all()

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
        try:
            message = await self.accept(await request.read())
        except Refused as refusal:
            told = {"party": refusal.party, "kind": refusal.kind, "why": refusal.why}
            return web.json_response(told, status=409)
        return web.json_response({"digest": message.digest}, status=201)

    async def _list(self, request: web.Request) -> web.Response:
        try:
            after, wait = int(request.query.get("after", "0")), float(request.query.get("wait", "0"))
        except ValueError:
            raise web.HTTPBadRequest(text="after and wait are numbers") from None
        try:
            async with asyncio.timeout(min(max(wait, 0.0), _LONGEST_WAIT_SECONDS)), self._changed:
                await self._changed.wait_for(lambda: len(self._order) > after)
        except TimeoutError:
            pass
        found: list[dict[str, Any]] = [{"digest": message.digest} for message in self._order[max(after, 0) :]]
        return web.json_response({"messages": found})

    async def _get(self, request: web.Request) -> web.Response:
        wanted = request.match_info["digest"]
        for message in self._order:
            if message.digest == wanted:
                return web.Response(body=message.raw, content_type="application/octet-stream")
        raise web.HTTPNotFound(text="there is no such message")


def _write(file: Path, raw: bytes) -> None:
    # Whole or not at all: a server that dies here has not accepted it, and its sender sends it again.
    part = file.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
