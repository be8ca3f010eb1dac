"""Calls to the API: what passes is tried again, what is refused is raised with the server's own words."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

PASSES: Final = frozenset({429, 503})
LONGEST_PAUSE_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 60.0
TRIES: Final = 5
_LARGEST_BYTES: Final = 8 << 20


class ApiRefused(Exception):
    """The API answered with a problem; `fields` says what is wrong with which field."""

    def __init__(self, status: int, problem: Mapping[str, Any], retry_seconds: float | None) -> None:
        super().__init__(f"HTTP {status}: {problem.get('detail', 'no reason given')}")
        self.status = status
        self.problem = dict(problem)
        self.retry_seconds = retry_seconds

    @property
    def is_not_yet(self) -> bool:
        """Whether what was asked for may still come: it is not seen yet, or the server says when to ask again."""
        return self.status == 404 or (self.status == 409 and self.retry_seconds is not None)

    @property
    def fields(self) -> dict[str, str]:
        """What was expected, by field."""
        return {one["field"]: one["detail"] for one in self.problem.get("errors", [])}


class AnswerUnreadable(Exception):
    """The server's answer is not the API's."""


class Calls:
    """A session with one daemon; enter it. `headers` go with each call."""

    def __init__(self, url: str, headers: Mapping[str, str], tries: int) -> None:
        self._url = url.rstrip("/") + "/v1"
        self._headers = headers
        self._tries = tries
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        # Made again with the same key, a call that was answered already does nothing twice.
        headers = {} if body is None else {"Idempotency-Key": uuid4().hex}
        async for attempt in AsyncRetrying(
            retry=retry_if_exception(passes), stop=stop_after_attempt(self._tries), wait=pause, reraise=True
        ):
            with attempt:
                async with self._open().request(method, self._url + path, json=body, headers=headers) as response:
                    await checked(response)
                    return await _json(response)
        raise RuntimeError("tenacity gave no attempt")

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(f"enter the client first: async with {type(self).__name__}(…) as oracle")
        return self._session


async def checked(response: aiohttp.ClientResponse) -> None:
    """Raise ApiRefused with the problem that a response tells."""
    if response.status < 400:
        return
    try:
        problem = await _json(response)
    except AnswerUnreadable as error:
        problem = {"detail": str(error)}
    after = response.headers.get("Retry-After", "")
    raise ApiRefused(
        response.status, problem if isinstance(problem, dict) else {}, float(after) if after.isdecimal() else None
    )


async def _json(response: aiohttp.ClientResponse) -> Any:
    content = bytearray()
    async for part in response.content.iter_chunked(1 << 16):
        content += part
        if len(content) > _LARGEST_BYTES:
            raise AnswerUnreadable(f"the answer is larger than {_LARGEST_BYTES} bytes")
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise AnswerUnreadable("the answer is no JSON") from None


def passes(error: BaseException) -> bool:
    """Return whether a call that ended so may be made again: a broken connection, or a server that has no time."""
    return isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError) or (
        isinstance(error, ApiRefused) and error.status in PASSES
    )


def pause(state: RetryCallState) -> float:
    """Return how long to wait before the next try, in seconds: what the server says, or twice as long each time."""
    error = None if state.outcome is None else state.outcome.exception()
    told = error.retry_seconds if isinstance(error, ApiRefused) else None
    return min(told if told is not None else 0.5 * 2**state.attempt_number, LONGEST_PAUSE_SECONDS)
