"""Migrations and the check of the schema, on a real Postgres."""

import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.assessment.errors import ConfigurationFault
from oracle.store import database
from oracle.store.database import DatabaseUnreachable, check_schema, connect, migrate
from oracle.store.embedded import EmbeddedPostgres, create_database
from oracle.store.tables import Base


@pytest.fixture
async def empty(database_url: str) -> AsyncEngine:
    return connect(database_url, pool_size=5)


async def set_revision(engine: AsyncEngine, revision: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("update alembic_version set version_num = :it"), {"it": revision})


async def test_migrations__when_run_on_an_empty_database__then_they_equal_the_models(engine: AsyncEngine) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_models__when_created_directly__then_the_constraints_are_those_of_the_migrations(
    engine: AsyncEngine, postgres_url: str
) -> None:
    # Alembic does not compare check constraints: the list of states is one.
    query = text(
        "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint "
        "where connamespace = 'public'::regnamespace and conrelid::regclass::text <> 'alembic_version' order by 1, 2"
    )
    direct = connect(create_database(postgres_url, "store_direct"), pool_size=1)
    async with direct.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        expected = (await connection.execute(query)).all()
    await direct.dispose()
    async with engine.connect() as connection:
        assert (await connection.execute(query)).all() == expected


async def test_migrations__when_run_down__then_nothing_is_left(empty: AsyncEngine) -> None:
    await migrate(empty)

    def downgrade(connection: Connection) -> set[str]:
        config = database._alembic()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return set(inspect(connection).get_table_names())

    async with empty.begin() as connection:
        assert await connection.run_sync(downgrade) == {"alembic_version"}
    await migrate(empty)
    await check_schema(empty)
    await empty.dispose()


def test_migrate__when_two_daemons_start_at_once__then_both_succeed(database_url: str) -> None:
    program = (
        "import asyncio, sys\n"
        "from oracle.store import database\n"
        "async def main():\n"
        "    engine = database.connect(sys.argv[1], pool_size=1)\n"
        "    await database.migrate(engine)\n"
        "    await database.check_schema(engine)\n"
        "asyncio.run(main())\n"
    )
    command_line = [sys.executable, "-c", program, database_url]
    daemons = [subprocess.Popen(command_line, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [daemon.communicate(timeout=240)[1] for daemon in daemons] == ["", "", ""]
    assert [daemon.returncode for daemon in daemons] == [0, 0, 0]


async def test_migrate__when_run_twice__then_data_stay(engine: AsyncEngine) -> None:
    insert = text("insert into accounts (chain_id, address, next_nonce) values (1, '0x1', 7)")
    async with engine.begin() as connection:
        await connection.execute(insert)
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.scalar(text("select next_nonce from accounts")) == 7


async def test_check__when_up_to_date__then_silent(engine: AsyncEngine) -> None:
    await check_schema(engine)


async def test_check__when_the_database_is_empty__then_behind_and_the_command_to_run(empty: AsyncEngine) -> None:
    with pytest.raises(ConfigurationFault, match=r"is behind: its schema is empty, .*run `risk-oracle db upgrade`"):
        await check_schema(empty)
    await empty.dispose()


async def test_check__when_the_schema_is_unknown__then_ahead_and_upgrades_are_refused(own_engine: AsyncEngine) -> None:
    await set_revision(own_engine, "9999")
    for attempt in (check_schema, migrate):
        with pytest.raises(ConfigurationFault, match=r"is ahead: its schema 9999 .*run a newer version") as refused:
            await attempt(own_engine)
        assert not isinstance(refused.value, DatabaseUnreachable), "waiting would not help"


@pytest.mark.parametrize("attempt", [check_schema, migrate])
async def test_database__when_nothing_listens__then_unreachable_without_the_password(attempt: object) -> None:
    engine = connect("postgresql://oracle:5ec2e75ec2e7@127.0.0.1:1/oracle", pool_size=1)
    with pytest.raises(DatabaseUnreachable, match=r"the database does not answer: .*127\.0\.0\.1") as refused:
        await attempt(engine)  # type: ignore[operator]
    assert "5ec2e75ec2e7" not in str(refused.value)
    await engine.dispose()


async def test_database__when_the_user_may_not_read__then_refused_not_waited_for(
    engine: AsyncEngine, postgres_url: str
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("drop role if exists stranger"))
        await connection.execute(text("create role stranger login"))
    stranger = connect(engine.url.set(username="stranger").render_as_string(False), pool_size=1)
    with pytest.raises(ConfigurationFault, match="permission denied") as refused:
        await check_schema(stranger)
    assert not isinstance(refused.value, DatabaseUnreachable)
    await stranger.dispose()


async def test_database__with_a_wrong_password__then_refused_not_waited_for(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "data", durable=False)
    with server as url:
        engine = connect(url, pool_size=1)
        async with engine.begin() as connection:
            await connection.execute(text("create role oracle login password 'right'"))
        (tmp_path / "data" / "pg_hba.conf").write_text("local all oracle scram-sha-256\nlocal all all trust\n")
        async with engine.begin() as connection:
            await connection.execute(text("select pg_reload_conf()"))
        with_password = make_url(url).set(username="oracle", password="5ec2e75ec2e7")
        wrong = connect(with_password.render_as_string(False), pool_size=1)
        with pytest.raises(ConfigurationFault, match=r"password authentication failed.*check database\.url") as refused:
            await check_schema(wrong)
        assert "5ec2e75ec2e7" not in str(refused.value)
        for one in (engine, wrong):
            await one.dispose()


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("/postgres?", "/nowhere?", 'database "nowhere" does not exist; check database.url'),
        ("//postgres@", "//nobody_here@", 'role "nobody_here" does not exist; check database.url'),
    ],
)
async def test_database__when_it_or_the_user_does_not_exist__then_refused_not_waited_for(
    postgres_url: str, right: str, wrong: str, said: str
) -> None:
    engine = connect(postgres_url.replace(right, wrong), pool_size=1)
    with pytest.raises(ConfigurationFault, match=said) as refused:
        await check_schema(engine)
    assert "\n" not in str(refused.value)
    await engine.dispose()


@pytest.mark.parametrize(
    "url",
    ["", "5ec2e7", "postgresql://host:5ec2e7/db", "mysql://o:5ec2e7@host/db"],
)
def test_connect__when_the_url_is_wrong__then_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ConfigurationFault, match=r"database\.url") as refused:
        connect(url)
    assert "5ec2e7" not in "".join(traceback.format_exception(refused.value))
