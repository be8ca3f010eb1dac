"""The Grafana files: every query over Postgres run on a filled database by Grafana's own role; and their shape."""

import json
import re
import subprocess
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.devnet.machinery.node import REPOSITORY
from oracle.store import database, embedded
from oracle.store.model_tables import LoanOutcomeRow
from oracle.store.tables import Base
from tests.store.test_requests import CHAIN, ORACLE
from tests.support.board import board_template, board_url, serving
from tests.support.browsing import client
from tests.support.grafana import DASHBOARDS, FOLDER, Query, filled, queries, rooms
from tests.web.dashboard.test_pages import PAGES

__all__ = ["board_template", "board_url"]

POSTGRES = "grafana-postgresql-datasource"
PASSWORD = "it's a secret"
VALUES = {"chain_id": str(CHAIN), "oracle": ORACLE, "width": "3600"}
QUERIES = list(queries(POSTGRES))
SECRETS = {
    "api_answers", "api_keys", "api_submissions", "event_cursors", "openings", "operator_sessions", "operators",
    "sign_in_failures", "webhook_deliveries", "webhooks",
}  # fmt: skip


def make_reader(url: str, folder: Path, password: str = PASSWORD) -> str:
    """Run deploy/reader.sql as its comment says; return the role's address."""
    (folder / "reader_password").write_text(password + "\n")
    (line,) = re.findall(r"^--   (psql .*)$", (REPOSITORY / "deploy" / "reader.sql").read_text(), re.M)
    command = line.replace("/run/secrets", str(folder))
    done = subprocess.run(
        ["/bin/bash", "-euc", command],
        cwd=REPOSITORY,
        env={
            "PATH": f"{embedded._binaries()}:/usr/bin:/bin",
            "DATABASE_URL": make_url(url).set(drivername="postgresql").render_as_string(False),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert password not in done.stdout + done.stderr
    return make_url(url).set(username="reader").render_as_string(False)


@pytest.fixture
async def reader(board_url: str, tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """The role of Grafana on a filled database, in which one loan has ended."""
    owner = database.connect(board_url, pool_size=1)
    async with owner.begin() as connection:
        loan = {"chain_id": CHAIN, "lender": "0x" + "de" * 20, "loan_id": 1, "request_id": 1}
        await connection.execute(
            LoanOutcomeRow.__table__.insert().values(**loan, outcome="repaid", block_number=21_000_100)
        )
    await owner.dispose()
    engine = database.connect(make_reader(board_url, tmp_path), pool_size=1)
    yield engine
    await engine.dispose()


def test_queries__when_searched_for__then_they_are_found() -> None:
    assert len(QUERIES) > 20
    assert {one.place.split(":")[0] for one in QUERIES} == {"requests"}


async def test_queries__when_run_by_grafanas_role__then_each_tells_something_in_every_column(
    reader: AsyncEngine,
) -> None:
    for query in QUERIES:
        async with reader.connect() as connection:
            found = (await connection.execute(text(filled(query.text, VALUES).replace(":", r"\:")))).mappings().all()
        assert found, f"{query.place} gives nothing of a filled database"
        for column in found[0]:
            # A key of a JSON column that nobody writes gives null in every row.
            assert any(row[column] is not None for row in found), f"{query.place}: nothing in {column}"
            assert all(_drawable(row[column]) for row in found), f"{query.place}: {column} cannot be drawn"


def _drawable(value: Any) -> bool:
    return not isinstance(value, Decimal | dict | list | bytes)


@pytest.mark.parametrize(
    "query", [one for one in QUERIES if "$__timeFilter" in one.text], ids=lambda query: query.place
)
async def test_series__when_run__then_time_comes_first_and_in_order(reader: AsyncEngine, query: Query) -> None:
    if _panel(query)["type"] != "timeseries":
        return
    async with reader.connect() as connection:
        found = (await connection.execute(text(filled(query.text, VALUES).replace(":", r"\:")))).mappings().all()
    times = [row["time"] for row in found]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)


def _panel(query: Query) -> dict[str, Any]:
    (name, title) = query.place.split(": ", 1)
    return next(one for one in DASHBOARDS[name]["panels"] if title.startswith(f"{one['title']} "))


async def test_reader__when_it_asks_for_a_secret_or_writes__then_refused(reader: AsyncEngine) -> None:
    for table in sorted(SECRETS):
        async with reader.connect() as connection:
            with pytest.raises(database.DatabaseUnreachable, match="permission denied"):
                await connection.execute(text(f"select * from {table}"))  # noqa: S608
    for statement in ("delete from cursors", "create table mine (id int)", "set role postgres"):
        async with reader.connect() as connection:
            await connection.execute(text("set transaction read write"))
            with pytest.raises((database.DatabaseUnreachable, DBAPIError), match="permission denied"):
                await connection.execute(text(statement))


async def test_reader__when_compared_with_the_tables__then_each_is_granted_or_a_secret(reader: AsyncEngine) -> None:
    query = "select table_name from information_schema.table_privileges where grantee = 'reader'"
    async with reader.connect() as connection:
        granted = set((await connection.execute(text(query))).scalars())
    assert granted | SECRETS == {*Base.metadata.tables, "alembic_version"}
    assert granted & SECRETS == set()


async def test_reader__when_a_dashboard_stands_alone__then_every_page_shows(
    reader: AsyncEngine, board_url: str
) -> None:
    url = make_url(board_url).set(username="reader").render_as_string(False)
    async with serving(url, read_only=True) as alone, client(alone) as anybody:
        for page in PAGES:
            assert (await anybody.get(page)).status == 200, page


def test_reader__when_made_twice__then_well(board_url: str, tmp_path: Path) -> None:
    make_reader(board_url, tmp_path)
    make_reader(board_url, tmp_path, "another")


@pytest.mark.parametrize("name", sorted(DASHBOARDS))
def test_dashboard__when_read__then_ids_are_its_own_and_no_panel_lies_on_another(name: str) -> None:
    dashboard = DASHBOARDS[name]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert all(right <= 24 for _, _, right, _ in rooms(dashboard))
    for (left, top, right, bottom), (left2, top2, right2, bottom2) in combinations(rooms(dashboard), 2):
        assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(?!__)(\w+)", json.dumps(dashboard)))
    assert used <= declared


def test_provisioning__when_read__then_a_source_for_each_dashboard() -> None:
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "risk-oracle.yml").read_text())["datasources"]
    types = {source["type"] for source in sources}
    for dashboard in DASHBOARDS.values():
        (choice,) = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
        assert choice["query"] in types
        asked = {target["datasource"]["type"] for panel in dashboard["panels"] for target in panel.get("targets", [])}
        assert asked == {choice["query"]}
    (postgres,) = [source for source in sources if source["type"] == POSTGRES]
    assert postgres["user"] == "reader"
    assert postgres["secureJsonData"]["password"].startswith("$__file{/run/secrets/")
