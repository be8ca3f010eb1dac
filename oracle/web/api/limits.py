"""How often each key, and each address without one, may call: a bucket of tokens, in this process."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST_BUCKETS: Final = 10_000
_NETWORK_BITS: Final = 64


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
        if key not in self._buckets and len(self._buckets) >= _MOST_BUCKETS:
            self._forget(now)
        bucket = self._buckets.setdefault(key, _Bucket(size, now))
        bucket.tokens = min(size, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / rate

    def _forget(self, now: float) -> None:
        """Forget the buckets that are full again, then the oldest: strangers' addresses have no end."""
        to_fill = 60 * self._burst / self._per_minute
        kept = {key: one for key, one in self._buckets.items() if now - one.at < to_fill}
        newest = sorted(kept, key=lambda key: kept[key].at)[-_MOST_BUCKETS // 2 :]
        self._buckets = {key: kept[key] for key in newest}


def client_of(remote: str | None) -> str:
    """Return what a client without a key is counted as: its address, or its network, of which it has all addresses."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return remote or "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
