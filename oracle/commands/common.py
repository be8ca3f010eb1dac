"""What the commands share: the settings they were given, and the database that these name."""

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.config.settings import ENVIRONMENT_PREFIX, AuditSettings, Settings, load_settings

T = TypeVar("T")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar=f"{ENVIRONMENT_PREFIX}CONFIG", help="TOML settings file."),
]


def settings_of(config: Path | None) -> Settings:
    """Return the settings of a file and of this process's environment."""
    return load_settings(config, environment())


def environment() -> dict[str, str]:
    """Return the environment without the variable that names the settings file."""
    return {name: text for name, text in os.environ.items() if name != f"{ENVIRONMENT_PREFIX}CONFIG"}


@asynccontextmanager
async def database_of(settings: AuditSettings) -> AsyncIterator[str]:
    """Give the database's URL: the configured one, or that of an embedded server that lives as long as we do."""
    if settings.database.url is not None:
        configured = make_url(settings.database.url.get_secret_value())
        if settings.database.password is not None:
            configured = configured.set(password=settings.database.password.get_secret_value())
        yield configured.render_as_string(hide_password=False)
        return
    # Only here: production needs neither the package nor its binaries.
    from oracle.store.embedded import EmbeddedPostgres

    with EmbeddedPostgres(settings.database.directory) as url:
        yield url


@asynccontextmanager
async def engine_of(settings: AuditSettings) -> AsyncIterator[AsyncEngine]:
    """Give an engine for the settings' database, disposed of in the end."""
    from oracle.store import database

    async with database_of(settings) as url:
        engine = database.connect(url, pool_size=2)
        try:
            yield engine
        finally:
            await engine.dispose()


def run_job(job: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end."""
    return asyncio.run(job)
