"""A node between us and the chain that answers as bad nodes do: it cuts, refuses, forgets and repeats."""

import asyncio
import copy
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.support.served import Served


@dataclass(frozen=True)
class Under:
    """An answer under an HTTP status of its own."""

    status: int
    answer: dict[str, Any]


# Gets a request's method, its parameters and the true answer (`result` or `error`); returns the answer to give.
# An HTTP status may come with headers, or above an answer; a float is a silence of so many seconds before the true
# answer; a text is sent as it is, and bytes likewise, but the connection is cut after them.
Given = dict[str, Any] | int | float | tuple[int, dict[str, str]] | str | bytes | Under
Tamper = Callable[[str, list[Any], dict[str, Any]], Given]
# Gets a request's method and its parameters; returns an answer that keeps it from the node, None to pass it on.
Refuse = Callable[[str, list[Any]], dict[str, Any] | None]


@dataclass
class FaultyNode(Served):
    """A proxy before a node; `tamper` may return another answer, or an HTTP status. `calls` counts methods.

    It takes batches where it is told to, each of their requests for itself, and counts them in `batches`.
    """

    target: str
    tamper: Tamper
    refuse_first: Refuse | None = None
    calls: Counter[str] = field(default_factory=Counter)
    takes_batches: bool = False
    batches: int = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self._session.close()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        if isinstance(asked, list):
            return await self._batch(asked)
        # Both of this moment: what is on its way when a test exchanges them belongs to the time before.
        target, tamper = self.target, self.tamper
        self.calls[asked["method"]] += 1
        kept = self.refuse_first and self.refuse_first(asked["method"], asked["params"])
        if isinstance(kept, dict):
            return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **kept})
        async with self._session.post(target, json=asked) as response:
            true = await response.json()
        answer = {key: true[key] for key in ("result", "error") if key in true}
        given = tamper(asked["method"], asked["params"], copy.deepcopy(answer))
        if isinstance(given, Under):
            body = {"jsonrpc": "2.0", "id": asked["id"], **given.answer}
            return web.json_response(body, status=given.status)
        if isinstance(given, int):
            return web.Response(status=given)
        if isinstance(given, tuple):
            return web.Response(status=given[0], headers=given[1])
        if isinstance(given, str):
            return web.Response(text=given, content_type="application/json")
        if isinstance(given, bytes):
            return await _cut(request, given)
        if isinstance(given, float):
            await asyncio.sleep(given)
            given = answer
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **given})

    async def _batch(self, several: list[dict[str, Any]]) -> web.Response:
        self.batches += 1
        if not self.takes_batches:
            return web.json_response(refuse(-32600, "batches are not taken"), status=400)
        answers = []
        for asked in several:
            self.calls[asked["method"]] += 1
            async with self._session.post(self.target, json=asked) as response:
                true = await response.json()
            answer = {key: true[key] for key in ("result", "error") if key in true}
            given = self.tamper(asked["method"], asked["params"], copy.deepcopy(answer))
            answers.append({"jsonrpc": "2.0", "id": asked["id"], **(given if isinstance(given, dict) else answer)})
        return web.json_response(answers[::-1])  # in whatever order


async def _cut(request: web.Request, beginning: bytes) -> web.StreamResponse:
    """Send the beginning of an answer that promises to be longer, and close the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(beginning) + 1_000
    await response.prepare(request)
    await response.write(beginning)
    assert request.transport is not None
    request.transport.close()
    return response


def honest(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Give the true answer."""
    return answer


def late(parity: int, seconds: float = 0.02) -> Tamper:
    """Let half of the requests wait, told by what they ask: with the other parity the other half comes later."""

    def tamper(method: str, params: list[Any], answer: dict[str, Any]) -> Given:
        asked = hashlib.sha256(json.dumps([method, params]).encode()).digest()
        return seconds if asked[0] % 2 == parity else answer

    return tamper


def refuse(code: int, message: str) -> dict[str, Any]:
    """Return an error answer."""
    return {"error": {"code": code, "message": message}}


def give_up(provider: Any, impatient: Callable[[str, list[Any]], bool]) -> None:
    """Let a provider wait for some answers until its patience ends, without the waiting."""
    true = provider.make_request

    async def make_request(method: str, params: list[Any]) -> Any:
        if impatient(method, params):
            raise TimeoutError
        return await true(method, params)

    provider.make_request = make_request
