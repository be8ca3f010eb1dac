"""What the dashboard's pages work with."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment.request import Address
from oracle.config.dashboard import DashboardSettings
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.store import database

_CONNECTIONS: Final = 6
_STATEMENT_MILLISECONDS: Final = 3_000
WEB: Final = Path(__file__).parents[1]


@dataclass(slots=True)
class Parts:
    """`health` and `context` are the daemon's, None where none runs here; `settings_shown` has no secret in it.

    `read_only` is the dashboard that stands alone: nobody signs in, and nothing can be done.
    """

    engine: AsyncEngine
    chain_id: int
    oracle: Address
    settings: DashboardSettings
    settings_shown: Mapping[str, Any] = field(default_factory=dict)
    model_directory: Path | None = None
    health: Health | None = None
    context: Callable[[], Context | None] = lambda: None
    read_only: bool = False
    sessions: async_sessionmaker[AsyncSession] = field(init=False)
    # Each check of a password takes 64 MB and a core: strangers must not make us do many at once.
    checking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    def path(self, path: str) -> str:
        """Return a page's path as a browser asks for it."""
        return self.settings.path_prefix + path


PARTS: web.AppKey[Parts] = web.AppKey("dashboard", Parts)


def page_engine(url: str, *, read_only: bool = False) -> AsyncEngine:
    """Return an engine for pages: few connections, and no statement that runs for long."""
    engine = database.connect(url, pool_size=_CONNECTIONS)

    def bound(connection: Connection) -> None:
        # Local to the transaction: behind a pooler, a connection's own settings would be another's.
        connection.exec_driver_sql(f"set local statement_timeout = {_STATEMENT_MILLISECONDS}")
        if read_only:
            connection.exec_driver_sql("set transaction read only")

    event.listen(engine.sync_engine, "begin", bound)
    return engine


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)
