"""The dashboard that stands alone, as a program: by a role that may only read, without a daemon."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from oracle.assessment.errors import ConfigurationFault
from oracle.cli import app
from oracle.store import database
from oracle.store.embedded import create_database
from oracle.store.tables import CursorRow
from tests.support.board import WALLETS, Serving
from tests.support.browsing import client
from tests.web.dashboard.test_pages import PAGES

READER = "board_reader"


async def reader_of(url: str) -> str:
    """Return the address of a database for a role that may only read."""
    engine = database.connect(url, pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(text(f"drop owned by {READER}") if await _known(connection) else text("select 1"))
        await connection.execute(text(f"drop role if exists {READER}"))
        await connection.execute(text(f"create role {READER} login"))
        await connection.execute(text(f"grant pg_read_all_data to {READER}"))
    await engine.dispose()
    return make_url(url).set(username=READER).render_as_string(hide_password=False)


async def _known(connection: object) -> bool:
    query = text("select 1 from pg_roles where rolname = :name")
    return await connection.scalar(query, {"name": READER}) is not None  # type: ignore[attr-defined]


async def test_dashboard__alone_as_a_reader__shows_every_page_and_does_nothing(board_url: str) -> None:
    url = await reader_of(board_url)
    program = "from oracle.cli import main; main()"
    command = [sys.executable, "-c", program, "dashboard", "--database", url, "--port", "0", "--path-prefix", "/ro"]
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert running.stdout is not None
        said = (await asyncio.wait_for(running.stdout.readline(), 60)).decode()
        found = re.search(r"http://127\.0\.0\.1:\d+/ro", said)
        assert found is not None, said
        board = Serving(found[0], None, None)  # type: ignore[arg-type]
        async with client(board) as one:
            for path in PAGES:
                page = await one.get(path)
                assert page.status == 200, path
                assert "read-only" in page.words
                assert "Data as of" in page.words
                assert "Requeue" not in page.text
            assert "No daemon runs here" in (await one.get("/endpoints")).words
            fields = {"action": "requeue", "request": "22", "confirmed": "yes", "csrf": "x"}
            assert (await one.post("/dead-letters/act", fields)).status == 403
            assert (await one.get("/b/2")).status == 200
            assert WALLETS[2] in (await one.get("/requests/2")).text
            for name, status in (
                ("localhost:1", 200),
                ("[::1]:1", 200),
                ("evil.test", 421),
                ("127.0.0.1.evil.test", 421),
            ):
                page = await one.get("/requests", Host=name)
                assert (page.status, WALLETS[2] in page.text) == (status, status == 200), name
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 20) == 0
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


def refused(*words: str) -> str:
    result = CliRunner().invoke(app, ["dashboard", *words])
    assert isinstance(result.exception, ConfigurationFault), result.output
    return str(result.exception)


def test_dashboard__beyond_this_machine__must_be_meant() -> None:
    said = refused("--database", "postgresql://x@127.0.0.1:1/y", "--host", "192.0.2.1")
    assert "whoever reaches this dashboard sees everything" in said


async def test_dashboard__where_the_oracle_is_not_clear__says_which_there_are(postgres_url: str, template: str) -> None:
    url = create_database(postgres_url, "board_two_oracles", template)
    assert "knows: none yet" in await asyncio.to_thread(refused, "--database", url)
    engine = database.connect(url, pool_size=1)
    async with engine.begin() as connection:
        for chain_id in (1, 10):
            values = {"chain_id": chain_id, "oracle": "0x" + "0a" * 20, "next_block": 1}
            await connection.execute(CursorRow.__table__.insert().values(**values))
    await engine.dispose()
    said = await asyncio.to_thread(refused, "--database", url)
    assert f"--chain-id 10 --oracle 0x{'0a' * 20}" in said


@pytest.mark.parametrize("url", ["mysql://x@y/z", "nonsense"])
def test_dashboard__with_a_wrong_address__says_what_is_expected(url: str) -> None:
    assert "postgresql" in refused("--database", url)


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), (None, "cannot be read")])
def test_dashboard__with_a_wrong_password_file__says_which(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    told = refused("--database", "postgresql://x@y/z", "--password-file", str(file))
    assert str(file) in told
    assert said in told


def test_dashboard__with_a_wrong_address_and_a_password_file__never_tells_the_password(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hush")
    told = refused("--database", "not:an@address:hush2", "--password-file", str(tmp_path / "password"))
    assert "hush" not in told
