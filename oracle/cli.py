"""The command line: one command a job."""

import gc
import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import structlog
import typer

from oracle.commands import exits
from oracle.commands.approval import approval_app
from oracle.commands.approval_decision import decision_app
from oracle.commands.approval_processes import approval_processes_app
from oracle.commands.common import (
    ConfigOption,
    JsonOption,
    audit_settings_of,
    database_of,
    environment,
    run_job,
    settings_of,
    tell,
)
from oracle.commands.contracts_deploy import contracts_deploy
from oracle.commands.dashboard import dashboard
from oracle.commands.features import features, write_table
from oracle.commands.init import init
from oracle.commands.issuer import issuer_app
from oracle.commands.keys import keys_app
from oracle.commands.models import models_app
from oracle.commands.models_batch import models_batch_app
from oracle.commands.models_registry import models_registry_app
from oracle.commands.models_watch import models_watch_app
from oracle.commands.operators import operators_app
from oracle.commands.passport import passport_app
from oracle.commands.passport_answers import passport_open, passport_prove
from oracle.commands.privacy import privacy_app
from oracle.commands.prover import prover_app
from oracle.commands.requests import requests_app
from oracle.commands.schema import database_app
from oracle.commands.settings import config_app
from oracle.commands.verify import verify
from oracle.exit_codes import ExitCode

