"""`risk-oracle requests …`: where requests stand, why, and dead ones back to the start."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.assessment.states import State
from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job, session_of, tell
from oracle.commands.moments import moment_before
from oracle.config.settings import AuditSettings

requests_app = typer.Typer(help="Requests, as the daemon holds them.", no_args_is_help=True)

RequestArgument = Annotated[int, typer.Argument(help="The request's id on the chain.", metavar="REQUEST_ID", min=0)]


@requests_app.command("list")
def requests_list(
    state: Annotated[
        list[State] | None, typer.Option(metavar="STATE", help="Only those in this state; repeat for more.")
    ] = None,
    wallet: Annotated[str | None, typer.Option(help="Only those about, or asked for by, this address.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those asked since then: a time (2026-01-31T12:00), or an age (90m, 2d).")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")] = 50,
    before: Annotated[int | None, typer.Option(min=0, help="Only ids below this one: the next page.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List requests, the newest first; above them, how many there are in each state.

    States on the way: requested, awaiting_proof, collected, scored, proven, signed, submitted, confirmed, declining,
    settling. Ends: final, declined, closed, expired, vanished, dead. With --json, `next_before` is the --before of the
    next page.
    """
    from oracle.pipeline import requests_page

    about = None if wallet is None else _wallet(wallet)
    asked = None if since is None else moment_before(since, datetime.now(UTC))

    async def read() -> dict[str, Any]:
        async with _session(config) as (session, settings):
            return await requests_page.page(
                session,
                settings.chain.chain_id,
                Address(settings.chain.oracle),
                states=state or (),
                wallet=about,
                since=asked,
                before=before,
                limit=limit,
            )

    found = run_job(read())
    typer.echo(json.dumps(found, indent=2) if as_json else requests_page.describe(found))


@requests_app.command("summary")
def requests_summary(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Count requests by state."""

    async def count() -> dict[State, int]:
        from oracle.store import tallies

        async with _session(config) as (session, settings):
            return await tallies.counts(session, settings.chain.chain_id, Address(settings.chain.oracle))

    found = {state.value: number for state, number in run_job(count()).items()}
    lines = [f"{state:14} {number:8}" for state, number in found.items()]
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines))


@requests_app.command("show")
def requests_show(request_id: RequestArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show one request: its state, its scores, why it has them and what would change them, and its audit log."""
    from oracle.pipeline import requests_view

    async def look_up() -> dict[str, Any]:
        async with _session(config) as (session, settings):
            return await requests_view.look_up(
                session, settings.chain.chain_id, Address(settings.chain.oracle), request_id
            )

    found = run_job(look_up())
    typer.echo(json.dumps(found, indent=2) if as_json else requests_view.describe(found))


@requests_app.command("requeue")
def requests_requeue(request_id: RequestArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Bring a dead request back to the start."""

    async def bring_back() -> None:
        from oracle.store import requests

        async with _session(config) as (session, settings), session.begin():
            await requests.requeue(session, settings.chain.chain_id, Address(settings.chain.oracle), request_id)

    run_job(bring_back())
    told = {"request_id": str(request_id), "state": "requested"}
    tell(told, f"request {request_id} starts again", as_json=as_json)


@asynccontextmanager
async def _session(config: Path | None) -> AsyncIterator[tuple[AsyncSession, AuditSettings]]:
    settings = audit_settings_of(config)
    async with session_of(settings) as session:
        yield session, settings


def _wallet(text: str) -> Address:
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise typer.BadParameter(str(error), param_hint="--wallet") from error
