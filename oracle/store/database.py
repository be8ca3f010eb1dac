"""The connection to Postgres, and whether its schema is the one this version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import OperationalError as ServerGone
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from oracle.assessment.errors import ConfigurationFault

LOST: Final = (OperationalError, InterfaceError, ServerGone)
"""What a connection raises when the server is away; other errors of the driver are faults of what was asked."""

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def connect(url: str, pool_size: int = 20) -> AsyncEngine:
    """Return an engine for a postgresql:// URL (the psycopg driver is put in); raises ConfigurationFault."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without the cause: where a password was not percent-encoded, its text holds a piece of it.
        raise ConfigurationFault(
            "database.url is not a URL: expected postgresql://user:password@host:port/name, "
            "with special characters of the password percent-encoded"
        ) from None
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationFault(f"database.url names {parsed.get_backend_name()}: expected postgresql")
    return create_async_engine(
        parsed.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=0, pool_pre_ping=True
    )


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


async def migrate(engine: AsyncEngine) -> None:
    """Bring the schema to this version's; safe to call twice, and from two processes.

    Raises ConfigurationFault when it is ahead of this version, DatabaseUnreachable when there is no answer.
    """

    def upgrade(connection: Connection) -> None:
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    await _known_revision(engine)
    with _connection_faults():
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)


async def check_schema(engine: AsyncEngine) -> None:
    """Raise ConfigurationFault unless the schema is at this version's migration, neither behind nor ahead."""
    current, head = await _known_revision(engine)
    if current != head:
        raise ConfigurationFault(
            f"the database is behind: its schema is {current or 'empty'}, this version needs {head}; "
            "run `risk-oracle db upgrade`"
        )


async def _known_revision(engine: AsyncEngine) -> tuple[str | None, str | None]:
    """Return the schema's revision and this version's; raises ConfigurationFault for one that came after it."""
    script = ScriptDirectory.from_config(_alembic())
    head = script.get_current_head()
    with _connection_faults():
        async with engine.connect() as connection:
            current = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise ConfigurationFault(
            f"the database is ahead: its schema {current} is not known to this version (newest: {head}); "
            "run a newer version of risk-oracle"
        )
    return current, head


@contextmanager
def _connection_faults() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise DatabaseUnreachable(f"the database does not answer: {error.orig}") from error
    except DBAPIError as error:
        raise ConfigurationFault(f"the database refuses: {error.orig}; check database.url and its user") from error


class DatabaseUnreachable(ConfigurationFault):
    """Postgres does not answer at the configured URL."""
