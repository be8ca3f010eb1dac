"""Watches the RPC endpoints: which are up, how fast, how far behind."""

import asyncio
from typing import Final

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.chain.pool import PoolProvider
from oracle.pipeline import metrics

_PROBE_SECONDS: Final = 15.0


async def watch_endpoints(w3: AsyncWeb3[AsyncHTTPProvider], pause_seconds: float = _PROBE_SECONDS) -> None:
    """Probe every endpoint again and again until cancelled, and publish what is known of each."""
    pool = w3.provider
    if not isinstance(pool, PoolProvider):
        raise TypeError(f"expected a client made by connect(), got one of {type(pool).__name__}")
    while True:
        await pool.probe()
        publish(pool)
        await asyncio.sleep(pause_seconds)


def publish(pool: PoolProvider) -> None:
    """Set the metrics of every endpoint; it is named by its place in the settings, for its URL may hold a key."""
    for endpoint in pool.endpoints:
        name = str(endpoint.number)
        metrics.ENDPOINT_UP.labels(name).set(endpoint.closed and not endpoint.failures)
        metrics.ENDPOINT_FAILURES.labels(name).set(endpoint.failures)
        metrics.ENDPOINT_LAG.labels(name).set(pool.lag_of(endpoint))
        if endpoint.latency_seconds is not None:
            metrics.ENDPOINT_LATENCY.labels(name).set(endpoint.latency_seconds)
