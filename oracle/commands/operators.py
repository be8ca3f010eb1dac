"""`risk-oracle operators …`: who may sign in to the dashboard."""

import json
import sys
from typing import Annotated

import typer

from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job, session_of, tell
from oracle.config.dashboard import Role
from oracle.exit_codes import ExitCode

operators_app = typer.Typer(help="Accounts of the dashboard.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The account's name.", metavar="NAME")]


@operators_app.command("add")
def operators_add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="viewer: looks; operator: requeues and declines too.")] = Role.VIEWER,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Add an account; its password is asked for, or read from standard input when that is no terminal."""
    from oracle.store import operators
    from oracle.web.dashboard.passwords import hashed

    operators.checked_name(name)
    digest = hashed(_password())

    async def add() -> None:
        async with session_of(audit_settings_of(config)) as session, session.begin():
            await operators.add(session, name, role, digest)
            await operators.record(session, "command line", "add_account", f"{name}, {role.value}")

    run_job(add())
    tell({"name": name, "role": role.value}, f"{name} may sign in as {role.value}", as_json=as_json)


@operators_app.command("list")
def operators_list(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the accounts."""
    from oracle.store import operators

    async def read() -> list[dict[str, str]]:
        async with session_of(audit_settings_of(config)) as session:
            found = await operators.all_of_them(session)
        return [{"name": row.name, "role": row.role, "created_at": row.created_at.isoformat()} for row in found]

    found = run_job(read())
    if as_json:
        typer.echo(json.dumps({"operators": found}, indent=2))
    elif not found:
        typer.echo("there is no account: `risk-oracle operators add NAME --role operator` adds one")
    else:
        typer.echo("\n".join(f"{one['name']:24} {one['role']:9} since {one['created_at']}" for one in found))


@operators_app.command("remove")
def operators_remove(name: NameArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Remove an account, and sign it out everywhere."""
    from oracle.store import operators

    async def remove() -> None:
        async with session_of(audit_settings_of(config)) as session, session.begin():
            await operators.remove(session, name)
            await operators.record(session, "command line", "remove_account", name)

    run_job(remove())
    tell({"name": name, "removed": True}, f"{name} is gone, and signed out everywhere", as_json=as_json)


@operators_app.command("passwd")
def operators_passwd(name: NameArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Change an account's password, and sign it out everywhere."""
    from oracle.store import operators
    from oracle.web.dashboard.passwords import hashed

    digest = hashed(_password())

    async def change() -> None:
        async with session_of(audit_settings_of(config)) as session, session.begin():
            await operators.change_password(session, name, digest)
            await operators.record(session, "command line", "change_password", name)

    run_job(change())
    told = f"{name} has a new password, and is signed out everywhere"
    tell({"name": name, "signed_out": True}, told, as_json=as_json)


def _password() -> str:
    """Return a password from the terminal, or the first line of standard input: never from the command line."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        typer.echo("risk-oracle: standard input holds no password: give it as its first line", err=True)
        raise typer.Exit(ExitCode.USAGE)
    return line
