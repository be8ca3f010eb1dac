"""The dashboard without a daemon: over a database that it only reads."""

import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, to_address
from oracle.config.dashboard import DashboardSettings
from oracle.store import database
from oracle.store.tables import CursorRow
from oracle.web.dashboard.install import install
from oracle.web.dashboard.parts import Parts, page_engine


@contextlib.asynccontextmanager
async def serve_alone(
    url: str, host: str, port: int, chain_id: int | None, oracle: str | None, path_prefix: str, *, public: bool
) -> AsyncIterator[str]:
    """Serve until the caller leaves; give the address of the overview. Unless `public`, only by a name of this machine.

    Raises ConfigurationFault when the database is not this version's, or knows several oracles and none is named.
    """
    engine = page_engine(url, read_only=True)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        await database.check_schema(engine)
        found = await _which(engine, chain_id, None if oracle is None else to_address(oracle))
        try:
            settings = DashboardSettings(path_prefix=path_prefix)
        except ValidationError as error:
            raise ConfigurationFault(f"--path-prefix: {error.errors()[0]['msg']}") from error
        app = web.Application(middlewares=[] if public else [by_a_local_name])
        install(app, Parts(engine, found[0], found[1], settings, read_only=True))
        runner = web.AppRunner(app, access_log=None)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise ConfigurationFault(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
        yield f"http://{host}:{runner.addresses[0][1]}{path_prefix}/"


@web.middleware
async def by_a_local_name(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer who asks for this machine by a name of its own: 421 for any other."""
    # Nobody signs in: a site whose name was made to stand for this machine could read all by its visitors' browsers.
    if not is_local(urlsplit(f"//{request.host}").hostname or ""):
        said = "This page is asked for as localhost or 127.0.0.1; --public, behind a proxy, takes any name.\n"
        raise web.HTTPMisdirectedRequest(text=said)
    return await handler(request)


def is_local(host: str) -> bool:
    """Say whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _which(engine: AsyncEngine, chain_id: int | None, oracle: Address | None) -> tuple[int, Address]:
    query = select(CursorRow.chain_id, CursorRow.oracle).order_by(CursorRow.chain_id, CursorRow.oracle)
    if chain_id is not None:
        query = query.where(CursorRow.chain_id == chain_id)
    if oracle is not None:
        query = query.where(CursorRow.oracle == oracle)
    async with engine.connect() as connection:
        found = (await connection.execute(query)).all()
    if len(found) == 1:
        return int(found[0].chain_id), Address(found[0].oracle)
    if not found and chain_id is not None and oracle is not None:
        return chain_id, oracle
    known = ", ".join(f"--chain-id {row.chain_id} --oracle {row.oracle}" for row in found) or "none yet"
    raise ConfigurationFault(f"which oracle? Name it with --chain-id and --oracle; this database knows: {known}")
