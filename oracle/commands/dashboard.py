"""`risk-oracle dashboard`: the pages over a database alone, where no daemon runs, by a role that may only read."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import run_job


def dashboard(
    database: Annotated[
        str,
        typer.Option(
            "--database", envvar="RISK_ORACLE_DASHBOARD_DATABASE", help="postgresql://reader:password@host/name."
        ),
    ],
    password_file: Annotated[
        Path | None,
        typer.Option(
            envvar="RISK_ORACLE_DASHBOARD_PASSWORD_FILE", help="File with its password, where the URL holds none."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one.")] = 8081,
    chain_id: Annotated[int | None, typer.Option(help="Which chain, where the database knows several.")] = None,
    oracle: Annotated[str | None, typer.Option(help="Which oracle, where the database knows several.")] = None,
    path_prefix: Annotated[str, typer.Option(help="Path that the pages stand below, as /oracle.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Answer by any name, and beyond this machine: a proxy asks who it is.")
    ] = False,
) -> None:
    """Serve the dashboard over a database, reading alone: no daemon, no sign-in, no actions.

    Nobody signs in here, for a session would have to be written: so it listens on this machine alone unless --public
    says that a proxy in front of it asks who it is.
    """
    from oracle.web.dashboard.alone import is_local, serve_alone

    if not public and not is_local(host):
        raise ConfigurationFault(
            f"--host {host}: whoever reaches this dashboard sees everything; listen on 127.0.0.1, or say --public "
            "where a proxy in front of it asks who it is"
        )

    url = database if password_file is None else _with_password(database, password_file)

    async def serve() -> None:
        async with serve_alone(url, host, port, chain_id, oracle, path_prefix, public=public) as address:
            typer.echo(f"dashboard at {address} (reading alone); Ctrl-C ends it")
            stopped = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
            await stopped.wait()

    run_job(serve())


def _with_password(database: str, file: Path) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        password = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"--password-file {file}: {error.__class__.__name__}: cannot be read") from error
    if not password:
        raise ConfigurationFault(f"--password-file {file}: is empty")
    try:
        return make_url(database).set(password=password).render_as_string(hide_password=False)
    except (ArgumentError, ValueError):
        # Without the cause, whose text may hold a password that the URL has all the same.
        raise ConfigurationFault("--database: expected postgresql://reader@host/name") from None
