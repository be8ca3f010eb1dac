"""Watches the RPC endpoints: which are up, how fast, how far behind."""

import asyncio
from typing import Final

import structlog
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.chain.pool import PoolProvider
from oracle.pipeline import metrics
from oracle.pipeline.health import Health

_PROBE_SECONDS: Final = 15.0
# One slow answer is no silence: then something easier is asked.
_DOUBT_SECONDS: Final = 5.0
_SILENCE_SECONDS: Final = 12.0
_LOOK_SECONDS: Final = 1.0


async def watch_endpoints(
    w3: AsyncWeb3[AsyncHTTPProvider], health: Health, pause_seconds: float = _PROBE_SECONDS
) -> None:
    """Probe every endpoint again and again until cancelled, and publish what is known of each.

    While none of them says anything the chain is unwell, long before the first request runs out of patience.
    """
    pool = w3.provider
    if not isinstance(pool, PoolProvider):
        raise TypeError(f"expected a client made by connect(), got one of {type(pool).__name__}")
    async with asyncio.TaskGroup() as group:
        group.create_task(_probe(pool, pause_seconds))
        group.create_task(_watch_silence(pool, health, group))


async def _probe(pool: PoolProvider, pause_seconds: float) -> None:
    while True:
        await pool.probe()
        publish(pool)
        await asyncio.sleep(pause_seconds)


async def _watch_silence(pool: PoolProvider, health: Health, group: asyncio.TaskGroup) -> None:
    asking: asyncio.Task[None] | None = None
    log = structlog.get_logger("endpoints")
    while True:
        seconds, names = pool.silence()
        if seconds >= _DOUBT_SECONDS and (asking is None or asking.done()):
            asking = group.create_task(pool.probe())
        # That it speaks again is found by the event source, which asks all the time.
        if seconds >= _SILENCE_SECONDS and health.set("chain", False, f"{names} has not answered for {seconds:.0f} s"):
            log.warning("endpoint_silent", endpoint=names, seconds=round(seconds))
        await asyncio.sleep(_LOOK_SECONDS)


def publish(pool: PoolProvider) -> None:
    """Set the metrics of every endpoint; it is named by its place in the settings, for its URL may hold a key."""
    for endpoint in pool.endpoints:
        name = str(endpoint.number)
        metrics.ENDPOINT_UP.labels(name).set(endpoint.closed and not endpoint.failures)
        metrics.ENDPOINT_FAILURES.labels(name).set(endpoint.failures)
        metrics.ENDPOINT_LAG.labels(name).set(pool.lag_of(endpoint))
        if endpoint.latency_seconds is not None:
            metrics.ENDPOINT_LATENCY.labels(name).set(endpoint.latency_seconds)
