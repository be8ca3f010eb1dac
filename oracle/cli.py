"""The command line: one command a job."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault
from oracle.assessment.request import NATIVE_COIN, Address, LoanTerms, to_address
from oracle.commands.common import ConfigOption, database_of, engine_of, environment, run_job, settings_of
from oracle.commands.models import models_app
from oracle.commands.models_registry import models_registry_app
from oracle.commands.models_watch import models_watch_app
from oracle.config.settings import AuditSettings, Settings, load_settings_of

SECONDS_A_DAY = 86_400

app = typer.Typer(help="AI Risk Oracle: proven credit-risk assessments for smart contracts.", no_args_is_help=True)
config_app = typer.Typer(help="Settings.", no_args_is_help=True)
database_app = typer.Typer(help="The database's schema.", no_args_is_help=True)
requests_app = typer.Typer(help="Requests, as the daemon holds them.", no_args_is_help=True)
contracts_app = typer.Typer(help="The contracts on the chain.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(database_app, name="db")
app.add_typer(requests_app, name="requests")
models_app.add_typer(models_registry_app)
models_app.add_typer(models_watch_app)
app.add_typer(models_app, name="models")
app.add_typer(contracts_app, name="contracts")


def main() -> None:
    """Run the command line; an expected fault is one clear message and exit code 2."""
    try:
        app()
    except OracleError as error:
        _refuse(error)


def _refuse(error: OracleError) -> NoReturn:
    typer.echo(f"risk-oracle: {error}", err=True)
    sys.exit(2)


@app.command()
def run(config: ConfigOption = None) -> None:
    """Serve: watch the oracle contract and answer its requests until stopped."""
    settings = settings_of(config)
    # After the settings: what is wrong with them is said at once, not after seconds of loading libraries.
    from oracle import daemon, log
    from oracle.store import database

    log.configure(settings.log)

    async def serve() -> None:
        async with database_of(settings) as url:
            if settings.database.url is None:
                engine = database.connect(url, pool_size=1)
                await database.migrate(engine)
                await engine.dispose()
            await daemon.run(settings, url)

    try:
        run_job(serve())
    except* OracleError as group:
        # A task group wraps what went wrong; the first cause is what the operator needs.
        cause: BaseException = group
        while isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        typer.echo(f"risk-oracle: {cause}", err=True)
        # 2 is for what only other settings mend: a unit does not start that again.
        raise SystemExit(1 if isinstance(cause, TransientFault) else 2) from cause


@app.command()
def setup(
    model: Annotated[str, typer.Option(help="Name of a shipped model, or a path to a model folder.")] = "credit-v1",
    keys: Annotated[
        Path | None, typer.Option(help="Folder for circuit, keys and verifier contract (build/keys/<model>).")
    ] = None,
    srs: Annotated[str, typer.Option(help="development (made here, forgeable), production (ceremony), or a file.")] = (
        "development"
    ),
) -> None:
    """Make the circuit, the proving and verifying keys and the verifier contract of a model."""
    from oracle.models.registry import load
    from oracle.proving.keys import DEVELOPMENT, PRODUCTION
    from oracle.proving.keys import setup as make_keys

    source = srs if srs in (DEVELOPMENT, PRODUCTION) else Path(srs)
    shipped = load(model)
    folder = keys or Path("build/keys") / shipped.name
    made = make_keys(shipped.directory, folder, source, say=typer.echo)
    typer.echo(f"{folder}: k = {made.logrows}, {made.srs_kind} reference string, model 0x{made.model_id.hex()}")


@config_app.command("check")
def config_check(config: ConfigOption = None) -> None:
    """Explain every wrong or unknown setting; exit code 2 when there is one."""
    try:
        settings = settings_of(config)
    except ConfigurationFault as fault:
        for line in str(fault).splitlines():
            typer.echo(f"wrong: {line}", err=True)
        raise typer.Exit(2) from fault
    typer.echo(json.dumps(settings.model_dump(mode="json"), indent=2))
    typer.echo("the settings are right", err=True)


@config_app.command("keys")
def config_keys() -> None:
    """List every setting with its environment variable and meaning."""
    from oracle.config.errors import known_keys

    for key, description in known_keys(Settings):
        typer.echo(f"{key:40} {description}")


@database_app.command("upgrade")
def database_upgrade(config: ConfigOption = None) -> None:
    """Bring the schema to this version's."""

    async def upgrade() -> None:
        from oracle.store import database

        async with engine_of(settings_of(config)) as engine:
            await database.migrate(engine)

    run_job(upgrade())
    typer.echo("the schema is up to date")


