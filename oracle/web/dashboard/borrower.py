"""The borrower's page: what was decided, why, what would change it; nothing that the chain does not show already."""

from typing import Any

from aiohttp import web

from oracle.assessment.outputs import Category
from oracle.assessment.states import STATES, State
from oracle.store import explanations
from oracle.web.dashboard import fields
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.faults import NotThere
from oracle.web.dashboard.one_request import found
from oracle.web.dashboard.telling import bars

_DECLINED = {
    1: "The oracle could not read all of this wallet's history, so it did not guess. The fee went back.",
    2: "The loan is in a token that the oracle cannot value. The fee went back.",
    3: "The request pointed to private data that was never handed over. The fee went back.",
    4: "The model does not apply to this loan. The fee went back.",
    5: "The operator does not assess this wallet. The fee went back.",
}
_NOW = {
    State.AWAITING_PROOF: "This request points to private data. Hand them over, sealed, or prove with them yourself, "
    "before its time is over: otherwise it is declined and the fee goes back.",
    State.DECLINING: "The oracle is about to decline this request and give the fee back.",
    State.SETTLING: "The contract says that this request is over; the oracle waits until that is sure.",
    State.CLOSED: "This request was settled without this oracle's answer.",
    State.EXPIRED: "The time for an answer passed. The fee can be taken back from the contract.",
    State.VANISHED: "The chain took the block of this request back. Once it is in a block again, it is assessed.",
    State.DEAD: "Something stands in the way of this assessment, and the operator was told.",
}
_PUBLIC = frozenset({State.CONFIRMED, State.FINAL})


async def borrower(request: web.Request) -> web.Response:
    """The page of one request, for whoever it is about."""
    parts = parts_of(request)
    if not parts.settings.borrower_page:
        raise NotThere("this operator shows no such pages: the answer itself is on the chain")
    number = fields.request_id(request.match_info["request_id"])
    async with parts.sessions() as session:
        row = await found(session, parts, number)
        told = await explanations.get(session, row.id)
    state = State(row.state)
    # Before the answer is mined, the chain shows the question alone.
    answered = state in _PUBLIC and row.decline_reason is None
    content: dict[str, Any] = told.content if answered and told is not None and told.content is not None else {}
    declined = state in (State.DECLINED, *_PUBLIC) and row.decline_reason is not None
    values = {
        "row": row,
        "number": number,
        "answered": answered,
        "scores": row.scores if answered else None,
        "category": Category(row.scores["category"]).name.lower() if answered and row.scores else None,
        "declined": _DECLINED.get(row.decline_reason or 0, "It was declined. The fee went back.") if declined else "",
        "said": _NOW.get(state, f"Under way: {STATES[state].meaning}." if STATES[state].stage else ""),
        "thin": answered and told is not None and told.thin,
        "bars": bars(content),
        "recourse_withheld": content.get("recourse_withheld", False),
        "recourse": content.get("recourse") or [],
        "explained": bool(content),
    }
    return render(request, "borrower.html", values)
