"""The page's changing pieces as server-sent events: each is sent rendered, and only when it is another than before."""

import asyncio
from typing import Any, Final

from aiohttp import web

from oracle.web.approval.showing import Show
from oracle.web.approval.view import view_of
from oracle.web.dashboard.answers import TEMPLATES
from oracle.web.streams import Outlet

SHOW: web.AppKey[Show] = web.AppKey("show", Show)
_HEARTBEAT_SECONDS: Final = 15.0
_PIECES: Final = ("held", "status", "model", "keys", "inputs", "run", "decision", "explain", "log")


async def live(request: web.Request) -> web.StreamResponse:
    """The stream: all pieces at first, then those that changed."""
    show = request.app[SHOW]
    outlet = Outlet(request, _HEARTBEAT_SECONDS)
    sent: dict[str, str] = {}
    version = -1
    try:
        await outlet.begin()
        while True:
            try:
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    version = await show.changes.after(version)
            except TimeoutError:
                await outlet.write(": still here\n\n")
                continue
            for name, text in _pieces(request.app, show).items():
                if sent.get(name) != text:
                    await outlet.write(_event(name, text))
                    sent[name] = text
    except ConnectionError:
        pass  # gone, or too slow: the page begins its stream anew
    await outlet.end()
    return outlet.response


def _pieces(app: web.Application, show: Show) -> dict[str, str]:
    module: Any = app[TEMPLATES].get_template("approval_parts.html").module
    view = view_of(show)
    return {name: str(getattr(module, name)(view)) for name in _PIECES}


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n"
