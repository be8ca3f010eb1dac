"""A wallet: its assessments over time, as a curve and as a table."""

import json
from typing import Final

from aiohttp import web

from oracle.store import board_pages
from oracle.store.board_pages import Line
from oracle.web.dashboard import fields
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.faults import NotThere

_MOST: Final = 200


async def wallet(request: web.Request) -> web.Response:
    """The page of one wallet."""
    parts = parts_of(request)
    address = fields.wallet(request.match_info, "address")
    async with parts.sessions() as session:
        lines = await board_pages.of_wallet(session, parts.chain_id, parts.oracle, str(address), _MOST)
    if not lines:
        raise NotThere(f"no request is known that is about {address}, or that it asked for")
    scored = [one for one in reversed(lines) if one.scores and one.user == address]
    series = {
        title: [_points(one, name) for one in scored]
        for title, name in (
            ("score", "score_bps"),
            ("default %", "probability_of_default_bps"),
            ("fraud %", "fraud_likelihood_bps"),
        )
    }
    chart = json.dumps({"times": [one.requested_at for one in scored], "series": series, "unit": "of 100"})
    values = {"address": address, "lines": lines, "chart": chart, "scored": len(scored), "most": _MOST}
    return render(request, "wallet.html", values)


def _points(one: Line, name: str) -> float | None:
    value = (one.scores or {}).get(name)
    return None if value is None else value / 100
