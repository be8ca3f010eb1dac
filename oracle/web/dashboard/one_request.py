"""One request: where it stands and how it came there, why it has its scores, and every transaction for it."""

from dataclasses import asdict
from typing import Any, Final

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.states import STATES, State
from oracle.pipeline import requests_view
from oracle.store import board_pages, explanations, ledger, operators, requests
from oracle.store.model_tables import ShadowScoreRow
from oracle.store.tables import RequestRow
from oracle.store.texts import to_json
from oracle.web.dashboard import fields, telling
from oracle.web.dashboard.answers import parts_of, render
from oracle.web.dashboard.faults import NotThere
from oracle.web.dashboard.parts import Parts, now

_LONGEST_LOG: Final = 500


async def one_request(request: web.Request) -> web.Response:
    """The page of one request."""
    parts = parts_of(request)
    number = fields.request_id(request.match_info["request_id"])
    async with parts.sessions() as session:
        row = await found(session, parts, number)
        log = await requests.transitions(session, row)
        told = await explanations.get(session, row.id)
        sent = await ledger.transactions_of(session, row.id)
        forms = await board_pages.forms(session, [one.id for one in sent])
        shadows = (await session.scalars(select(ShadowScoreRow).filter_by(request=row.id))).all()
        acted = await operators.actions(session, row.id)
    way = telling.steps(log, now())
    content = {} if told is None or told.content is None else told.content
    return render(
        request,
        "request.html",
        {
            "row": row,
            "number": number,
            "meaning": STATES[State(row.state)].meaning,
            "over": STATES[State(row.state)].stage is None,
            "way": way[-_LONGEST_LOG:],
            "left_out": max(len(way) - _LONGEST_LOG, 0),
            "spent": telling.time_in_states(way),
            "history": telling.history_summary(row.history),
            "features": telling.features(row),
            "told": told,
            "content": content,
            "bars": telling.bars(content),
            "transactions": [(one, forms[one.id]) for one in sent],
            "shadows": shadows,
            "actions": acted,
        },
    )


async def found(session: AsyncSession, parts: Parts, number: int) -> RequestRow:
    """Return a request's row; raises NotThere."""
    row = await board_pages.find(session, parts.chain_id, parts.oracle, number)
    if row is None:
        raise NotThere(f"request {number} of oracle {parts.oracle} on chain {parts.chain_id} is not known here")
    return row


async def raw(request: web.Request) -> web.Response:
    """All that is stored of a request, as JSON; whole numbers that JavaScript would round are strings."""
    parts = parts_of(request)
    number = fields.request_id(request.match_info["request_id"])
    async with parts.sessions() as session:
        row = await found(session, parts, number)
        seen = await requests_view.look_up(session, parts.chain_id, parts.oracle, number)
    stored: dict[str, Any] = {
        **seen,
        **{name: getattr(row, name) for name in ("history", "features", "outputs", "signatures")},
        "request_id": str(number),
        "terms": asdict(requests.to_request(row).terms),
        "fee_wei": str(int(row.fee_wei)),
        "data_commitment": str(int(row.data_commitment)),
        "feature_commitment": None if row.feature_commitment is None else str(int(row.feature_commitment)),
        "transaction_hash": row.transaction_hash,
        "proof": None if row.proof is None else "0x" + row.proof.hex(),
    }
    name = f'inline; filename="request-{number}.json"'
    text = to_json(_exact(stored))
    return web.Response(text=text, content_type="application/json", headers={"Content-Disposition": name})


def _exact(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        return str(value)
    if isinstance(value, dict):
        return {key: _exact(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(entry) for entry in value]
    return value
