"""A stream of server-sent events to a client that may stop reading: nothing is ever waited for without an end."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from aiohttp import web

MEDIA: Final = "text/event-stream"
# A proxy that waits for more before it passes anything on would make what is live stale.
_HEADERS: Final = {"Content-Type": MEDIA, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Outlet:
    """Where events go. Each method raises ConnectionError once the client is gone, or took nothing for too long."""

    def __init__(self, request: web.Request, patience_seconds: float, headers: Mapping[str, str] | None = None) -> None:
        self._request = request
        self._patience_seconds = patience_seconds
        self.response = web.StreamResponse(headers={**_HEADERS, **(headers or {})})

    async def begin(self) -> None:
        """Begin the stream as the answer to the request."""
        await self.response.prepare(self._request)

    async def write(self, text: str) -> None:
        """Send a text."""
        await self._soon(self.response.write(text.encode()))

    async def end(self) -> None:
        """End the stream; a client that is gone has ended it already, perhaps before it began."""
        if not self.response.prepared:
            return
        try:
            await self._soon(self.response.write_eof())
        except ConnectionError:
            return

    async def _soon(self, sending: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await sending
        except TimeoutError:
            # Without this, its connection and what is buffered for it would stay for as long as it likes.
            if (transport := self._request.transport) is not None:
                transport.abort()
            raise ConnectionAbortedError("the client takes nothing") from None
