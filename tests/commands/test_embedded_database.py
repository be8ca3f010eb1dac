"""Commands beside a daemon that runs the embedded Postgres: they join its server, a second daemon is refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from oracle.exit_codes import ExitCode
from oracle.store import database
from oracle.store.embedded import EmbeddedPostgres
from tests.commands.test_outcomes import SETTINGS, risk_oracle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "risk-oracle.toml").write_text(f'{SETTINGS}\n[database]\ndirectory = "{tmp_path / "data"}"\n')
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[str]:
    """The server of a daemon, its schema this version's."""

    async def migrate(url: str) -> None:
        engine = database.connect(url, pool_size=1)
        await database.migrate(engine)
        await engine.dispose()

    with EmbeddedPostgres(folder / "data", durable=False) as url:
        asyncio.run(migrate(url))
        yield url


@pytest.mark.parametrize("words", [["requests", "list"], ["requests", "summary"], ["db", "check"], ["db", "upgrade"]])
def test_command__beside_a_daemon__then_it_joins_and_leaves_the_server(
    words: list[str], folder: Path, running: str
) -> None:
    ended = risk_oracle(*words, cwd=folder)
    assert ended.returncode == ExitCode.DONE, ended.stderr
    with psycopg.connect(running.replace("postgresql+psycopg", "postgresql")) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]


def test_run__on_the_same_folder__then_refused_in_words(folder: Path, running: str) -> None:
    ended = risk_oracle("run", cwd=folder)
    assert ended.returncode == ExitCode.FAULT
    assert "is in use by Postgres process" in ended.stderr
    assert "give both the same database.url" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_command__without_a_daemon_and_before_an_upgrade__then_says_what_to_do(folder: Path) -> None:
    ended = risk_oracle("requests", "list", cwd=folder)
    assert ended.returncode == ExitCode.REFUSED
    assert "the database is behind: its schema is empty" in ended.stderr
    assert "run `risk-oracle db upgrade`" in ended.stderr
    assert "Traceback" not in ended.stderr