@database_app.command("check")
def database_check(config: ConfigOption = None) -> None:
    """Say whether the schema is the one this version needs."""

    async def check() -> None:
        from oracle.store import database

        async with engine_of(settings_of(config)) as engine:
            await database.check_schema(engine)

    run_job(check())
    typer.echo("the schema is the one this version needs")


@requests_app.command("list")
def requests_list(config: ConfigOption = None) -> None:
    """Count requests by state."""

    async def count() -> dict[Any, int]:
        from oracle.store import requests

        settings = settings_of(config)
        async with engine_of(settings) as engine, async_sessionmaker(engine)() as session:
            return await requests.counts(session, settings.chain.chain_id, Address(settings.chain.oracle))

    for state, number in run_job(count()).items():
        typer.echo(f"{state.value:10} {number:8}")


@requests_app.command("show")
def requests_show(
    request_id: int,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show one request: its state, its scores, why it has them and what would change them, and its audit log."""

    from oracle.pipeline import requests_view

    async def look_up() -> dict[str, Any]:
        settings = settings_of(config)
        async with engine_of(settings) as engine, async_sessionmaker(engine)() as session:
            return await requests_view.look_up(
                session, settings.chain.chain_id, Address(settings.chain.oracle), request_id
            )

    found = run_job(look_up())
    typer.echo(json.dumps(found, indent=2) if as_json else requests_view.describe(found))


@requests_app.command("requeue")
def requests_requeue(request_id: int, config: ConfigOption = None) -> None:
    """Bring a dead request back to the start."""

    async def bring_back() -> None:
        from oracle.store import requests

        settings = settings_of(config)
        async with engine_of(settings) as engine, async_sessionmaker(engine).begin() as session:
            await requests.requeue(session, settings.chain.chain_id, Address(settings.chain.oracle), request_id)

    run_job(bring_back())
    typer.echo(f"request {request_id} starts again")


@app.command()
def features(
    address: Annotated[str, typer.Option(help="The wallet.")],
    block: Annotated[int, typer.Option(help="Number of the block to read at.")],
    principal: Annotated[int, typer.Option(help="The loan's principal, in the token's smallest unit.")] = 10**18,
    collateral: Annotated[int, typer.Option(help="Its collateral, in the token's smallest unit.")] = 2 * 10**18,
    days: Annotated[int, typer.Option(help="Its duration.")] = 30,
    principal_token: Annotated[str, typer.Option(help="Token of the principal; zero: the chain's coin.")] = NATIVE_COIN,
    collateral_token: Annotated[str, typer.Option(help="Token of the collateral.")] = NATIVE_COIN,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, the same bytes from any endpoint.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read a wallet at a block: history, features and commitment, to be compared with an answer's."""
    from oracle.commands.audit import audit, describe

    settings = load_settings_of(AuditSettings, config, environment())
    terms = LoanTerms(
        to_address(principal_token), principal, to_address(collateral_token), collateral, days * SECONDS_A_DAY
    )
    found = run_job(audit(settings, to_address(address), block, terms))
    typer.echo(json.dumps(found, indent=2) if as_json else describe(found))


@contracts_app.command("check")
def contracts_check(
    build: Annotated[
        Path, typer.Option(help="Folder with the compiled verifiers; without it, only the registry's word.")
    ] = (Path("build/contracts")),
    config: ConfigOption = None,
) -> None:
    """Compare the code of oracle, registry, verifiers and lenders with this release; exit code 1 if any differs.

    Verifiers are those of the registry's primary, of its shadow, and of model.name. A lender must ask this oracle; one
    that the settings call foreign is only listed.
    """
    from oracle.commands.contracts_check import check_contracts

    verdicts = run_job(check_contracts(load_settings_of(AuditSettings, config, environment()), build))
    for verdict in verdicts:
        typer.echo(str(verdict))
    if any(verdict.status == "DIFFERENT" for verdict in verdicts):
        raise typer.Exit(1)