SECONDS_A_DAY = 86_400

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    # Words in brackets are TOML tables here, not markup.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=exits.EPILOG,
)
contracts_app = typer.Typer(help="The contracts on the chain.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(database_app, name="db")
app.add_typer(requests_app, name="requests")
app.add_typer(keys_app, name="keys")
app.add_typer(operators_app, name="operators")
app.add_typer(privacy_app, name="privacy")
passport_app.command("prove")(passport_prove)
passport_app.command("open")(passport_open)
app.add_typer(passport_app, name="passport")
app.add_typer(issuer_app, name="issuer")
models_app.add_typer(models_registry_app)
models_app.add_typer(models_watch_app)
models_app.add_typer(models_batch_app)
app.add_typer(models_app, name="models")
app.add_typer(contracts_app, name="contracts")
approval_app.add_typer(approval_processes_app)
approval_app.add_typer(decision_app, name="decision")
app.add_typer(approval_app, name="approval")
app.add_typer(prover_app, name="prover")
contracts_app.command("deploy")(contracts_deploy)
contracts_app.command("history-table")(write_table)
app.command()(init)
app.command()(features)
app.command()(verify)
app.command()(dashboard)


def main() -> None:
    """Run the command line; an expected fault is a clear message, and each outcome has its exit code."""
    exits.end(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"risk-oracle {version('risk-oracle')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """AI Risk Oracle: proven credit-risk assessments for smart contracts."""


@app.command("help")
def help_of(
    context: typer.Context,
    command: Annotated[list[str] | None, typer.Argument(help="Words of a command, like: requests list.")] = None,
) -> None:
    """Show the help of a command."""
    app([*(command or ()), "--help"], prog_name=context.find_root().info_name, standalone_mode=False)


@app.command()
def run(
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring the database's schema to this version's first.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Serve: watch the oracle contract and answer its requests until stopped."""
    settings = settings_of(config)
    # After the settings: what is wrong with them is said at once, not after seconds of loading libraries.
    # Nothing that is imported is ever garbage: the collector would walk all of it again and again while it grows.
    gc.disable()
    from oracle import daemon, log, telemetry

    gc.freeze()
    gc.enable()

    log.configure(settings.log)
    for warning in settings.warnings:
        structlog.get_logger("settings").warning("setting_doubted", warning=warning)

    end_spans = telemetry.configure(settings.telemetry)

    async def serve() -> None:
        # Joining another's server would end with it.
        async with database_of(settings, join=False) as url:
            await daemon.run(settings, url, upgrade=upgrade or settings.database.url is None)

    try:
        run_job(serve())
    finally:
        end_spans()


@app.command()
def setup(
    model: Annotated[str, typer.Option(help="Name of a shipped model, or a path to a model folder.")] = "credit-v1",
    keys: Annotated[
        Path | None, typer.Option(help="Folder for circuit, keys and verifier contract (build/keys/<model>).")
    ] = None,
    srs: Annotated[
        str,
        typer.Option(help="development (made here, forgeable), production (fetches the ceremony's), or a file of it."),
    ] = "development",
    ceremony: Annotated[
        Path | None, typer.Option(help="File that pins a ceremony of your own, trusted beside the shipped one.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the circuit, the proving and verifying keys and the verifier contract of a model.

    Those of its open circuit, for requests without private data, come into a folder beside, with -open behind its name.
    """
    from oracle.models.registry import load
    from oracle.proving.ceremony import read_ceremony
    from oracle.proving.key_folders import open_beside
    from oracle.proving.keys import SRS
    from oracle.proving.making import setup as make_keys
    from oracle.proving.reference_string import DEVELOPMENT, PRODUCTION

    source = srs if srs in (DEVELOPMENT, PRODUCTION) else Path(srs)
    own = None if ceremony is None else read_ceremony(ceremony)
    if own is not None:
        typer.echo(f"trusted beside the shipped ceremony: {own.name}, as {ceremony} pins it", err=True)
    shipped = load(model)
    folder = keys or Path("build/keys") / shipped.name

    def say(line: str) -> None:
        typer.echo(line, err=as_json)

    made = make_keys(shipped.directory, folder, source, say=say, ceremony=own)
    kind, model_id = made.srs_kind(own), f"0x{made.model_id.hex()}"
    told = {"folder": str(folder), "logrows": made.logrows, "reference_string": kind, "model_id": model_id}
    line = f"{folder}: k = {made.logrows}, {kind} reference string, model {model_id}"
    if (circuit := shipped.open_circuit) is not None:
        beside = open_beside(folder)
        of_open = make_keys(circuit.directory, beside, Path(made.path(SRS)), say=say, ceremony=own)
        told["open"] = {"folder": str(beside), "model_id": f"0x{of_open.model_id.hex()}"}
        line += f"\n{beside}: its open circuit, 0x{of_open.model_id.hex()}"
    tell(told, line, as_json=as_json)


@app.command()
def doctor(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Look at everything that a daemon with these settings needs; exit code 1 if any of it is at fault.

    Chain and endpoints, the oracle's code, signer and balance, model, keys and the verifier that they must fit,
    database, clock, disk, port, keys of private data, and who may read the files that hold secrets. It changes nothing.
    """
    from oracle.commands.doctor import examine

    found = run_job(examine(audit_settings_of(config), config, environment()))
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        for line in found.lines:
            typer.echo(str(line))
        unknown = f", {number} unknown" if (number := found.count("unknown")) else ""
        typer.echo(f"{found.count('fault')} faults, {found.count('warning')} warnings{unknown}")
    if found.count("fault"):
        raise typer.Exit(ExitCode.DIFFERENT)


@contracts_app.command("check")
def contracts_check(
    build: Annotated[Path, typer.Option(help="Folder with the compiled verifiers, where there is one.")] = (
        Path("build/contracts")
    ),
    as_json: Annotated[bool, typer.Option("--json", help="A JSON list.")] = False,
    config: ConfigOption = None,
) -> None:
    """Compare the code of oracle, registry, verifiers and lenders with this release; exit code 1 if any differs.

    Verifiers are those of the registry's primary, of its shadow, and of model.name. Each is compared with what there is
    of: the release's digest, the build, the keys in model.keys (by a proof); with none of these it is "unchecked". A
    lender must ask this oracle; one that the settings call foreign is only listed.
    """
    from oracle.commands.contracts_check import check_contracts

    verdicts = run_job(check_contracts(audit_settings_of(config), build))
    if as_json:
        typer.echo(json.dumps([verdict.as_json() for verdict in verdicts], indent=2))
    else:
        for verdict in verdicts:
            typer.echo(str(verdict))
    if any(verdict.status == "unchecked" for verdict in verdicts):
        typer.echo(
            "not everything was compared: of what is unchecked there is only the registry's word. Name a build with "
            "--build, or the keys in model.keys",
            err=True,
        )
    if any(verdict.status == "DIFFERENT" for verdict in verdicts):
        raise typer.Exit(ExitCode.DIFFERENT)


@contracts_app.command("digest")
def contracts_digest(
    model: Annotated[str, typer.Option(help="Name or folder of the model.")] = "credit-v1",
    keys: Annotated[Path, typer.Option(help="Folder of key folders, or one of them.")] = Path("build/keys"),
    build: Annotated[Path, typer.Option(help="Folder with the compiled verifiers.")] = Path("build/contracts"),
    as_json: JsonOption = False,
) -> None:
    """Print a production verifier's entry for oracle/proving/verifiers.toml, which ships with a release."""
    from oracle.commands.digest import digest
    from oracle.models.registry import load

    entry = digest(load(model), keys, build)
    tell({"entry": entry}, entry, as_json=as_json)
