"""Where the page's person holds things up: each party's word before its share leaves, and the server's evaluation."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

from oracle.approval.engine.frames import Parts
from oracle.approval.engine_process import Engine
from oracle.approval.errors import ApprovalError
from oracle.approval.messages import Head, Kind

SHARES: Final[tuple[Kind, ...]] = ("decision-share", "whatifs-share")
"""What leaves a party only on its word."""


class Withdrawn(ApprovalError):
    """The application ended before this party agreed to open it."""


class Word:
    """One party's word: a client middleware, through which a decryption share goes once the party agreed to it."""

    def __init__(self) -> None:
        self._agreed: set[tuple[int, Kind]] = set()
        self._withdrawn: set[int] = set()
        self._changed = asyncio.Condition()

    def has_agreed(self, number: int, kind: Kind) -> bool:
        """Whether the share of application `number` may leave, or has left."""
        return (number, kind) in self._agreed

    async def agree(self, number: int, kind: Kind) -> None:
        """Let that share go."""
        self._agreed.add((number, kind))
        async with self._changed:
            self._changed.notify_all()

    async def withdraw(self, number: int) -> None:
        """Let no further share of application `number` go: who waits for the word gets Withdrawn."""
        self._withdrawn.add(number)
        async with self._changed:
            self._changed.notify_all()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Pass a request on, a share when its time has come."""
        if request.method == "POST" and request.body:
            head = _head_of(await request.body.as_bytes())
            if head.kind in SHARES:
                await self._wait(head.application, head.kind)
        return await handler(request)

    async def _wait(self, number: int, kind: Kind) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self.has_agreed(number, kind) or number in self._withdrawn)
        if not self.has_agreed(number, kind):
            raise Withdrawn(f"application {number} ended before this was agreed to")


class RestingEngine(Engine):
    """The server's engine: while it rests, an order waits."""

    _awake: asyncio.Event | None = None

    @property
    def awake(self) -> asyncio.Event:
        """Set while it works; it begins awake."""
        if self._awake is None:
            self._awake = asyncio.Event()
            self._awake.set()
        return self._awake

    async def order(self, name: str, parts: Parts, fields: Mapping[str, Any] | None = None) -> Parts:
        """Give an order as soon as it is awake; raises EngineRefusal or EngineFault."""
        await self.awake.wait()
        return await super().order(name, parts, fields)


def _head_of(raw: bytes) -> Head:
    # Our own party's message, which it has just composed: its signature is the server's to check.
    size = int.from_bytes(raw[4:8], "big")
    return Head.model_validate_json(raw[8 : 8 + size])
