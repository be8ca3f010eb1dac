"""An operator at the dashboard of a running daemon: a transaction that waits is sent anew, and another is cancelled."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import async_sessionmaker
from yarl import URL

from oracle.assessment.states import State
from oracle.config.dashboard import Role
from oracle.devnet.stack import Stack
from oracle.store import database, operators
from oracle.store.tables import BroadcastRow
from oracle.web.dashboard.answers import SESSION
from tests.daemon.watching import ask, requests, transactions, until, until_state

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Browser:
    """An operator's, at the daemon's dashboard."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session, self.address = session, address

    async def order(self, action: str, transaction: int) -> str:
        """Go through the page that asks whether it is meant; return the page after it."""
        where = f"{self.address}/transactions/confirm?action={action}&transaction={transaction}"
        async with self.session.get(where) as page:
            found = re.search(r'action="[^"]*/transactions/act".*?name="csrf" value="([^"]+)"', await page.text(), re.S)
        assert found is not None
        fields = {"csrf": found[1], "action": action, "transaction": str(transaction), "confirmed": "yes"}
        async with self.session.post(f"{self.address}/transactions/act", data=fields) as page:
            assert page.status == 200, await page.text()
            return await page.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(stack: Stack) -> AsyncIterator[Browser]:
    await stack.start_daemon()
    address = f"http://127.0.0.1:{stack.settings.web.port}"
    engine = database.connect(stack.database_url, pool_size=1)
    async with async_sessionmaker(engine).begin() as session:
        await operators.add(session, "ada", Role.OPERATOR, "no password fits")
        row = await operators.find(session, "ada")
        assert row is not None
        token = await operators.sign_in(session, row.id, timedelta(hours=1))
    await engine.dispose()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        browser.cookie_jar.update_cookies({SESSION: token}, URL(address))
        yield Browser(browser, address)


async def sent(stack: Stack, transaction: int) -> list[BroadcastRow]:
    """Return the forms of a transaction, oldest first."""
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            query: Any = BroadcastRow.__table__.select().where(BroadcastRow.transaction == transaction)
            found = (await session.execute(query.order_by(BroadcastRow.max_fee_wei))).all()
    finally:
        await engine.dispose()
    return list(found)


async def came(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(90):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def known(stack: Stack, form: BroadcastRow) -> None:
    """Wait until the node has a form."""

    async def has() -> bool:
        return await stack.chain.rpc("eth_getTransactionByHash", form.hash) is not None

    await came(has)


async def two_forms(stack: Stack, transaction: int) -> list[BroadcastRow]:
    """Wait until a transaction was signed anew; return its forms, the dearer one last."""

    async def signed() -> bool:
        return len(await sent(stack, transaction)) >= 2

    await came(signed)
    return await sent(stack, transaction)


async def test_bump__at_the_dashboard__replaces_what_waits_and_the_dearer_form_is_mined(
    stack: Stack, ada: Browser
) -> None:
    await stack.chain.rpc("evm_setAutomine", False)
    asking = asyncio.create_task(ask(stack, "bumped"))
    await mine_until(stack, asking)
    number = asking.result().request_id
    await until_state(stack, number, State.SUBMITTED)
    (row,) = await transactions(stack)
    await known(stack, (await sent(stack, row.id))[0])
    assert "Asked for" in await ada.order("bump", row.id)
    forms = await two_forms(stack, row.id)
    await known(stack, forms[1])
    await stack.chain.rpc("evm_setAutomine", True)
    await stack.chain.mine()
    await until_state(stack, number, State.FINAL)
    (row,) = await transactions(stack)
    assert row.mined_hash == forms[1].hash


async def test_cancel__at_the_dashboard__spends_the_nonce_and_its_request_waits_for_a_decision(
    stack: Stack, ada: Browser
) -> None:
    await stack.chain.rpc("evm_setAutomine", False)
    asking = asyncio.create_task(ask(stack, "cancelled"))
    await mine_until(stack, asking)
    number = asking.result().request_id
    await until_state(stack, number, State.SUBMITTED)
    row = (await transactions(stack))[-1]
    assert "Cancelled" in await ada.order("cancel", row.id)
    assert (await requests(stack))[number].state == State.DEAD
    forms = await two_forms(stack, row.id)
    empty = next(form for form in forms if form.kind == "empty")
    await known(stack, empty)
    await stack.chain.rpc("evm_setAutomine", True)
    await stack.chain.mine()

    async def spent() -> bool:
        return (await transactions(stack))[-1].mined_hash == empty.hash

    await came(spent)
    await until(stack, lambda found: found[number].state == State.DEAD)
    assert (await requests(stack))[number].fault == (
        "its transaction was cancelled by operator ada: bring it back, or decline it"
    )


async def mine_until(stack: Stack, task: "asyncio.Task[Any]") -> None:
    """Mine blocks until a task that sends transactions is done."""
    async with asyncio.timeout(60):
        while not task.done():
            await stack.chain.mine()
            await asyncio.sleep(0.05)
