"""The chain's side: transactions with their nonces and forms, endpoints, settings, and the lenders that ask."""

from typing import Any, Final

from aiohttp import web

from oracle.store import board_pages, operators, tallies
from oracle.web.dashboard import fields, running, transaction_orders
from oracle.web.dashboard.answers import parts_of, render

_LINES: Final = 50


async def transactions(request: web.Request) -> web.Response:
    """Every nonce, what it is spent on, and all its signed forms."""
    parts, asked = parts_of(request), request.query
    waiting = fields.text_of(asked, "show") == "waiting"
    before = fields.row_place(asked)
    async with parts.sessions() as session:
        found = await board_pages.transactions(session, parts.chain_id, before, _LINES + 1, waiting=waiting)
        rows = found[:_LINES]
        forms = await board_pages.forms(session, [row.id for row in rows])
        spent = await tallies.gas(session, parts.chain_id)
    more = None
    if len(found) > _LINES:
        shown = {"show": "waiting"} if waiting else {}
        more = fields.address_of(parts.path("/transactions"), shown, before=str(rows[-1].id))
    values = {"rows": [(row, forms[row.id]) for row in rows], "waiting": waiting, "following": more, "spent": spent}
    values["done"] = transaction_orders.DONE.get(asked.get("done", ""), "")
    values["signer"] = running.signer_address(parts)
    return render(request, "transactions.html", values)


async def endpoints(request: web.Request) -> web.Response:
    """Every endpoint, and every part of the daemon."""
    parts = parts_of(request)
    values = {
        "endpoints": running.endpoints(parts),
        "health_parts": running.health_parts(parts),
        "alerts": running.alerts(parts),
        "head": running.head(parts),
        "daemon": parts.health is not None,
    }
    return render(request, "endpoints.html", values)


async def settings(request: web.Request) -> web.Response:
    """The settings in force, secrets left out; the accounts; what operators did."""
    parts = parts_of(request)
    async with parts.sessions() as session:
        accounts = await operators.all_of_them(session)
        acted = await operators.actions(session, most=50)
    values = {"shown": list(_lines(parts.settings_shown)), "accounts": accounts, "actions": acted}
    return render(request, "settings.html", values)


def _lines(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            lines += _lines(value, f"{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, entry in enumerate(value):
                lines += _lines(entry, f"{key}[{place}].")
        else:
            lines.append((key, "not set" if value is None else str(value)))
    return lines
