"""No query of the API reads a whole table: its plan over a hundred thousand requests says so."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Select, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from oracle.store import database, event_log, request_reads
from oracle.store.embedded import create_database
from oracle.store.tables import TransactionRow, TransitionRow
from tests.store.test_requests import CHAIN, ORACLE
from tests.web.records import fill, wallet

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUESTS, WALLETS = 100_000, 5_000
ONE = wallet(17)
QUERIES: dict[str, Select[Any]] = {
    "a wallet's first page": request_reads.select_wallet(CHAIN, ORACLE, ONE, before=None, limit=21),
    "a wallet's next page": request_reads.select_wallet(CHAIN, ORACLE, ONE, before=50_000, limit=21),
    "an unknown wallet": request_reads.select_wallet(CHAIN, ORACLE, wallet(2**159), before=None, limit=21),
    "a wallet's latest": request_reads.select_latest(CHAIN, ORACLE, ONE),
    "one request": request_reads.select_one(CHAIN, ORACLE, 17),
    "one request's steps": select(TransitionRow).where(TransitionRow.request == 17).order_by(TransitionRow.id),
    "the changes after one": event_log.select_after(499_900, None, 500),
    "the changes between two": event_log.select_after(1_000, 1_050, 500),
    "one request's transaction": select(TransactionRow.mined_hash).where(TransactionRow.request == 17),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def filled(postgres_url: str, template: str) -> AsyncIterator[AsyncConnection]:
    engine = database.connect(create_database(postgres_url, "web_plans", template), pool_size=1)
    async with engine.begin() as connection:
        await fill(connection, REQUESTS, WALLETS)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


async def plan_of(connection: AsyncConnection, query: Select[Any]) -> dict[str, Any]:
    written = str(query.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    found = await connection.exec_driver_sql("explain (analyze, format json) " + written.replace("%", "%%"))
    return dict(found.scalar_one()[0]["Plan"])


@pytest.mark.parametrize("name", QUERIES)
async def test_plan__then_rows_come_by_an_index_and_few_are_looked_at(filled: AsyncConnection, name: str) -> None:
    plan = await plan_of(filled, QUERIES[name])
    for node in nodes(plan):
        assert node["Node Type"] != "Seq Scan" or node["Relation Name"] == "transactions", plan
        looked_at = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        assert looked_at <= 500, plan


async def test_plan__when_the_index_is_not_there__then_the_test_would_notice(filled: AsyncConnection) -> None:
    from oracle.store.tables import RequestRow

    without = select(RequestRow.id).where(RequestRow.history_hash == ONE)
    assert [node["Node Type"] for node in nodes(await plan_of(filled, without))][-1] == "Seq Scan"
