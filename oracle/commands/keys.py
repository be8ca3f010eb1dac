"""`risk-oracle keys …`: who may use the HTTP API, and for what."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job, session_of
from oracle.commands.moments import duration

if TYPE_CHECKING:
    from oracle.store.api_keys import Made
    from oracle.store.api_tables import ApiKeyRow

keys_app = typer.Typer(help="Keys of the HTTP API.", no_args_is_help=True)

_SCOPES: Final = ("read", "assess", "webhooks", "submit")
_NEVER: Final = "never"
_LONGEST_NAME: Final = 100

KeyArgument = Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.", metavar="KEY_ID")]
ExpiresOption = Annotated[str, typer.Option("--expires", help="When it ends: a span (90d, 12h), or never.")]


@keys_app.command("create")
def keys_create(
    name: Annotated[str, typer.Option(help="Whose it is.")],
    scope: Annotated[
        list[str], typer.Option(metavar="SCOPE", help=f"What it allows: {', '.join(_SCOPES)}; repeat for more.")
    ],
    expires: ExpiresOption = "365d",
    per_minute: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Its own limit of requests in a minute.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make a key, and show it: only now, since nothing but its digest is kept."""
    from oracle.store import api_keys

    wanted = name.strip()
    if not 0 < len(wanted) <= _LONGEST_NAME or not wanted.isprintable():
        raise typer.BadParameter(f"expected 1 to {_LONGEST_NAME} printable characters", param_hint="--name")
    unknown = sorted(set(scope) - set(_SCOPES))
    if unknown:
        raise typer.BadParameter(
            f"there is no {', '.join(unknown)}: expected {', '.join(_SCOPES)}", param_hint="--scope"
        )
    ends = _end(expires)

    async def make() -> "Made":
        async with _changing(config) as session:
            scopes = {api_keys.Scope(one) for one in scope}
            return await api_keys.create(session, wanted, scopes, expires_at=ends, requests_per_minute=per_minute)

    _show(run_job(make()), ends, as_json)


@keys_app.command("list")
def keys_list(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all keys, the newest first; of none is more known than its id."""

    async def read() -> list[dict[str, Any]]:
        from oracle.store import api_keys

        async with session_of(audit_settings_of(config)) as session:
            return [_plain(row) for row in await api_keys.listed(session)]

    found = run_job(read())
    if as_json:
        typer.echo(json.dumps({"keys": found}, indent=2))
        return
    for one in found:
        used = one["last_used_at"] or "never"
        typer.echo(f"{one['id']}  {one['state']:8} {','.join(one['scopes']):22} last used {used:32} {one['name']}")


@keys_app.command("revoke")
def keys_revoke(key_id: KeyArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """End a key: within a second no daemon takes it any more."""

    async def end() -> dict[str, Any]:
        from oracle.store import api_keys

        async with _changing(config) as session:
            return _plain(await api_keys.revoke(session, key_id))

    found = run_job(end())
    typer.echo(json.dumps(found, indent=2) if as_json else f"key {key_id} is revoked")


@keys_app.command("rotate")
def keys_rotate(
    key_id: KeyArgument,
    overlap: Annotated[str, typer.Option(help="How long the old one is still taken.")] = "24h",
    expires: ExpiresOption = "365d",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Make another key with the same name, scopes and limit; the old one ends after a while."""
    both, ends = duration(overlap, "--overlap"), _end(expires)

    async def make() -> "Made":
        from oracle.store import api_keys

        async with _changing(config) as session:
            return await api_keys.rotate(session, key_id, both, ends)

    _show(run_job(make()), ends, as_json)


def _end(text: str) -> datetime | None:
    if text.strip().lower() == _NEVER:
        return None
    span = duration(text, "--expires")
    if span <= timedelta():
        raise typer.BadParameter("a key that ends at once is of no use", param_hint="--expires")
    try:
        return datetime.now(UTC) + span
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is beyond the calendar: say never", param_hint="--expires") from None


def _show(made: "Made", ends: datetime | None, as_json: bool) -> None:
    if as_json:
        known = {"id": made.id, "key": made.key, "expires_at": None if ends is None else ends.isoformat()}
        typer.echo(json.dumps(known, indent=2))
        return
    typer.echo(made.key)
    until = "for ever" if ends is None else f"until {ends:%Y-%m-%d %H:%M} UTC"
    typer.echo(f"key {made.id}, {until}; it is shown only now: keep it as you keep a password", err=True)


def _plain(row: "ApiKeyRow") -> dict[str, Any]:
    now = datetime.now(UTC)
    state = "revoked" if row.revoked_at else "expired" if row.expires_at and row.expires_at <= now else "valid"
    moments = {name: getattr(row, name) for name in ("created_at", "expires_at", "revoked_at", "last_used_at")}
    return {
        "id": row.id,
        "name": row.name,
        "state": state,
        "scopes": list(row.scopes),
        "requests_per_minute": row.requests_per_minute,
        **{name: None if moment is None else moment.astimezone(UTC).isoformat() for name, moment in moments.items()},
        "replaces": row.replaces,
    }


@asynccontextmanager
async def _changing(config: Path | None) -> AsyncIterator[AsyncSession]:
    async with session_of(audit_settings_of(config)) as session, session.begin():
        yield session
