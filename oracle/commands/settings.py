"""`risk-oracle config …`: is a settings file right, and what can stand in it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.common import ConfigOption, JsonOption, settings_of
from oracle.config.reference import SettingRow, rows
from oracle.config.settings import ENVIRONMENT_PREFIX, Settings
from oracle.exit_codes import ExitCode

config_app = typer.Typer(help="Settings.", no_args_is_help=True)


@config_app.command("check")
def config_check(
    as_json: Annotated[bool, typer.Option("--json", help="End with all settings as one JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Explain every wrong, unknown or doubtful setting; exit code 2 when one is wrong."""
    try:
        settings = settings_of(config)
    except ConfigurationFault as fault:
        for line in str(fault).splitlines():
            typer.echo(f"wrong: {line}", err=True)
        raise typer.Exit(ExitCode.REFUSED) from fault
    for warning in settings.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        typer.echo(json.dumps(settings.model_dump(mode="json"), indent=2))
    typer.echo(f"the settings are right: {config or 'from the environment'}", err=True)


@config_app.command("keys")
def config_keys(
    as_json: JsonOption = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As docs/settings.md has them.")] = False,
) -> None:
    """List every setting with its environment variable, type, default (or that it is required) and meaning."""
    known = rows(Settings, ENVIRONMENT_PREFIX)
    if as_json:
        typer.echo(json.dumps({"settings": [asdict(row) for row in known]}, indent=2))
    elif as_markdown:
        typer.echo(markdown(known), nl=False)
    else:
        for row in known:
            typer.echo(f"{row.key}\n    {row.variable}\n    {row.type}, {_default(row)}\n    {row.description}")


def markdown(known: list[SettingRow]) -> str:
    """Return the settings as a page, one table a section."""
    lines = [_PREFACE.format(prefix=ENVIRONMENT_PREFIX)]
    section = None
    for row in known:
        if row.key.partition(".")[0] != section:
            section = row.key.partition(".")[0]
            lines += [f"\n## [{section}]\n", "| key | variable | type | default | meaning |", "|---|---|---|---|---|"]
        meaning = row.description.replace("|", r"\|")
        default = "**required**" if row.required else f"`{row.default}`"
        lines.append(f"| `{row.key}` | `{row.variable}` | {row.type} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _default(row: SettingRow) -> str:
    return "required" if row.required else f"default {row.default}"


_PREFACE = """\
# Settings

Written by `risk-oracle config keys --markdown`; a test compares this page with the program.

Settings stand in a TOML file, a table a section: the one that `--config` or `{prefix}CONFIG` names, otherwise
`risk-oracle.toml` in the working folder, otherwise `/etc/risk-oracle/risk-oracle.toml`. The environment wins over the
file. With `_file` appended to a key (`_FILE` to a variable), the value is the content of the file that it names: for
secrets. `[].` stands for the entries of a list of tables (`[[history.aave_v3]]`); such a list can also be given as
JSON in its variable. A file that holds a secret and can be read by everybody is warned about, at the start and by
`risk-oracle config check`.

Unknown keys and variables are refused, with the nearest known one. Variables that a cluster injects for services
(`{prefix}PORT=tcp://…`, `{prefix}SERVICE_HOST`, …) are not mistaken for settings."""
