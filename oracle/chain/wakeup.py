"""A WebSocket subscription that only wakes: polling finds the requests, this makes it look at once."""

import asyncio
from typing import Any

import structlog
from web3 import AsyncWeb3, WebSocketProvider

from oracle.cancellation import apart, raise_if_cancelled

_RECONNECT_SECONDS = 5.0


async def wake_on_logs(ws_url: str, log_filter: dict[str, Any], woken: asyncio.Event) -> None:
    """Set `woken` at each log that matches the filter, and after each (re)connection; runs until cancelled.

    A lost connection is opened again after a pause; what happened meanwhile is found by polling.
    """
    log = structlog.get_logger("wakeup")
    while True:
        try:
            await apart(_wake(ws_url, log_filter, woken))
            log.warning("subscription_ended", retry_seconds=_RECONNECT_SECONDS)
        except Exception as error:  # any fault of the socket, its provider or its node: polling goes on without it
            log.warning("subscription_lost", error=type(error).__name__, retry_seconds=_RECONNECT_SECONDS)
        raise_if_cancelled()
        await asyncio.sleep(_RECONNECT_SECONDS)


async def _wake(ws_url: str, log_filter: dict[str, Any], woken: asyncio.Event) -> None:
    # A fresh client each time: the provider's own reconnection does not subscribe again, and backs off longer.
    async with AsyncWeb3(WebSocketProvider(ws_url, max_connection_retries=1)) as w3:
        await w3.eth.subscribe("logs", log_filter)
        structlog.get_logger("wakeup").info("subscribed_to_requests")
        woken.set()
        async for _ in w3.socket.process_subscriptions():
            woken.set()
