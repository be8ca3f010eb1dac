"""`risk-oracle models …` on the chain's registry: what is here and there, promote, roll back."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job
from oracle.config.exposure import told_of_file
from oracle.config.settings import AuditSettings
from oracle.exit_codes import ExitCode

if TYPE_CHECKING:
    from oracle.commands.governing import Desk
    from oracle.models.registry import OpenCircuit, ShippedModel

models_registry_app = typer.Typer()

BuildOption = Annotated[Path, typer.Option(help="Folder with the compiled verifier.")]
KeyFileOption = Annotated[
    Path | None, typer.Option(help="File with the private key to send from; absent: the settings' signer.")
]
CalldataOption = Annotated[
    bool, typer.Option("--calldata", help="Send nothing: print target and calldata for a multisig or a DAO.")
]
OpenOption = Annotated[
    bool, typer.Option("--open", help="Its open circuit, for requests without private data, in the place of its own.")
]
_BUILD = Path("build/contracts")


@models_registry_app.command("list")
def models_list(
    directory: Annotated[Path | None, typer.Option(help="Folder of more models (the settings' model.directory).")] = (
        None
    ),
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the models that are here; with settings, also where each stands in the chain's registry."""
    from oracle.models.registry import folders, load

    settings = None if config is None else audit_settings_of(config)
    if settings is not None:
        directory = directory or settings.model.directory
    models = [load(folder) for folder in folders(directory)]
    states = {} if settings is None else run_job(_states(settings, [model.model_id for model in models]))
    found = [{**_facts(model), "registry": states.pop(model.model_id, None)} for model in models]
    for circuit in (model.open_circuit for model in models):
        if circuit is not None and circuit.model_id in states:
            state = states.pop(circuit.model_id)
            found.append({**_facts(circuit), "registry": state})
    found += [{"name": None, "model_id": f"0x{one.hex()}", "registry": state} for one, state in states.items()]
    if as_json:
        typer.echo(json.dumps({"models": found}, indent=2))
        return
    for one in found:
        name = one["name"] or "not here"
        size = f"  k = {one['logrows'] or '?'}, {one['rows'] or '?'} rows" if one["name"] else ""
        typer.echo(f"{name}  {one['model_id']}{size}" + (f"  {one['registry']}" if one["registry"] else ""))


def _facts(model: "ShippedModel | OpenCircuit") -> dict[str, Any]:
    circuit = json.loads((model.directory / "settings.json").read_text())
    return {
        "name": model.name,
        "model_id": f"0x{model.model_id.hex()}",
        "logrows": circuit["run_args"]["logrows"],
        "rows": circuit["num_rows"],
    }


async def _states(settings: AuditSettings, ids: list[bytes]) -> dict[bytes, str]:
    from oracle.commands.governing import desk

    async with desk(settings, None, typer.echo) as found:
        active = [*await found.registry.active(), *await found.registry.active(opened=True)]
        roles = ("primary", "shadow", "open primary", "open shadow")
        states = {one: word for one, word in zip(active, roles, strict=True) if one is not None}
        for model_id in ids:
            if model_id not in states:
                state = (await found.registry.model(model_id)).state.name.lower()
                states[model_id] = "not in the registry" if state == "none" else state
        return states


@models_registry_app.command("promote")
def models_promote(
    model: Annotated[str, typer.Argument(help="Name or folder of the model.")],
    verifier: Annotated[str | None, typer.Option(help="Its verifier, if deployed already.")] = None,
    opened: OpenOption = False,
    build: BuildOption = _BUILD,
    key_file: KeyFileOption = None,
    calldata: CalldataOption = False,
    config: ConfigOption = None,
) -> None:
    """Make a model the registry's primary: deploy its verifier, propose it, and after the timelock activate it.

    With --open its open circuit, which answers requests without private data beside the primary, for less gas.

    Each run goes as far as it can and says from when to run it again. Exit code 3 while there is more to do.
    """
    from oracle.commands.promotion import promote

    settings = audit_settings_of(config)
    found, at = _chosen(model, settings, opened), None if verifier is None else _address(verifier)
    _govern(settings, key_file, calldata, lambda desk: promote(desk, found, at, build))


@models_registry_app.command("rollback")
def models_rollback(
    opened: OpenOption = False,
    key_file: KeyFileOption = None,
    calldata: CalldataOption = False,
    config: ConfigOption = None,
) -> None:
    """Make the model before the primary again, at once; the present primary retires for good."""
    from oracle.commands.promotion import roll_back

    _govern(audit_settings_of(config), key_file, calldata, lambda desk: roll_back(desk, opened=opened))


