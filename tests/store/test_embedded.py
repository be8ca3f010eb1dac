"""The embedded Postgres: it serves, keeps its data, and leaves nothing running."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql import text

from oracle.processes import ProgramError
from oracle.store.embedded import EmbeddedPostgres, create_database


def _connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)


async def test_url__when_given_to_sqlalchemy__then_it_connects(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.connect() as connection:
        version = (await connection.execute(text("show server_version_num"))).scalar_one()
    await engine.dispose()
    assert int(version) >= 160000


def test_server__when_restarted__then_data_are_still_there(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data")
    with server as url, _connect(url) as connection:
        connection.execute("create table kept (value int)")
        connection.execute("insert into kept values (7)")
    with server as url, _connect(url) as connection:
        assert connection.execute("select value from kept").fetchall() == [(7,)]


def test_server__when_killed__then_it_comes_back_at_the_same_url_with_what_was_committed(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data")
    with server as url:
        with _connect(url) as connection:
            connection.execute("create table kept (value int)")
            connection.execute("insert into kept values (7)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
        assert server.pid is None
        server.revive()
        with _connect(url) as connection:
            assert connection.execute("select value from kept").fetchall() == [(7,)]


def test_server__when_block_raises__then_it_is_stopped_and_its_socket_gone(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data", durable=False)
    seen: list[tuple[int | None, str]] = []

    def fail_inside() -> None:
        with server as url:
            seen.append((server.pid, str(make_url(url).query["host"])))
            raise RuntimeError("failed half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail_inside()
    ((pid, socket_folder),) = seen
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(socket_folder).exists()
    assert server.pid is None


def test_server__when_data_folder_is_in_use__then_error_and_first_one_goes_on(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False) as url:
        with pytest.raises(ProgramError, match="Postgres exited"):
            EmbeddedPostgres(tmp_path / "data", durable=False).start()
        with _connect(url) as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]


def test_server__when_folder_holds_something_else__then_it_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "letter.txt").write_text("dear reader")
    with pytest.raises(ProgramError, match="neither empty nor a Postgres data folder"):
        EmbeddedPostgres(tmp_path / "data").start()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["letter.txt"]


def test_create_database__when_it_exists__then_it_is_empty_again(postgres_url: str) -> None:
    url = create_database(postgres_url, "renewed")
    with _connect(url) as connection:
        connection.execute("create table old (value int)")
    url = create_database(postgres_url, "renewed")
    with _connect(url) as connection:
        assert connection.execute("select count(*) from pg_tables where tablename = 'old'").fetchall() == [(0,)]


def test_create_database__when_template_is_given__then_its_tables_are_copied(postgres_url: str) -> None:
    with _connect(create_database(postgres_url, "pattern")) as connection:
        connection.execute("create table copied (value int)")
    with _connect(create_database(postgres_url, "copy", template="pattern")) as connection:
        assert connection.execute("select count(*) from copied").fetchall() == [(0,)]


def test_url__when_server_is_down__then_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="not running"):
        _ = EmbeddedPostgres(tmp_path / "data").url
