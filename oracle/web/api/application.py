"""The API as a part of the daemon's web application."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from aiohttp import web

from oracle.web.api.assess import ASSESS
from oracle.web.api.boundary import answering, boundary, preflight
from oracle.web.api.calls import Operation
from oracle.web.api.delivery import deliver, follow
from oracle.web.api.docs import documentation
from oracle.web.api.events import EVENTS
from oracle.web.api.hooks import HOOKS
from oracle.web.api.model_keys import MODEL_KEYS
from oracle.web.api.models import MODELS
from oracle.web.api.passports import PASSPORTS
from oracle.web.api.reads import READS
from oracle.web.api.sending import keep_sending
from oracle.web.api.service import Api
from oracle.web.api.verify import VERIFY

PREFIX: Final = "/v1"
_SERVED: Final = (*ASSESS, *READS, *VERIFY, *MODELS, *MODEL_KEYS, *PASSPORTS, *EVENTS, *HOOKS)
OPERATIONS: Final[tuple[Operation, ...]] = (*_SERVED, *documentation(lambda: _SERVED))


def add_api(app: web.Application, api: Api) -> None:
    """Serve the API below /v1."""
    part = web.Application(middlewares=[boundary(api), preflight(api)])
    part.add_routes(
        web.RouteDef(one.method, one.path, answering(api, one), {"allow_head": False} if one.method == "GET" else {})
        for one in OPERATIONS
    )

    async def end_streams(_: web.Application) -> None:
        # They would go on for as long as the server waits for its connections.
        api.feed.close()

    part.on_shutdown.append(end_streams)
    app.add_subapp(PREFIX, part)


def parts_of(api: Api) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what runs beside the routes for as long as the daemon, by name."""
    parts: dict[str, Callable[[], Awaitable[None]]] = {
        "api_events": partial(follow, api),
        "api_webhooks": partial(deliver, api),
    }
    if api.requester is not None:
        parts["api_requests"] = partial(keep_sending, api)
    return parts
