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
from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from oracle.assessment.errors import ConfigurationFault
from oracle.store import losses
from oracle.store.losses import DatabaseBusy as DatabaseBusy
from oracle.store.losses import DatabaseUnreachable as DatabaseUnreachable
from oracle.store.texts import StorableText, to_json

LOST: Final = (DatabaseUnreachable, ServerGone, PoolExhausted)
"""What is raised while the server cannot serve; other errors of the driver are faults of what was asked."""

# A server that vanished without a word (its machine lost power, a network was cut) is noticed within half a minute.
_PATIENCE: Final = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_REMEDY: Final = "check database.url, database.password, and what its user may do"

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
    engine = create_async_engine(
        parsed.set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        json_serializer=to_json,
        connect_args={name: value for name, value in _PATIENCE.items() if name not in parsed.query},
    )
    event.listen(engine.sync_engine, "handle_error", losses.tell, retval=True)
    event.listen(engine.sync_engine, "connect", _hold_texts)
    return engine


def _hold_texts(connection: DBAPIConnection, _: object) -> None:
    # Below every query: no text that anybody stores can be one that the server refuses.
    connection.adapters.register_dumper(str, StorableText)


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
    """Tell what waiting mends from what it does not: whoever asks here has not begun to work yet."""
    try:
        yield
    except DatabaseUnreachable as error:
        if error.lasting:
            raise ConfigurationFault(f"{error}; {_REMEDY}") from error
        raise
    except DBAPIError as error:
        raise ConfigurationFault(f"the database refuses: {error.orig}; {_REMEDY}") from error
