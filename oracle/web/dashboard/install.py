"""Puts the dashboard's pages into an application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from oracle.web.dashboard import (
    borrow,
    borrower,
    chain_pages,
    dead_letters,
    lenders,
    models_page,
    one_request,
    overview,
    requests_list,
    signing_in,
    transaction_orders,
    wallet,
)
from oracle.web.dashboard.answers import page, set_up_templates
from oracle.web.dashboard.board import BOARD, Board
from oracle.web.dashboard.faults import NotThere
from oracle.web.dashboard.parts import PARTS, WEB, Parts

_STATIC: Final = WEB / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES: Final = {
    path.relative_to(_STATIC).as_posix(): path
    for path in _STATIC.rglob("*")
    if path.suffix in _TYPES and path.is_file()
}
_PAGES: Final = {
    "/": overview.overview,
    "/live": overview.live,
    "/requests": requests_list.requests_list,
    "/search": requests_list.search,
    "/requests/{request_id}": one_request.one_request,
    "/requests/{request_id}/raw.json": one_request.raw,
    "/wallets/{address}": wallet.wallet,
    "/dead-letters": dead_letters.dead_letters,
    "/models": models_page.models_page,
    "/models/{name}": models_page.card,
    "/models/{name}/{picture}": models_page.picture,
    "/transactions": chain_pages.transactions,
    "/lenders": lenders.lenders,
    "/endpoints": chain_pages.endpoints,
    "/settings": chain_pages.settings,
}


def install(app: web.Application, parts: Parts) -> None:
    """Add the pages to an application that does not run yet."""
    app[PARTS], app[BOARD] = parts, Board(parts)
    set_up_templates(app)
    path, routes = parts.path, []
    routes.append(web.get(path("/static/{file:.+}"), page(static, public=True)))
    if parts.settings.borrower_page:
        routes.append(web.get(path("/b/{request_id}"), page(borrower.borrower, public=True)))
    if parts.settings.borrow_page and not parts.read_only:
        routes.append(web.get(path("/borrow"), page(borrow.borrow, public=True)))
    if parts.settings.enabled:
        routes += [web.get(path(where), page(handler)) for where, handler in _PAGES.items()]
        routes += [
            web.get(path("/sign-in"), page(signing_in.show, public=True)),
            web.post(path("/sign-in"), page(signing_in.sign_in, public=True)),
            web.post(path("/sign-out"), page(signing_in.sign_out)),
            web.get(path("/dead-letters/confirm"), page(dead_letters.confirm, acts=True)),
            web.post(path("/dead-letters/act"), page(dead_letters.act, acts=True)),
            web.get(path("/transactions/confirm"), page(transaction_orders.confirm, acts=True)),
            web.post(path("/transactions/act"), page(transaction_orders.act, acts=True)),
        ]
        if parts.settings.path_prefix:
            routes.append(web.get(parts.settings.path_prefix, page(_to_overview, public=True)))
        # Last, and so only for what is nothing else.
        routes.append(web.get(path("/{rest:.*}"), page(_nowhere, public=True)))
        app.cleanup_ctx.append(_looking)
    app.add_routes(routes)
    app.on_cleanup.append(_close)


async def _looking(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[BOARD].run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _close(app: web.Application) -> None:
    await app[PARTS].engine.dispose()


async def static(request: web.Request) -> web.StreamResponse:
    """A style, script or picture of the pages; raises NotThere."""
    # Looked up by the whole name among those that there are: no name leads a path anywhere.
    file = _FILES.get(request.match_info["file"])
    if file is None:
        raise NotThere("this dashboard has no file of that name")
    cached = "public, max-age=86400" if "vendor" in file.parts else "no-cache"
    return web.FileResponse(file, headers={"Content-Type": _TYPES[file.suffix], "Cache-Control": cached})


async def _nowhere(_: web.Request) -> web.StreamResponse:
    raise NotThere("there is no such page: the overview leads to those that there are")


async def _to_overview(request: web.Request) -> web.StreamResponse:
    raise web.HTTPSeeOther(request.app[PARTS].path("/"))
