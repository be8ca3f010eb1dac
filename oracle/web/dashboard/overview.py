"""The overview: what is where, how fast, what it costs, and what is wrong; live over server-sent events."""

import asyncio
import json
from typing import Any, Final

from aiohttp import web

from oracle.assessment.states import STATES, State
from oracle.store import database
from oracle.web.dashboard import figures, running
from oracle.web.dashboard.answers import SIGNED_OUT, parts_of, render, render_part, signed_in
from oracle.web.dashboard.board import BOARD, Board, Look
from oracle.web.dashboard.faults import BadField
from oracle.web.dashboard.figures import RANGES
from oracle.web.dashboard.parts import PARTS
from oracle.web.streams import Outlet

_SESSION_CHECK_LOOKS: Final = 15
_HEARTBEAT_SECONDS: Final = 15.0
_WAY: Final = ("requested", "collected", "scored", "proven", "signed", "submitted", "confirmed", "final")
_ASIDE: Final = ("awaiting_proof", "declining", "declined", "settling", "closed", "expired", "vanished", "dead")


def chosen_range(request: web.Request) -> str:
    """Return the name of the range that is asked for; raises BadField."""
    name = request.query.get("range", "1h")
    if name not in RANGES:
        raise BadField("range", f"{name!r} is none: expected one of {', '.join(RANGES)}")
    return name


async def overview(request: web.Request) -> web.Response:
    """The page, with the newest look in it."""
    name, board = chosen_range(request), request.app[BOARD]
    await board.newest(name)
    return render(
        request, "overview.html", {"ranges": RANGES.values(), "range": name, "live": _live(request.app, board, name)}
    )


async def live(request: web.Request) -> web.StreamResponse:
    """The stream of looks: each is sent rendered, the same piece for all viewers."""
    name, board = chosen_range(request), request.app[BOARD]
    outlet = Outlet(request, _HEARTBEAT_SECONDS)
    try:
        await outlet.begin()
        await _looks(request, outlet, board, name)
    except (ConnectionError, *database.LOST):
        pass  # gone, too slow, or without a database: the page begins its stream anew, and is told then
    await outlet.end()
    return outlet.response


async def _looks(request: web.Request, outlet: Outlet, board: Board, name: str) -> None:
    seen, looks = 0, board.looks(name)
    while True:
        try:
            async with asyncio.timeout(_HEARTBEAT_SECONDS):
                await anext(looks)
        except TimeoutError:
            looks = board.looks(name)
            await outlet.write(": still here\n\n")
            continue
        seen += 1
        if not parts_of(request).read_only and seen % _SESSION_CHECK_LOOKS == 0 and await signed_in(request) is None:
            await outlet.write(SIGNED_OUT.decode())
            return
        if board.look is not None and name in board.look.steps:
            await outlet.write(_event("look", _live(request.app, board, name)))


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n"


def _live(app: web.Application, board: Board, name: str) -> str:
    return board.kept(name, lambda: render_part(app, "overview_live.html", _values(app, board, name)))


def _values(app: web.Application, board: Board, name: str) -> dict[str, Any]:
    look, parts = board.look, app[PARTS]
    if look is None:
        raise RuntimeError("nothing was looked at yet")
    counts, steps = figures.by_state(look.states), look.steps[name]
    happened = figures.happened(steps)
    ended = {state: happened[state] for state in (figures.ANSWERED, "declining", "dead", "expired", "closed")}
    spent = sum(one.wei for one in look.gas)
    week = sum(one.week_wei for one in look.gas)
    curves = figures.curves(steps, RANGES[name], int(look.at.timestamp()))
    return {
        "look": look,
        "stale": board.fault,
        "range": RANGES[name],
        "way": [_box(state, counts, look) for state in _WAY],
        "aside": [_box(state, counts, look) for state in _ASIDE],
        "total": sum(counts.values()),
        "dead": counts[State.DEAD.value],
        "waiting": sum(counts[state.value] for state, row in STATES.items() if row.stage is not None),
        "latencies": figures.latencies(steps),
        "happened": happened,
        "ended": ended,
        "ended_total": sum(ended.values()),
        "reasons": figures.declined_by_reason(look.states),
        "fees_wei": figures.fees_earned_wei(look.states),
        "spent_wei": spent,
        "gas": look.gas,
        "rates_chart": _chart(curves["times"], curves["rates"], "a minute"),
        "latency_chart": _chart(
            curves["times"],
            {f"p{round(share * 100)}": [row[i] for row in curves["latency"]] for i, share in enumerate(figures.SHARES)},
            "s",
        ),
        "alerts": running.alerts(parts),
        "health_parts": running.health_parts(parts),
        "endpoints": running.endpoints(parts),
        "signer": running.signer(parts, week),
        "models": running.models(parts),
        "head": running.head(parts),
        "daemon": parts.health is not None,
    }


def _box(state: str, counts: dict[str, int], look: Look) -> dict[str, Any]:
    oldest = look.oldest.get(State(state))
    row = STATES[State(state)]
    return {
        "state": state,
        "count": counts[state],
        "stage": row.stage,
        "meaning": row.meaning,
        "oldest": None if oldest is None else oldest[0],
        "since": None if oldest is None else oldest[1],
    }


def _chart(times: list[int], series: dict[str, list[Any]], unit: str) -> str:
    return json.dumps({"times": times, "series": series, "unit": unit})
