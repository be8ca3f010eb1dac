"""Health, readiness and metrics over HTTP; it answers from the daemon's first moment on."""

import errno
import os
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from oracle.assessment.errors import ConfigurationFault
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.store import database, tallies
from oracle.web.api.application import add_api
from oracle.web.api.service import Api
from oracle.web.dashboard.install import install
from oracle.web.dashboard.parts import Parts


@dataclass(slots=True)
class Watched:
    """What the pages are about; `context` comes once the daemon's checks have passed. Without `api` there is no /v1."""

    health: Health
    context: Context | None = None
    api: Api | None = None
    dashboard: Parts | None = None


WATCHED: web.AppKey[Watched] = web.AppKey("watched", Watched)


def application(watched: Watched) -> web.Application:
    """Return the application: /healthz, /readyz and /metrics, and the API and the dashboard where there are any."""
    app = web.Application()
    app[WATCHED] = watched
    app.add_routes([web.get("/healthz", alive), web.get("/readyz", ready), web.get("/metrics", scrape)])
    if watched.api is not None:
        add_api(app, watched.api)
    if watched.dashboard is not None:
        install(app, watched.dashboard)
    return app


async def serve(watched: Watched, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen; return the runner, to be cleaned up by the caller, and the port that was taken.

    Raises ConfigurationFault when the address cannot be had.
    """
    runner = web.AppRunner(application(watched), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        why = "another program listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        raise ConfigurationFault(
            f"web.port: cannot listen on {host}:{port}: {why}; end that program, or correct web.host and web.port"
        ) from error
    return runner, runner.addresses[0][1]


async def alive(_: web.Request) -> web.Response:
    """Say that the event loop turns."""
    return web.json_response({"alive": True})


async def ready(request: web.Request) -> web.Response:
    """Say whether every part works, and which does not: 200 or 503. What only a person can mend is a warning."""
    health = request.app[WATCHED].health
    parts = {name: {"ok": part.ok, "text": part.text, "since": part.since} for name, part in health.parts.items()}
    warnings = [{"name": name, "text": one.text, "since": one.since} for name, one in health.warnings.items()]
    said = {"ready": health.ready, "warnings": warnings, "parts": parts}
    return web.json_response(said, status=200 if health.ready else 503)


async def scrape(request: web.Request) -> web.Response:
    """Give the metrics in Prometheus' text format."""
    watched = request.app[WATCHED]
    for name, part in watched.health.parts.items():
        metrics.PART_OK.labels(name).set(part.ok)
    if watched.context is not None:
        await _count(watched.context)
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _count(context: Context) -> None:
    try:
        async with context.sessions() as session:
            counted = await tallies.counts(session, context.chain_id, context.address)
    except database.LOST:
        metrics.PART_OK.labels("database").set(0)
        return
    for state, count in counted.items():
        metrics.REQUESTS.labels(state.value).set(count)
