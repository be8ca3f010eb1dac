"""An aiohttp application on a free local port, for as long as a test needs it."""

from types import TracebackType
from typing import Any, Self

from aiohttp import web

# The answer to give as JSON, or an HTTP status with headers.
Given = dict[str, Any] | tuple[int, dict[str, str]]


class Served:
    """One handler on one path; `url` is its address while the context is entered."""

    method = "POST"
    path = "/"
    url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route(self.method, self.path, self.serve)
        # Abandoned requests leave connections that nobody will close.
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}{self.path}".removesuffix("/")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()


def given_response(given: Given) -> web.Response:
    """Return an answer, or the HTTP status that stands for it."""
    return web.Response(status=given[0], headers=given[1]) if isinstance(given, tuple) else web.json_response(given)
