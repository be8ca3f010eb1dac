"""Signing in and out: throttled, by name and by address; the token is in a cookie that no script reads."""

import secrets
from datetime import timedelta
from typing import Final

import structlog
from aiohttp import web

from oracle.store import operators
from oracle.store.texts import brief
from oracle.web.dashboard import passwords
from oracle.web.dashboard.answers import SESSION, acting, check_token, parts_of, render, signed_in
from oracle.web.dashboard.formats import duration
from oracle.web.dashboard.forms import form
from oracle.web.dashboard.forms import token as token_in
from oracle.web.dashboard.parts import Parts

_FORM: Final = "risk_oracle_form"
_LONGEST_NAME: Final = 64
_REFUSED: Final = "That name and password do not belong together."


async def show(request: web.Request) -> web.Response:
    """The form."""
    if await signed_in(request) is not None:
        raise web.HTTPSeeOther(_next(parts_of(request), request.query.get("next", "")))
    return await _form(request, request.query.get("next", ""))


async def _form(
    request: web.Request, following: str, *, name: str = "", fault: str = "", status: int = 200
) -> web.Response:
    parts = parts_of(request)
    async with parts.sessions() as session:
        anybody = await operators.exist(session)
    # Without it, another site could sign a victim in as somebody else.
    token = token_in(request.cookies.get(_FORM)) or secrets.token_urlsafe(24)
    values = {"form_token": token, "next": following, "name": name, "fault": fault, "anybody": anybody}
    response = render(request, "sign_in.html", values, status=status)
    _set(response, parts, _FORM, token, samesite="Strict")
    return response


async def sign_in(request: web.Request) -> web.Response:
    """Check name and password, and begin a session."""
    parts, posted = parts_of(request), await form(request)
    await check_token(request, token_in(request.cookies.get(_FORM)) or secrets.token_urlsafe(8))
    name = posted.get("name", "")[:_LONGEST_NAME].strip().lower()
    password, following = posted.get("password", ""), posted.get("next", "")
    log = structlog.get_logger("dashboard").bind(operator=name, address=request.remote)
    keys = (f"name:{name}", f"address:{request.remote}")
    # From the first look on: of tries that come at once, not all may be made before the first one counts.
    async with parts.checking:
        async with parts.sessions() as session:
            pause = await operators.pause_before(session, *keys)
            row = await operators.find(session, name)
        right = pause <= timedelta() and await passwords.fits(None if row is None else row.password_hash, password)
        if pause <= timedelta() and (row is None or not right):
            async with parts.sessions.begin() as session:
                await operators.note_failure(session, *keys)
    if pause > timedelta():
        log.warning("sign_in_throttled")
        said = f"Too many failed tries: wait {duration(max(pause.total_seconds(), 1))}, then try again."
        return await _form(request, following, name=name, fault=said, status=429)
    if row is None or not right:
        log.warning("sign_in_refused")
        return await _form(request, following, name=name, fault=_REFUSED, status=403)
    lasts = timedelta(hours=parts.settings.session_hours)
    async with parts.sessions.begin() as session:
        await operators.forget_failures(session, *keys)
        token = await operators.sign_in(session, row.id, lasts)
        await operators.record(session, row.name, "sign_in", brief(f"from {request.remote}"))
    log.info("operator_signed_in")
    answer = web.HTTPSeeOther(_next(parts, following))
    _set(answer, parts, SESSION, token, samesite="Lax", max_age=int(lasts.total_seconds()))
    raise answer


async def sign_out(request: web.Request) -> web.Response:
    """End this session, or with `everywhere` all of the account's."""
    parts, who = parts_of(request), acting(request)
    everywhere = "everywhere" in await form(request)
    async with parts.sessions.begin() as session:
        if everywhere:
            await operators.sign_out_everywhere(session, who.operator)
        else:
            await operators.sign_out(session, token_in(request.cookies.get(SESSION)) or "")
        await operators.record(session, who.name, "sign_out", "everywhere" if everywhere else "here")
    answer = web.HTTPSeeOther(parts.path("/sign-in"))
    answer.del_cookie(SESSION, path=parts.path("/"))
    raise answer


def _set(
    response: web.StreamResponse, parts: Parts, name: str, value: str, *, samesite: str, max_age: int | None = None
) -> None:
    response.set_cookie(
        name,
        value,
        path=parts.path("/"),
        httponly=True,
        secure=parts.settings.https,
        samesite=samesite,
        max_age=max_age,
    )


def _next(parts: Parts, wanted: str) -> str:
    """Return where to go after signing in: only ever to a page of ours."""
    inside = wanted.startswith(parts.path("/")) and not wanted.startswith("//") and "\\" not in wanted
    return wanted if inside and wanted.isprintable() else parts.path("/")
