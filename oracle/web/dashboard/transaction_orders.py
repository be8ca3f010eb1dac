"""Transactions that wait: operators ask the daemon to raise their fees, or to cancel them; it carries that out."""

from typing import Final

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.store import ledger, operators, requests
from oracle.store.tables import TransactionRow
from oracle.web.dashboard import fields, running
from oracle.web.dashboard.answers import acting, parts_of, render
from oracle.web.dashboard.faults import BadField
from oracle.web.dashboard.forms import form
from oracle.web.dashboard.parts import Parts

_TITLES: Final = {"bump": "Raise the fees", "cancel": "Cancel"}
DONE: Final = {
    "bump": "Asked for: the daemon replaces the transaction within seconds, unless its fees are at the limit already.",
    "cancel": "Cancelled: its request is a dead letter now, and the nonce is taken back within seconds.",
}
"""What is said after an action."""


async def confirm(request: web.Request) -> web.Response:
    """Ask whether it is meant."""
    parts, asked = parts_of(request), request.query
    action, number = _action(asked.get("action", "")), _number(asked.get("transaction", ""))
    async with parts.sessions() as session:
        transaction = await _ours(session, parts, number)
        sent = await ledger.broadcasts(session, transaction)
    values = {"action": action, "title": _TITLES[action], "row": transaction, "newest": sent[0] if sent else None}
    return render(request, "order.html", values)


async def act(request: web.Request) -> web.Response:
    """Write down what was confirmed, in one transaction with its entry in the log of actions."""
    parts, who, posted = parts_of(request), acting(request), await form(request)
    action, number = _action(posted.get("action", "")), _number(posted.get("transaction", ""))
    if posted.get("confirmed") != "yes":
        raise BadField("confirmed", "tick the box to say that it is meant")
    async with parts.sessions.begin() as session:
        if action == "bump":
            await _ours(session, parts, number)
            transaction = await ledger.order_bump(session, number, who.name)
        else:
            transaction = await _ours(session, parts, number)
            if transaction.request is None:
                raise BadField("transaction", f"nonce {transaction.nonce} is spent on nothing: it only closes a gap")
            await requests.set_aside(session, transaction.request, f"operator {who.name}")
        await operators.record(session, who.name, action, f"nonce {transaction.nonce}", transaction.request)
    structlog.get_logger("dashboard").info(
        "operator_acted", operator=who.name, action=action, nonce=transaction.nonce, transaction=number
    )
    if (context := parts.context()) is not None:
        context.wake_all()
    raise web.HTTPSeeOther(fields.address_of(parts.path("/transactions"), {"show": "waiting"}, done=action))


async def _ours(session: AsyncSession, parts: Parts, number: int) -> TransactionRow:
    """Return a transaction that waits and that the running daemon can sign anew."""
    signer = running.signer_address(parts)
    if signer is None:
        raise BadField("transaction", "the daemon does not serve yet: it is what replaces a transaction")
    transaction = await session.get(TransactionRow, number)
    if transaction is None or (transaction.chain_id, transaction.sender) != (parts.chain_id, signer):
        raise BadField("transaction", f"{number} is none of this daemon's key")
    if transaction.mined_block is not None or transaction.passed_block is not None:
        raise BadField("transaction", f"nonce {transaction.nonce} is spent: it waits no more")
    return transaction


def _action(text: str) -> str:
    if text not in _TITLES:
        raise BadField("action", f"{text[:40]!r} is none: expected one of {', '.join(_TITLES)}")
    return text


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise BadField("transaction", f"{text[:40]!r} is none: use the buttons beside a transaction that waits")
    return int(text)
