"""Dead letters: why each was given up; operators bring them back or let them be declined, one or all that match."""

from collections.abc import Mapping
from typing import Final

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason
from oracle.store import board_pages, operators, requests
from oracle.web.dashboard import fields
from oracle.web.dashboard.answers import acting, parts_of, render
from oracle.web.dashboard.faults import BadField
from oracle.web.dashboard.forms import form
from oracle.web.dashboard.parts import Parts

_LINES: Final = 50
MOST_AT_ONCE: Final = 500
"""How many requests one confirmed action moves: the rest is told, and takes another."""

_ACTIONS: Final = {"requeue": "bring back to the start", "decline": "decline on the chain, with the fee back"}
_DONE: Final = {"requeue": "start again", "decline": "will be declined"}
_DECLINABLE: Final = {one.name.lower(): one for one in DeclineReason}


async def dead_letters(request: web.Request) -> web.Response:
    """The list."""
    parts, asked = parts_of(request), request.query
    words, before = fields.text_of(asked, "words"), fields.place(asked)
    async with parts.sessions() as session:
        found = await board_pages.dead(session, parts.chain_id, parts.oracle, words, before, _LINES + 1)
        acted = await operators.actions(session, most=10)
    lines, here = found[:_LINES], parts.path("/dead-letters")
    following = None
    if len(found) > _LINES:
        place = f"{lines[-1].requested_at}-{lines[-1].request_id}"
        following = fields.address_of(here, {"words": words}, before=place)
    values = {"lines": lines, "words": words, "following": following, "actions": acted, "done": _done(asked)}
    return render(request, "dead_letters.html", values)


async def confirm(request: web.Request) -> web.Response:
    """Ask whether it is meant: what will be done, to which requests."""
    parts, asked = parts_of(request), request.query
    action, number, words = _action(asked.get("action", "")), _number(asked.get("request", "")), _words(asked)
    async with parts.sessions() as session:
        matching = await _matching(session, parts, number, words, MOST_AT_ONCE + 1)
    values = {
        "action": action,
        "does": _ACTIONS[action],
        "number": number,
        "words": words,
        "matching": matching[:MOST_AT_ONCE],
        "more": len(matching) > MOST_AT_ONCE,
        "most": MOST_AT_ONCE,
        "reasons": list(_DECLINABLE),
    }
    return render(request, "confirm.html", values)


async def act(request: web.Request) -> web.Response:
    """Do what was confirmed, in one transaction with its entry in the log of actions."""
    parts, who, posted = parts_of(request), acting(request), await form(request)
    action, number, words = _action(posted.get("action", "")), _number(posted.get("request", "")), _words(posted)
    if posted.get("confirmed") != "yes":
        raise BadField("confirmed", "tick the box to say that it is meant")
    reason = _reason(posted.get("reason", "")) if action == "decline" else None
    async with parts.sessions.begin() as session:
        matching = await _matching(session, parts, number, words, MOST_AT_ONCE)
        for one in matching:
            key = (session, parts.chain_id, parts.oracle, one)
            if reason is None:
                row = await requests.requeue(*key, by=f"operator {who.name}")
            else:
                row = await requests.give_back_fee(*key, reason, by=f"operator {who.name}")
            what = "" if reason is None else f"reason {reason.name.lower()}"
            await operators.record(session, who.name, action, what or "from the dead letters", row.id)
    log = structlog.get_logger("dashboard")
    log.info("operator_acted", operator=who.name, action=action, requests=len(matching), words=words)
    _wake(parts)
    which = {"request": str(matching[0])} if len(matching) == 1 else {"requests": str(len(matching))}
    raise web.HTTPSeeOther(fields.address_of(parts.path("/dead-letters"), {"words": words}, done=action, **which))


def _done(asked: Mapping[str, str]) -> str:
    """Return what is told of a deed: words of ours and a number, whatever a link to this page says."""
    verb = _DONE.get(asked.get("done", ""))
    if verb is None:
        return ""
    if (one := _number(asked.get("request", ""))) is not None:
        return f"request {one}: {verb}"
    return f"{_number(asked.get('requests', '')) or 0} requests {verb}"


async def _matching(session: AsyncSession, parts: Parts, number: int | None, words: str, most: int) -> list[int]:
    if number is not None:
        return [number]
    found = await board_pages.dead(session, parts.chain_id, parts.oracle, words, None, most)
    # In one order, so that two operators never wait for each other's rows.
    return sorted(int(one.request_id) for one in found)


def _wake(parts: Parts) -> None:
    context = parts.context()
    if context is not None:
        context.wake_all()


def _action(text: str) -> str:
    if text not in _ACTIONS:
        raise BadField("action", f"{text[:40]!r} is none: expected one of {', '.join(_ACTIONS)}")
    return text


def _number(text: str) -> int | None:
    return fields.request_id(text) if text else None


def _words(values: Mapping[str, object]) -> str:
    return fields.text_of(values, "words")


def _reason(text: str) -> DeclineReason:
    if text not in _DECLINABLE:
        raise BadField("reason", f"{text[:40]!r} is none: expected one of {', '.join(_DECLINABLE)}")
    return _DECLINABLE[text]
