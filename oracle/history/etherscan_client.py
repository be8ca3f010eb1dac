"""The Etherscan-style HTTP API, version 2, which Blockscout speaks too: keyed, paced, repeated when it is busy."""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from oracle.assessment.errors import ConfigurationFault, TransientFault

# "Max daily rate limit reached" does not pass while somebody waits.
_BUSY: Final = re.compile(r"max (calls|rate limit)|rate limit|too many requests", re.IGNORECASE)
_SPENT: Final = re.compile(r"daily", re.IGNORECASE)
_REFUSED: Final = re.compile(r"api key|apikey|chainid|not supported|unknown (module|action)", re.IGNORECASE)
_TOO_MUCH: Final = re.compile(r"time-?out|smaller result|window is too large", re.IGNORECASE)
_NOTHING: Final = re.compile(r"^no .*found", re.IGNORECASE)
_LONGEST_PAUSE_SECONDS: Final = 30.0


class ApiBusy(TransientFault):
    """The API asks for a pause; `pause_seconds` None: it does not say how long."""

    def __init__(self, message: str, pause_seconds: float | None = None) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds


class ResultTooLarge(TransientFault):
    """The API cannot give so many results at once."""


class EtherscanClient:
    """One API for all wallets: at most `requests_per_second`, over one session; no text of its errors holds the key."""

    def __init__(
        self,
        url: str,
        chain_id: int,
        *,
        key: str | None = None,
        requests_per_second: float = 5.0,
        attempts: int = 5,
        timeout_seconds: float = 20.0,
        count: Callable[[], None] = lambda: None,
    ) -> None:
        self._url = url
        self._fixed = {"chainid": str(chain_id), **({} if key is None else {"apikey": key})}
        self._spacing_seconds = 1 / requests_per_second
        self._attempts = attempts
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._count = count
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session's connections."""
        if self._session is not None:
            await self._session.close()

    async def get(self, module: str, action: str, **parameters: str | int) -> Any:
        """Return an action's `result`, an empty list where the API found nothing.

        Raises ResultTooLarge, ConfigurationFault for a refused key, chain or action, TransientFault for the rest.
        """
        query = {"module": module, "action": action, **{name: str(value) for name, value in parameters.items()}}
        repeated = AsyncRetrying(
            retry=retry_if_exception_type(ApiBusy),
            stop=stop_after_attempt(self._attempts),
            wait=self._pause,
            reraise=True,
        )
        async for attempt in repeated:
            with attempt:
                return _result(action, await self._ask(action, query))
        raise AssertionError("tenacity gives a result or raises")

    async def _ask(self, action: str, query: dict[str, str]) -> Any:
        await self._wait_for_turn()
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        self._count()
        try:
            async with self._session.get(self._url, params={**query, **self._fixed}) as response:
                if response.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                    pause = _seconds(response.headers.get("Retry-After"))
                    raise ApiBusy(f"the transactions API answers {action} with HTTP {response.status}", pause)
                if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise ApiBusy(f"the transactions API answers {action} with HTTP {response.status}")
                if response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                    raise ConfigurationFault(
                        f"the transactions API refuses {action} with HTTP {response.status}: check its key"
                    )
                if response.status != HTTPStatus.OK:
                    raise TransientFault(f"the transactions API answers {action} with HTTP {response.status}")
                return await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # Without the cause: its text holds the address, and with it the key.
            raise ApiBusy(f"the transactions API does not answer {action} ({type(error).__name__})") from None

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


def _result(action: str, answer: Any) -> Any:
    if not isinstance(answer, dict) or "result" not in answer:
        raise TransientFault(f"the transactions API answered {action} with something else than an object with a result")
    result = answer["result"]
    # The proxied node calls have no status.
    if str(answer.get("status", "1")) == "1" and "error" not in answer:
        return result
    message = str(answer.get("message", ""))
    text = result if isinstance(result, str) and result else message
    if _NOTHING.search(message):
        return []
    if _TOO_MUCH.search(text):
        raise ResultTooLarge(f"the transactions API cannot answer {action} so widely: {text}")
    if _BUSY.search(text) and not _SPENT.search(text):
        raise ApiBusy(f"the transactions API asks for a pause: {text}")
    if _REFUSED.search(text):
        raise ConfigurationFault(f"the transactions API refuses {action}: {text}")
    raise TransientFault(f"the transactions API refuses {action}: {text}")


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after is not None and retry_after.strip().isdigit() else None
