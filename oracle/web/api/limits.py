"""How often each key may call: a bucket of tokens a key, in this process."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limits:
    """Buckets by key; each daemon has its own, so that several together allow as many times more."""

    def __init__(self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, key: str, per_minute: int | None = None) -> float:
        """Take a token: returns 0 when there was one, otherwise in how many seconds there will be."""
        rate = (per_minute or self._per_minute) / 60
        # Who may call six times a minute may not do so a hundred times at once.
        size = float(min(self._burst, max(1, per_minute or self._per_minute)))
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / rate
