"""An HTTP API that is asked within its limits: calls are spaced, counted, and repeated when it is busy."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from oracle.assessment.errors import ConfigurationFault, TransientFault

_LONGEST_PAUSE_SECONDS: Final = 30.0
_REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})

Answer = TypeVar("Answer")
Send = Callable[[aiohttp.ClientSession], AbstractAsyncContextManager[aiohttp.ClientResponse]]


class ApiBusy(TransientFault):
    """The API asks for a pause; `pause_seconds` None: it does not say how long."""

    def __init__(self, message: str, pause_seconds: float | None = None) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


@dataclass
class ApiCalls:
    """How many calls were made."""

    made: int = 0


# The clients are shared by all wallets, and each of a wallet's tasks inherits its count.
_COUNTED: Final[ContextVar[ApiCalls | None]] = ContextVar("api_calls", default=None)


@contextmanager
def counted_calls() -> Iterator[ApiCalls]:
    """Count the calls that this task, and those that it starts inside, make of any API; repetitions too."""
    calls = ApiCalls()
    before = _COUNTED.set(calls)
    try:
        yield calls
    finally:
        _COUNTED.reset(before)


class PacedApi:
    """One API over one session: at most `requests_per_second`, each call up to `attempts` times.

    `name` opens the texts of its errors; none of them holds the address, which may hold a key.
    """

    def __init__(self, name: str, *, requests_per_second: float, attempts: int, timeout_seconds: float) -> None:
        self.name = name
        self._spacing_seconds = 1 / requests_per_second
        self._attempts = attempts
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, what: str, send: Send, check: Callable[[Any], Answer]) -> Answer:
        """Return what `check` makes of the JSON answer to the request that `send` makes; `what` is for errors.

        Repeated while ApiBusy is raised, also by `check`. Raises ConfigurationFault where it is refused, and
        TransientFault for the rest.
        """
        repeated = AsyncRetrying(
            retry=retry_if_exception_type(ApiBusy),
            stop=stop_after_attempt(self._attempts),
            wait=self._pause,
            reraise=True,
        )
        async for attempt in repeated:
            with attempt:
                return check(await self._ask_once(what, send))
        raise AssertionError("tenacity gives a result or raises")

    async def _ask_once(self, what: str, send: Send) -> Any:
        await self._wait_for_turn()
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        if (calls := _COUNTED.get()) is not None:
            calls.made += 1
        try:
            async with send(self._session) as response:
                status = response.status
                answers = f"{self.name} answers {what} with HTTP {status}"
                if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                    raise ApiBusy(answers, _seconds(response.headers.get("Retry-After")))
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise ApiBusy(answers)
                if status in _REFUSED:
                    raise ConfigurationFault(f"{answers}: check its URL and key")
                if status != HTTPStatus.OK:
                    raise TransientFault(answers)
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # Without the cause: its text holds the address, and with it the key.
            raise ApiBusy(f"{self.name} does not answer {what} ({type(error).__name__})") from None

    async def _wait_for_turn(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._turn:
            now = loop.time()
            start = max(now, self._next_at)
            self._next_at = start + self._spacing_seconds
        await asyncio.sleep(start - now)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.pause_seconds if isinstance(error, ApiBusy) else None
        # Doubled from the API's own spacing when it does not say how long.
        pause = self._spacing_seconds * 2**state.attempt_number if asked is None else asked
        return min(pause, _LONGEST_PAUSE_SECONDS)


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.strip().isdecimal() else None
