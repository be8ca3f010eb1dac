"""Orders for transactions that wait: by operators alone, confirmed, from our own pages, each in the log of actions."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from oracle.store.operator_tables import OperatorActionRow
from oracle.store.tables import RequestRow, TransactionRow
from tests.support.board import SENDER, Serving
from tests.support.browsing import Client


@pytest.fixture
async def waits(board: Serving) -> int:
    """The row of request 17's transaction, which is not mined; a daemon of its key serves."""
    context = SimpleNamespace(signer=SimpleNamespace(address=SENDER), wake_all=lambda: None)
    board.parts.context = lambda: cast(Any, context)
    return int((await transaction(board, 17)).id)


async def transaction(board: Serving, number: int) -> TransactionRow:
    async with board.parts.sessions() as session:
        query = select(TransactionRow).join(RequestRow, RequestRow.id == TransactionRow.request)
        return (await session.scalars(query.where(RequestRow.request_id == number))).one()


async def state_of(board: Serving, number: int) -> str:
    async with board.parts.sessions() as session:
        return str(await session.scalar(select(RequestRow.state).where(RequestRow.request_id == number)))


async def acted(board: Serving) -> list[tuple[str, str, str]]:
    async with board.parts.sessions() as session:
        rows = await session.scalars(select(OperatorActionRow).where(OperatorActionRow.action.in_(("bump", "cancel"))))
        return [(row.operator, row.action, row.detail) for row in rows]


def fields(action: str, number: int, csrf: str, **more: str) -> dict[str, str]:
    return {"action": action, "transaction": str(number), "confirmed": "yes", "csrf": csrf, **more}


async def test_bump__confirmed__is_left_to_the_daemon_with_who_asked(board: Serving, ada: Client, waits: int) -> None:
    page = await ada.get("/transactions?show=waiting")
    assert f"action=bump&amp;transaction={waits}" in page.text
    csrf = await ada.token(f"/transactions/confirm?action=bump&transaction={waits}")
    page = await ada.post("/transactions/act", fields("bump", waits, csrf))
    assert (page.status, "Asked for" in page.words) == (200, True)
    assert "ada asked for higher fees" in page.words
    found = await transaction(board, 17)
    assert found.bump_by == "ada"
    assert await acted(board) == [("ada", "bump", f"nonce {found.nonce}")]
    assert await state_of(board, 17) == "submitted"


async def test_cancel__confirmed__makes_its_request_a_dead_letter(board: Serving, ada: Client, waits: int) -> None:
    csrf = await ada.token(f"/transactions/confirm?action=cancel&transaction={waits}")
    page = await ada.post("/transactions/act", fields("cancel", waits, csrf))
    assert (page.status, "Cancelled" in page.words) == (200, True)
    assert await state_of(board, 17) == "dead"
    assert "its transaction was cancelled by operator ada" in (await ada.get("/dead-letters")).words
    assert [(operator, action) for operator, action, _ in await acted(board)] == [("ada", "cancel")]
    again = await ada.post("/transactions/act", fields("cancel", waits, csrf))
    assert again.status == 400
    assert len(await acted(board)) == 1


async def test_order__of_a_viewer__is_refused_and_not_offered(board: Serving, vera: Client, waits: int) -> None:
    assert "action=bump" not in (await vera.get("/transactions?show=waiting")).text
    assert (await vera.get(f"/transactions/confirm?action=bump&transaction={waits}")).status == 403
    csrf = await vera.token("/settings")
    for action in ("bump", "cancel"):
        assert (await vera.post("/transactions/act", fields(action, waits, csrf))).status == 403
    assert (await acted(board), (await transaction(board, 17)).bump_by) == ([], None)


async def test_order__from_another_site_or_unconfirmed__does_nothing(board: Serving, ada: Client, waits: int) -> None:
    csrf = await ada.token("/settings")
    for wrong in ({"csrf": "x"}, {"csrf": ""}, {"confirmed": ""}):
        page = await ada.post("/transactions/act", fields("cancel", waits, csrf) | wrong)
        assert page.status in (400, 403)
    page = await ada.post("/transactions/act", fields("cancel", waits, csrf), Origin="https://evil.test")
    assert page.status == 403
    assert (await acted(board), await state_of(board, 17)) == ([], "submitted")


@pytest.mark.parametrize("number", ["", "0", "-1", "x", "9" * 18, "9" * 500, "\u0663", "1 or 1=1"])
async def test_order__of_no_transaction__names_the_field(ada: Client, waits: int, number: str) -> None:
    csrf = await ada.token("/settings")
    page = await ada.post("/transactions/act", fields("bump", 0, csrf) | {"transaction": number})
    assert (page.status, "transaction:" in page.words) == (400, True)


async def test_order__of_a_mined_one_or_another_keys__is_refused(board: Serving, ada: Client, waits: int) -> None:
    csrf = await ada.token("/settings")
    mined = await transaction(board, 2)
    assert "waits no more" in (await ada.post("/transactions/act", fields("bump", int(mined.id), csrf))).words
    context = SimpleNamespace(signer=SimpleNamespace(address="0x" + "77" * 20), wake_all=lambda: None)
    board.parts.context = lambda: cast(Any, context)
    assert "action=bump" not in (await ada.get("/transactions?show=waiting")).text
    assert "none of this daemon's key" in (await ada.post("/transactions/act", fields("bump", waits, csrf))).words
    board.parts.context = lambda: None
    assert "does not serve yet" in (await ada.post("/transactions/act", fields("bump", waits, csrf))).words
    assert await acted(board) == []
