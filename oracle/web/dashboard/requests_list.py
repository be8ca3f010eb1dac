"""The list of requests: narrowed down, paged by time and id, and searched by address, id or hash."""

from typing import Final

from aiohttp import web

from oracle.assessment.errors import DeclineReason
from oracle.assessment.states import State
from oracle.store import board_pages
from oracle.web.dashboard import fields
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.faults import BadField

LINES: Final = 50
_FIELDS: Final = ("state", "reason", "wallet", "lender", "model", "score_from", "score_to", "since", "until")


async def requests_list(request: web.Request) -> web.Response:
    """A page of requests, the newest first."""
    parts, asked = parts_of(request), request.query
    by, before = fields.requests_filter(asked), fields.place(asked)
    async with parts.sessions() as session:
        # One more than is shown: so it is known whether a page follows.
        found = await board_pages.lines(session, parts.chain_id, parts.oracle, by, before, LINES + 1)
    lines = found[:LINES]
    here, given = parts.path("/requests"), {name: asked.get(name, "") for name in _FIELDS}
    following = None
    if len(found) > LINES:
        last = lines[-1]
        following = fields.address_of(here, given, before=f"{last.requested_at}-{last.request_id}")
    return render(
        request,
        "requests.html",
        {
            "lines": lines,
            "asked": given,
            "following": following,
            "first": None if before is None else fields.address_of(here, given),
            "narrowed": fields.narrowed(by),
            "states": [state.value for state in State],
            "reasons": [one.name.lower() for one in DeclineReason],
        },
    )


async def search(request: web.Request) -> web.Response:
    """Go to what an id, an address or a hash stands for."""
    parts, text = parts_of(request), fields.text_of(request.query, "q").lower()
    if not text:
        raise web.HTTPSeeOther(parts.path("/requests"))
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit():
        raise web.HTTPSeeOther(parts.path(f"/requests/{fields.request_id(number)}"))
    if len(text) == 42 and text.startswith("0x"):
        raise web.HTTPSeeOther(parts.path(f"/wallets/{fields.wallet({'q': text}, 'q')}"))
    if not fields.is_hash(text):
        raise BadField(
            "q", f"{text!r} is neither a request's id, nor an address (0x and 40 hex digits), nor a hash (0x and 64)"
        )
    async with parts.sessions() as session:
        found = await board_pages.by_hash(session, parts.chain_id, parts.oracle, text)
    if len(found) == 1:
        raise web.HTTPSeeOther(parts.path(f"/requests/{found[0]}"))
    status = 200 if found else 404
    return render(request, "search.html", {"text": text, "found": found}, status=status)
