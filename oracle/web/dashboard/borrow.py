"""The page for borrowers: its form; what is written there is committed to in the browser, and never sent here."""

from typing import Any, Final

from aiohttp import web

from oracle.passports.schema import GROUPS
from oracle.web.dashboard.answers import parts_of, render

_POLICY: Final = (
    # No form is ever sent. The sealed box's library is WebAssembly, which the page's own script brings with it.
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


async def borrow(request: web.Request) -> web.Response:
    """The form of a request with private data; it works where a browser has a wallet."""
    values: dict[str, Any] = {"groups": GROUPS.values(), "lenders": parts_of(request).settings.borrow_lenders}
    response = render(request, "borrow.html", values)
    response.headers["Content-Security-Policy"] = _POLICY
    return response
