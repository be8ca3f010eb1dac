"""The API's own documentation: the OpenAPI document, and a page that shows it without a word from elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from oracle.web.api.calls import Call, Operation, headers_of
from oracle.web.api.document import document
from oracle.web.api.service import Api

_STATIC: Final = Path(__file__).parent / "static"
# The viewer sets styles of its own on what it draws; of scripts, only our file may run.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}


async def page(api: Api, call: Call) -> web.StreamResponse:
    """Return the page."""
    return _file("docs.html", "text/html; charset=utf-8", "no-cache")


async def viewer(api: Api, call: Call) -> web.StreamResponse:
    """Return the viewer's script, as its authors ship it."""
    return _file("rapidoc-min.js", "text/javascript; charset=utf-8", "public, max-age=86400")


def _file(name: str, media: str, caching: str) -> web.FileResponse:
    headers = headers_of({**_HEADERS, "Content-Type": media, "Cache-Control": caching})
    return web.FileResponse(_STATIC / name, headers=headers)


def documentation(described: Callable[[], Sequence[Operation]]) -> tuple[Operation, ...]:
    """Return the routes of the documentation of a list of routes."""
    made: list[dict[str, Any]] = []

    async def openapi(api: Api, call: Call) -> web.Response:
        if not made:
            made.append(document(described()))
        return web.json_response(made[0], headers=headers_of({"Cache-Control": "no-cache"}))

    return (
        Operation("GET", "/openapi.json", "getDocument", "This document", None, openapi, dict[str, Any]),
        Operation("GET", "/docs", "getDocs", "This document as a page", None, page, str, media="text/html"),
        Operation(
            "GET", "/docs/rapidoc-min.js", "getViewer", "The page's script", None, viewer, str, media="text/javascript"
        ),
    )
