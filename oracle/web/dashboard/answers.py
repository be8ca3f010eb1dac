"""How a page is answered: who may see it, what it is rendered with, and what is said when it cannot be shown."""

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import quote, urlsplit

import aiohttp_jinja2
import jinja2
import structlog
from aiohttp import web

from oracle.assessment.errors import InvalidRequest, OracleError
from oracle.store import database, operators
from oracle.store.operators import SignedIn
from oracle.web.dashboard import formats
from oracle.web.dashboard.faults import BadForm, NotAllowed, PageFault
from oracle.web.dashboard.forms import form, token
from oracle.web.dashboard.parts import PARTS, Parts, now

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SIGNED_OUT: Final = b"event: signedout\ndata: -\n\n"
"""What the stream of a page says to a viewer who is signed in no more."""

SESSION: Final = "risk_oracle_session"
THEME: Final = "risk_oracle_theme"
WHO: web.RequestKey[SignedIn] = web.RequestKey("who", SignedIn)
TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("dashboard_templates", jinja2.Environment)
_RETRY_SECONDS: Final = 5
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def set_up_templates(app: web.Application) -> None:
    """Load the templates; every value in them is escaped."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("oracle.web", "templates"),
        app_key=TEMPLATES,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters=formats.FILTERS,
        finalize=_showable,
    )
    app[TEMPLATES].globals.update(ago=formats.ago, asset_version=secrets.token_hex(4))


def _showable(value: Any) -> Any:
    # No browser shows a NUL, and some end a text there.
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def page(handler: Handler, *, public: bool = False, acts: bool = False) -> Handler:
    """Make a handler a page: `public` needs no sign-in, `acts` an operator's; what it raises becomes a page too."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            response = await _admit(request, handler, public, acts)
        except web.HTTPException as moved:
            secure(moved)
            raise
        except PageFault as fault:
            response = fault_page(request, fault.status, fault.title, str(fault))
            if isinstance(fault, BadForm):
                response.force_close()
        except InvalidRequest as fault:
            response = fault_page(request, 400, "That cannot be asked", str(fault))
        except database.DatabaseBusy:
            response = fault_page(
                request, 503, "Too much for one page", "The database gave up: narrow the question down, then try again."
            )
        except database.LOST as lost:
            # Its text may name hosts and users: for the log, not for whoever asks.
            structlog.get_logger("dashboard").warning("page_without_database", error=str(lost))
            response = fault_page(
                request, 503, "The database does not answer", "Nothing is lost. This page tries again by itself."
            )
        if not response.prepared:
            secure(response)
        return response

    return answer


def secure(response: web.StreamResponse | web.HTTPException) -> None:
    """Give an answer the headers of each page: nothing but our own scripts and styles, in no frame, never kept."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


async def _admit(request: web.Request, handler: Handler, public: bool, acts: bool) -> web.StreamResponse:
    parts = request.app[PARTS]
    if request.method == "POST":
        check_origin(request)
    if not public and not parts.read_only:
        who = await signed_in(request)
        if who is None and "text/event-stream" in request.headers.get("Accept", ""):
            # A page that is open follows no redirection of its stream: it is told.
            return web.Response(body=SIGNED_OUT, content_type="text/event-stream")
        if who is None:
            here = request.path_qs if request.method == "GET" else parts.path("/")
            raise web.HTTPSeeOther(parts.path(f"/sign-in?next={quote(here, safe='')}"))
        if acts and not who.acts:
            raise NotAllowed(f"{who.name} is a viewer: ask an operator to do that")
        if request.method == "POST":
            await check_token(request, who.csrf)
    elif acts:
        raise NotAllowed("this dashboard only reads: actions are where the daemon's own dashboard is")
    return await handler(request)


async def signed_in(request: web.Request) -> SignedIn | None:
    """Return who asks, None for somebody who is not signed in."""
    if (given := token(request.cookies.get(SESSION))) is None:
        return None
    async with request.app[PARTS].sessions() as session:
        who = await operators.signed_in(session, given)
    if who is not None:
        request[WHO] = who
    return who


def check_origin(request: web.Request) -> None:
    """Raise NotAllowed for a form that another site sent."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed("the form was sent from another site")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise NotAllowed("the form was sent from another site")


async def check_token(request: web.Request, expected: str) -> None:
    """Raise NotAllowed unless a form carries the token of the session that it was made for."""
    given = token((await form(request)).get("csrf"))
    if given is None or not secrets.compare_digest(given, expected):
        raise NotAllowed("the form is not one of this session: load the page again and repeat what you did")


def render(request: web.Request, name: str, values: dict[str, Any], *, status: int = 200) -> web.Response:
    """Return a page of a template."""
    parts = request.app[PARTS]
    theme = request.cookies.get(THEME, "")
    everywhere = {
        "path": parts.path,
        "here": request.path.removeprefix(parts.settings.path_prefix),
        "who": request.get(WHO),
        "read_only": parts.read_only,
        "theme": theme if theme in ("light", "dark") else "",
        "now": now(),
        "chain_id": parts.chain_id,
        "oracle": parts.oracle,
    }
    response = aiohttp_jinja2.render_template(name, request, {**everywhere, **values}, app_key=TEMPLATES)
    response.set_status(status)
    return response


def render_part(app: web.Application, name: str, values: dict[str, Any]) -> str:
    """Return a piece of a page that is the same for everybody."""
    parts = app[PARTS]
    return app[TEMPLATES].get_template(name).render(path=parts.path, read_only=parts.read_only, now=now(), **values)


def fault_page(request: web.Request, status: int, title: str, text: str) -> web.Response:
    """Return a page that says what went wrong."""
    response = render(request, "fault.html", {"status": status, "title": title, "text": text}, status=status)
    if status == 503:
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
        response.headers["Refresh"] = str(_RETRY_SECONDS)
    return response


def acting(request: web.Request) -> SignedIn:
    """Return who acts; only for pages that demand it."""
    who: SignedIn | None = request.get(WHO)
    if who is None:
        raise OracleError("nobody is signed in")
    return who


def parts_of(request: web.Request) -> Parts:
    """Return what the pages work with."""
    return request.app[PARTS]