@models_registry_app.command("retire")
def models_retire(
    model: Annotated[str, typer.Argument(help="Name or folder of the model.")],
    opened: OpenOption = False,
    key_file: KeyFileOption = None,
    calldata: CalldataOption = False,
    config: ConfigOption = None,
) -> None:
    """Withdraw a model's proposal, or retire it for good: the shadow, or an open circuit, which answers no more."""
    from oracle.pipeline.models import named

    settings = audit_settings_of(config)
    found = _chosen(model, settings, opened)
    _govern(
        settings,
        key_file,
        calldata,
        lambda desk: desk.act(f"retire {named(found)}", desk.governance.retire(found.model_id)),
    )


@models_registry_app.command("publish-history-table")
def models_publish_history_table(
    uri: Annotated[str, typer.Option(help="Where the table that `contracts history-table --out` writes can be had.")],
    key_file: KeyFileOption = None,
    calldata: CalldataOption = False,
    config: ConfigOption = None,
) -> None:
    """Publish the hash of the settings' history table in the registry, and where the table itself can be had."""
    from oracle.commands.published_table import table_of

    settings = audit_settings_of(config)
    found_hash, _ = table_of(settings)

    async def publish(desk: "Desk") -> bool:
        return await desk.act(f"history table {found_hash}", desk.governance.publish_history_table(found_hash, uri))

    _govern(settings, key_file, calldata, publish)


@models_registry_app.command("deploy-verifier")
def models_deploy_verifier(
    model: Annotated[str, typer.Argument(help="Name or folder of the model.")],
    opened: OpenOption = False,
    build: BuildOption = _BUILD,
    key_file: KeyFileOption = None,
    config: ConfigOption = None,
) -> None:
    """Deploy a model's compiled verifier, which needs no role, and print its address."""
    from oracle.commands.promotion import deploy_verifier

    settings = audit_settings_of(config)
    found = _chosen(model, settings, opened)

    async def deploy(desk: "Desk") -> bool:
        typer.echo(await deploy_verifier(desk, found, build))
        return True

    _govern(settings, key_file, False, deploy)


@models_registry_app.command("reference")
def models_reference(
    model: Annotated[str, typer.Argument(help="Name or folder of the model.")],
    data: Annotated[Path, typer.Option(help="Folder of the data sets that it was trained on.")],
) -> None:
    """Write a model's reference.json anew: its training data as histograms, which drift is measured against."""
    from oracle.models.registry import load

    found = load(model)
    try:
        from oracle.training.reference import remake_reference
    except ModuleNotFoundError as error:
        raise ConfigurationFault(f"this needs {error.name}: install risk-oracle[train]") from error
    if "seed" not in found.metrics:
        raise ConfigurationFault(f"{found.directory} does not say with which seed it was trained: train it again")
    remake_reference(found, data, int(found.metrics["seed"]))
    typer.echo(f"written to {found.directory / 'reference.json'}")


def _chosen(model: str, settings: AuditSettings, opened: bool) -> "ShippedModel | OpenCircuit":
    from oracle.models.registry import load

    found = load(model, settings.model.directory)
    if not opened:
        return found
    if found.open_circuit is None:
        raise ConfigurationFault(
            f"model {found.name} has no open circuit: make one with `risk-oracle models export --model {model} --out …`"
        )
    return found.open_circuit


def _govern(
    settings: AuditSettings, key_file: Path | None, calldata: bool, job: Callable[["Desk"], Awaitable[bool]]
) -> None:
    from oracle.chain.signer import Signer
    from oracle.commands.governing import desk

    signer = None if calldata else Signer(_key(settings, key_file))

    async def govern() -> bool:
        async with desk(settings, signer, typer.echo) as found:
            return await job(found)

    if not run_job(govern()):
        raise typer.Exit(ExitCode.UNFINISHED)


def _key(settings: AuditSettings, key_file: Path | None) -> str:
    if key_file is not None:
        if told := told_of_file(key_file, "--key-file"):
            typer.echo(f"warning: {told}", err=True)
        try:
            return key_file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationFault(f"--key-file {key_file} cannot be read: {error}") from error
    if settings.signer is None:
        raise ConfigurationFault("no key to send from: give --key-file, signer.key in the settings, or --calldata")
    return settings.signer.key.get_secret_value()


def _address(text: str) -> Address:
    try:
        return to_address(text)
    except InvalidRequest as error:
        raise ConfigurationFault(f"--verifier: {error}") from error
