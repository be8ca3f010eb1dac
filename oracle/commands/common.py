"""What the commands share: the settings they were given, and the database that these name."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle import recursion
from oracle.assessment.errors import ConfigurationFault
from oracle.config.settings import ENVIRONMENT_PREFIX, AuditSettings, Kind, Settings, load_settings_of

T = TypeVar("T")

FOUND_BY_ITSELF: Final = (Path("risk-oracle.toml"), Path("/etc/risk-oracle/risk-oracle.toml"))
"""Where the settings file is looked for when none is named, in this order."""


def _found(named: Path | None) -> Path | None:
    return named or next((file for file in FOUND_BY_ITSELF if os.path.exists(file)), None)


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar=f"{ENVIRONMENT_PREFIX}CONFIG",
        callback=_found,
        help=f"TOML settings file (found by itself: {', '.join(map(str, FOUND_BY_ITSELF))}).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def tell(data: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print what a command found or did: for people, or as one JSON object."""
    typer.echo(json.dumps(data, indent=2) if as_json else text)


def settings_of(config: Path | None) -> Settings:
    """Return the settings of a file and of this process's environment."""
    return _load(Settings, config)


def audit_settings_of(config: Path | None) -> AuditSettings:
    """Return the settings that reading takes: without a signer, or where this user may not read its key."""
    return _load(AuditSettings, config)


def _load(kind: type[Kind], config: Path | None) -> Kind:
    try:
        return load_settings_of(kind, config, environment())
    except ConfigurationFault as fault:
        if config is not None:
            raise
        places = " and ".join(map(str, FOUND_BY_ITSELF))
        raise ConfigurationFault(
            f"{fault}\nno settings file: there is none at {places}; name one with --config"
        ) from fault


def environment() -> dict[str, str]:
    """Return this process's environment."""
    return dict(os.environ)


@asynccontextmanager
async def database_of(settings: AuditSettings, *, join: bool = True) -> AsyncIterator[str]:
    """Give the database's URL: the configured one, or that of an embedded server.

    `join` uses the server that the daemon runs, if it does; otherwise one lives as long as we do.
    """
    if settings.database.url is not None:
        configured = make_url(settings.database.url.get_secret_value())
        if settings.database.password is not None:
            configured = configured.set(password=settings.database.password.get_secret_value())
        yield configured.render_as_string(hide_password=False)
        return
    # Only here: production needs neither the package nor its binaries.
    from oracle.store.embedded import EmbeddedPostgres

    with EmbeddedPostgres(settings.database.directory, join=join) as url:
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


@asynccontextmanager
async def session_of(settings: AuditSettings) -> AsyncIterator[AsyncSession]:
    """Give a session on the settings' database; raises ConfigurationFault unless its schema is this version's."""
    from oracle.store import database

    async with engine_of(settings) as engine:
        await database.check_schema(engine)
        async with async_sessionmaker(engine)() as session:
            yield session


def run_job(job: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, with strangers' JSON followed to a bounded depth."""
    recursion.bound()
    return asyncio.run(job)
