"""One endpoint of the pool: its circuit breaker, and what is known of its speed, head and abilities."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from web3.exceptions import BadResponseFormat

from oracle.chain.http_session import CancellableHttpProvider
from oracle.nodes.kept_logs import KeptLogs

NETWORK_FAULTS: Final = (aiohttp.ClientError, asyncio.TimeoutError, ConnectionError)
NONSENSE: Final = (BadResponseFormat, JSONDecodeError, UnicodeDecodeError)

# Some providers put a project's key in front of their domain.
_KEY: Final = re.compile(r"(?=.*\d)[0-9a-z_-]{20,}", re.IGNORECASE)
_FAILURES_TO_OPEN: Final = 3
_FIRST_REST_SECONDS: Final = 2.0
_LONGEST_REST_SECONDS: Final = 60.0
# Of each new time; the past keeps the rest.
_LATENCY_WEIGHT: Final = 0.2


def host_of(url: str) -> str:
    """Return a URL's host, which is no secret, but for a label that looks like a key."""
    return ".".join("…" if _KEY.fullmatch(label) else label for label in (urlsplit(url).hostname or "").split("."))


@dataclass(eq=False)
class Endpoint:
    """An endpoint by its place in the settings, from 1; its URL stands in no message, for it may hold a key.

    `title` names it in messages.

    The breaker opens after three failures in a row, or when the endpoint asks for a pause; when its time is over one
    request tries whether it closes. Times are those of `clock`, in seconds. `head` is its last probe's; `reached` is
    the newest block that any answer showed it to have, -1 for none.
    """

    number: int
    provider: CancellableHttpProvider
    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    open_until: float = 0.0
    paused_until: float = 0.0
    latency_seconds: float | None = None
    head: int | None = None
    reached: int = -1
    verified: bool = False
    expelled: bool = False
    last_fault: Exception | None = None
    unknown_methods: set[str] = field(default_factory=set)
    title: str = "the RPC endpoint"
    kept_logs: KeptLogs = field(init=False)
    _trying: bool = False
    _asked: int = 0
    _unanswered_since: float | None = None

    @property
    def silent_seconds(self) -> float:
        """How long it has been asked without a single answer; 0 when nothing waits for one."""
        return 0.0 if self._unanswered_since is None else self.clock() - self._unanswered_since

    def __post_init__(self) -> None:
        self.kept_logs = KeptLogs(lambda: self.clock())

    @property
    def closed(self) -> bool:
        """Whether requests may go to it now."""
        if self.expelled or self.clock() < self.open_until:
            return False
        return self.failures < _FAILURES_TO_OPEN or not self._trying

    @property
    def pause_left(self) -> float:
        """The seconds for which it asked to be left alone, as far as they are not over."""
        return max(0.0, self.paused_until - self.clock())

    def start(self) -> float:
        """Note that a request goes out; return the time."""
        self._trying = self.failures >= _FAILURES_TO_OPEN
        self._asked += 1
        now = self.clock()
        if self._unanswered_since is None:
            self._unanswered_since = now
        return now

    def succeeded(self, started: float) -> None:
        """Note an answer: the breaker closes."""
        self._asked, self._unanswered_since = self._asked - 1, None
        took = self.clock() - started
        before = took if self.latency_seconds is None else self.latency_seconds
        self.latency_seconds = before + _LATENCY_WEIGHT * (took - before)
        self.failures, self.open_until, self._trying, self.last_fault = 0, 0.0, False, None

    def failed(self, fault: Exception, pause_seconds: float | None = None) -> None:
        """Note a failure; `pause_seconds` is what the endpoint asked for."""
        self.failures += 1
        self._asked -= 1
        self.last_fault, self._trying = fault, False
        if self.failures >= _FAILURES_TO_OPEN:
            rest = _FIRST_REST_SECONDS * 2.0 ** min(self.failures - _FAILURES_TO_OPEN, 10)
            self.open_until = self.clock() + min(rest, _LONGEST_REST_SECONDS)
            # What comes back at an address need not be what went away.
            self.verified, self.reached = False, -1
            self.kept_logs.forget()
        if pause_seconds is not None:
            self.paused_until = self.clock() + min(pause_seconds, _LONGEST_REST_SECONDS)
            self.open_until = max(self.open_until, self.paused_until)

    def abandoned(self) -> None:
        """Note that a request was cancelled: it says nothing of the endpoint."""
        self._trying = False
        self._asked -= 1
        if self._asked == 0:
            self._unanswered_since = None
