"""The page over HTTP: it is rendered whole, changes piece by piece as messages come, and each button is a small form.

GET  /                            the page; `model` and `fill` say which forms, and what stands in them at first
GET  /live                        its changing pieces as server-sent events
POST /keys                        begin a session
POST /send/{party}                a party's answers
POST /run                         evaluate
POST /agree/{opening}/{party}     a party's word to open the decision or the what-ifs; `all` for the three
POST /next, /end                  the next application; the session's end
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from oracle.approval.errors import InvalidAnswer, ModelFault, Refused
from oracle.approval.examples import EXAMPLES
from oracle.approval.fields import PARTIES
from oracle.approval.model import DEFAULT
from oracle.assessment.errors import ConfigurationFault
from oracle.web.approval.live import SHOW, live
from oracle.web.approval.models import shown_models
from oracle.web.approval.questions import UNKNOWN, answers_of, questions
from oracle.web.approval.session import FAULTS, OutOfOrder
from oracle.web.approval.showing import Show
from oracle.web.approval.view import view_of
from oracle.web.approval.words import listed, size
from oracle.web.dashboard.alone import by_a_local_name
from oracle.web.dashboard.answers import TEMPLATES, THEME, check_origin, secure, set_up_templates
from oracle.web.dashboard.faults import PageFault
from oracle.web.dashboard.forms import form
from oracle.web.dashboard.install import static

_FILL: Final = "denied"
_OPENINGS: Final = ("decision", "whatifs")

Act = Callable[[web.Request, Show], Awaitable[list[str]]]


def application(show: Show) -> web.Application:
    """Return the page's application; it answers on this machine alone, and by a name of it."""
    app = web.Application(middlewares=[by_a_local_name, _told])
    app[SHOW] = show
    set_up_templates(app)
    app[TEMPLATES].filters.update(bytes=size, listed=listed)
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/live", live),
            web.get("/static/{file:.+}", static),
            web.post("/keys", _acting(_keys)),
            web.post("/send/{party}", _acting(_send)),
            web.post("/run", _acting(_run)),
            web.post("/agree/{opening}/{party}", _acting(_agree)),
            web.post("/next", _acting(_next)),
            web.post("/end", _acting(_end)),
        ]
    )
    return app


@contextlib.asynccontextmanager
async def serving(program: Path, folder: Path, port: int) -> AsyncIterator[tuple[Show, str]]:
    """Serve the page until the caller leaves; give the show and the page's address.

    `program` is the engine's Python, `folder` the one in which sessions get theirs. Raises ConfigurationFault where
    the port cannot be had.
    """
    async with Show(program, folder) as show:
        runner = web.AppRunner(application(show), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigurationFault(f"--port: cannot listen on 127.0.0.1:{port}: {error.strerror}") from error
        try:
            yield show, f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()


async def _page(request: web.Request) -> web.Response:
    return _rendered(request)


def _rendered(request: web.Request, fault: str = "", status: int = 200) -> web.Response:
    show = request.app[SHOW]
    model, fill = show.model, request.query.get("fill", _FILL)
    if not show.begun and "model" in request.query:
        # By its name alone: what stands in an address opens no file.
        model = next((one.model for one in shown_models() if one.model.name == request.query["model"]), model)
    values: dict[str, Any] = {
        **_everywhere(request),
        "view": view_of(show),
        "model": model,
        "models": shown_models(),
        "fill": fill if fill in EXAMPLES else _FILL,
        "questions": questions(model, EXAMPLES.get(fill, EXAMPLES[_FILL])),
        "unknown": UNKNOWN,
        "fault": fault,
    }
    response = aiohttp_jinja2.render_template("approval.html", request, values, app_key=TEMPLATES)
    response.set_status(status)
    return response


def _everywhere(request: web.Request) -> dict[str, Any]:
    theme = request.cookies.get(THEME, "")
    return {
        "path": str,
        "here": request.path,
        "who": None,
        "read_only": False,
        "theme": theme if theme in ("light", "dark") else "",
    }


@web.middleware
async def _told(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give what goes out its headers, and words to what cannot be shown."""
    try:
        response = await handler(request)
    except web.HTTPException as moved:
        secure(moved)
        raise
    except PageFault as fault:
        response = _refused(request, fault.status, str(fault))
    if not response.prepared:
        secure(response)
    return response


def _refused(request: web.Request, status: int, why: str) -> web.Response:
    if "HX-Request" in request.headers:
        text = Markup('<p class="note bad">{}</p>').format(why)
        return web.Response(text=text, status=status, content_type="text/html")
    return _rendered(request, why, status)


def _acting(act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        check_origin(request)
        try:
            notes = await act(request, request.app[SHOW])
        except (OutOfOrder, Refused) as fault:
            return _refused(request, 409, f"{str(fault)[:1].upper()}{str(fault)[1:]}.")
        except (InvalidAnswer, ModelFault) as fault:
            return _refused(request, 400, str(fault))
        except FAULTS as fault:
            return _refused(request, 409, f"That failed: {fault}")
        if "HX-Request" not in request.headers:
            raise web.HTTPSeeOther("/")
        said = Markup().join(Markup('<p class="note warn">Clipped: {}</p>').format(note) for note in notes)
        return web.Response(text=said, content_type="text/html")

    return answer


async def _keys(request: web.Request, show: Show) -> list[str]:
    named = (await form(request)).get("model", DEFAULT)
    if not any(one.model.name == named for one in shown_models()):
        raise InvalidAnswer(f"model: {named[:40]!r} is none of those that are shipped")
    show.choose(named)
    await show.make_keys()
    return []


async def _send(request: web.Request, show: Show) -> list[str]:
    party = _party(request)
    given = await form(request)
    if not show.begun:
        await show.send(party, {})
    return await show.send(party, answers_of(show.model, party, given))


async def _run(_: web.Request, show: Show) -> list[str]:
    await show.run()
    return []


async def _agree(request: web.Request, show: Show) -> list[str]:
    opening = request.match_info["opening"]
    if opening not in _OPENINGS:
        raise web.HTTPNotFound(text="there is no such opening")
    if request.match_info["party"] != "all":
        await show.agree(_party(request), opening)
        return []
    # Whoever has agreed already has: the others follow, and where none is left it is said.
    waiting = [party for party in PARTIES if not show.agreed(party, opening)]
    for party in waiting or PARTIES:
        await show.agree(party, opening)
    return []


async def _next(_: web.Request, show: Show) -> list[str]:
    await show.next_application()
    return []


async def _end(_: web.Request, show: Show) -> list[str]:
    await show.end_session()
    return []


def _party(request: web.Request) -> str:
    party = request.match_info["party"]
    if party not in PARTIES:
        raise web.HTTPNotFound(text=f"there is no party of that name: {', '.join(PARTIES)}")
    return party
