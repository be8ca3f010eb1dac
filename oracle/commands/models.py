"""`risk-oracle models …`: train, search, evaluate, show and compare model folders."""

import json
import shutil
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import FEATURES
from oracle.commands.common import ConfigOption, JsonOption, audit_settings_of, run_job, tell
from oracle.models.policy import POLICY, Policy

if TYPE_CHECKING:
    from oracle.models.registry import ShippedModel

models_app = typer.Typer(help="Risk models.", no_args_is_help=True)

_SETTINGS = {
    "data": str,
    "out": str,
    "seed": int,
    "name": str,
    "recipes": str,
    "track": str,
    "dask": str,
    "policy": dict,
}
# The largest that every library takes which draws from it.
_LARGEST_SEED = 2**32 - 1
_HEADS = "fraud | home | card | credit"
_TASKS = ("fraud", "fraud-extra", "hmeq", "uci", "rocifi", "repeat-liquidation", "book")
_FIGURES = (
    "auc",
    "auc_interval",
    "brier",
    "calibration_error",
    "accuracy",
    "precision_at_recall_80",
    "recall_at_fpr_1",
)


@models_app.command("train")
def models_train(
    config: Annotated[
        Path | None, typer.Option(help="TOML file: data, out, seed, name, recipes, track, dask, [policy].")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the data sets.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the trained model.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=_LARGEST_SEED, help="Same seed, same bytes.")] = None,
    recipes: Annotated[
        Path | None, typer.Option(help="TOML file of hyper-parameters, as `models search` writes.")
    ] = None,
    track: Annotated[str | None, typer.Option(help="MLflow: a folder, or the address of a tracking server.")] = None,
    dask: Annotated[str | None, typer.Option(help="Dask: the address of a scheduler, or `local`.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the stages of an earlier run.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="Model folder whose learned weights stay: only confidence and the figures are made anew."),
    ] = None,
) -> None:
    """Train a model, make its circuit, and measure it on data that it was not trained on.

    Finished stages are kept beside the model's folder: a run that was stopped goes on when it is started again.
    """
    chosen: dict[str, Any] = {} if config is None else read_train_config(config)
    given = {"data": data, "out": out, "seed": seed, "recipes": recipes, "track": track, "dask": dask}
    chosen |= {name: value for name, value in given.items() if value is not None}
    if missing := [name for name in ("data", "out") if name not in chosen]:
        raise ConfigurationFault(f"training needs {' and '.join(missing)}: in --config or as options")
    try:
        from oracle.training.pipeline import SEED, train
        from oracle.training.recipes import RECIPES, read_recipes
        from oracle.training.tracking import track as store
        from oracle.training.workers import workers_at
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    found = read_recipes(Path(chosen.get("recipes", RECIPES)))
    target = Path(chosen["out"])
    stages = target.with_name(f"{target.name}.stages")
    if fresh:
        shutil.rmtree(stages, ignore_errors=True)
    policy, number = chosen.get("policy", POLICY), chosen.get("seed", SEED)
    with workers_at(chosen.get("dask")) as workers:
        metrics = train(
            Path(chosen["data"]),
            target,
            number,
            policy=policy,
            recipes=found,
            stages_dir=stages,
            workers=workers,
            keep=keep,
            **({"name": chosen["name"]} if "name" in chosen else {}),
        )
    if "track" in chosen:
        parameters = {"seed": number, "model_id": metrics["model_id"]} | found.flat()
        parameters |= {f"policy.{field.name}": getattr(policy, field.name) for field in fields(Policy)}
        files = sorted(path for path in target.iterdir() if path.is_file())
        run = store(chosen["track"], metrics["name"], parameters, metrics, files)
        typer.echo(f"recorded as run {run} at {chosen['track']}")


@models_app.command("export")
def models_export(
    out: Annotated[Path, typer.Option(help="Folder for the model with its new circuit.")],
    model: Annotated[
        str | None, typer.Option(help="Shipped name or model folder, of this release or an earlier.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a model's circuit anew from its weights, as this release makes circuits: it learns and measures nothing.

    Every answer stays as it was; the model id is another one, and keys and verifier have to be made for it.
    """
    try:
        from oracle.models.registry import folder_of
        from oracle.training.remake import remake_circuit
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    source = folder_of(model)
    if out.resolve() == source.resolve():
        raise ConfigurationFault(f"{out} is the model's own folder: name another one with --out")
    model_id = remake_circuit(source, out)
    tell({"model_id": f"0x{model_id}", "folder": str(out)}, f"model 0x{model_id} written to {out}", as_json=as_json)


@models_app.command("worth")
def models_worth(
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    model: Annotated[str | None, typer.Option(help="Shipped name or model folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for worth.json and passport-worth.md.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=_LARGEST_SEED, help="The seed of the model's split.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a passport is worth: the answers of unseen applicants without and with it, and an invented one."""
    try:
        from oracle.models.export import WEIGHTS
        from oracle.models.integer import IntegerNetwork
        from oracle.models.weights import load_weights
        from oracle.training.passports import read_card, read_home
        from oracle.training.pipeline import SEED
        from oracle.training.worth import WORTH, worth_of, write_page
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    chosen = _load(model)
    number = seed if seed is not None else int(chosen.metrics.get("seed", SEED))
    network = IntegerNetwork.of(load_weights(chosen.directory / WEIGHTS))
    rows = {"hmeq": read_home(data, number), "uci": read_card(data, number)}
    found = {"model_id": chosen.model_id.hex(), "seed": number} | worth_of(network, rows)
    page = write_page(chosen.name, found)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / WORTH).write_text(json.dumps(found, indent=1) + "\n")
        (out / "passport-worth.md").write_text(page)
    tell(found, page, as_json=as_json)


@models_app.command("search")
def models_search(
    head: Annotated[str, typer.Option(help=_HEADS)],
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    out: Annotated[Path, typer.Option(help="TOML file to write, for `models train --recipes`.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials of the study, those of earlier runs included.")] = 20,
    study: Annotated[Path | None, typer.Option(help="File of the study; a search goes on from it.")] = None,
    recipes: Annotated[Path | None, typer.Option(help="Where to start from (default: the shipped ones).")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=_LARGEST_SEED, help="Same seed, same trials.")] = None,
    track: Annotated[str | None, typer.Option(help="MLflow: a folder, or the address of a tracking server.")] = None,
    dask: Annotated[str | None, typer.Option(help="Dask: the address of a scheduler, or `local`.")] = None,
) -> None:
    """Search hyper-parameters of one head on held-out rows; the test part is never read."""
    try:
        from oracle.training.pipeline import HEADS, SEED
        from oracle.training.recipes import RECIPES, read_recipes, table_of, write_recipes
        from oracle.training.search import read_source, search
        from oracle.training.tracking import track as store
        from oracle.training.workers import workers_at
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    if head not in HEADS:
        raise ConfigurationFault(f"no head {head!r}: expected {_HEADS}")
    number = SEED if seed is None else seed
    file = out.with_suffix(".study") if study is None else study
    with workers_at(dask) as workers:
        source = read_source(head, data, number, workers)
        start = read_recipes(recipes or RECIPES)
        found, score = search(head, source, trials, file, start, number, workers=workers, say=typer.echo)
    write_recipes(found, out)
    typer.echo(f"{head}: {score:.5f} on held-out rows, written to {out}")
    if track is not None:
        parameters = {"seed": number, "trials": trials} | table_of(getattr(found, head))
        store(track, f"search {head}", parameters, {"score": score}, [out])


@models_app.command("evaluate")
def models_evaluate(
    task: Annotated[str, typer.Option(help=" | ".join(_TASKS))],
    data: Annotated[
        Path, typer.Option(help="Parquet or CSV of the task's schema, or its folder; for the book the data folder.")
    ],
    model: Annotated[str | None, typer.Option(help="Shipped name or model folder.")] = None,
    columns: Annotated[
        Path | None, typer.Option(help="TOML file of other column names (default: columns.toml beside the data).")
    ] = None,
    all_rows: Annotated[bool, typer.Option("--all", help="Judge the rows that were trained on as well.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge a model, before and after rounding, on any file of the same schema as a public set.

    Rows that it was trained on are left out, and counted.
    """
    try:
        from oracle.training.evaluation import evaluate
        from oracle.training.measure import baselines_of_training
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    chosen = _load(model)
    found = evaluate(task, data, chosen, columns=columns, all_rows=all_rows)
    if task == "fraud-extra":
        found["baselines"], note = baselines_of_training(chosen.metrics)
        found["notes"].append(note)
    if as_json:
        typer.echo(json.dumps(found))
        return
    typer.echo(f"{task}: {found['rows']} rows, base rate {found['base_rate']:.1%}, model {found['model']}")
    for kind in ("float", "quantised"):
        shown = {name: found[kind][name] for name in _FIGURES if found[kind].get(name) is not None}
        typer.echo(f"  {kind:10}" + "  ".join(f"{name} {value}" for name, value in shown.items()))
    for name, value in found["baselines"].items():
        typer.echo(f"  baseline  {name} {value}")
    for note in found.get("notes", ()):
        typer.echo(f"  note: {note}")


@models_app.command("score")
def models_score(
    data: Annotated[
        Path,
        typer.Option(help="Parquet or CSV: one column a feature; or columns address and block, read with --config."),
    ],
    out: Annotated[Path, typer.Option(help="File to write: .csv, .csv.gz or .parquet.")],
    model: Annotated[str | None, typer.Option(help="Shipped name or model folder.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Score a list of wallets: each row gets category, score, probabilities, terms and confidence."""
    try:
        from oracle.commands.scoring import features_of
        from oracle.training.files import find_file, read_rows
        from oracle.training.scoring import score_rows, write_rows
    except ModuleNotFoundError as error:
        raise _no_training(error) from error
    file = find_file(data, Path("wallets.parquet"))
    frame = read_rows(file)
    if "address" in frame and "block" in frame and FEATURES[0].name not in frame:
        frame = run_job(features_of(audit_settings_of(config), frame, file))
    write_rows(score_rows(frame, file, _load(model)), out)
    told = f"{len(frame)} rows scored, written to {out}"
    tell({"rows": len(frame), "file": str(out)}, told, as_json=as_json)


@models_app.command("show")
def models_show(
    model: Annotated[str | None, typer.Argument(help="Shipped name or model folder.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a model's card; as JSON with its figures."""
    found = _load(model)
    path = found.directory / "card.md"
    if not path.is_file():
        raise ConfigurationFault(f"{path} is missing: train the model again to have its card")
    figures = {"model_id": f"0x{found.model_id.hex()}", "name": found.name, "metrics": found.metrics}
    tell(figures | {"card": path.read_text()}, path.read_text(), as_json=as_json)


@models_app.command("compare")
def models_compare(
    first: Annotated[str, typer.Argument(help="Shipped name or model folder.")],
    second: Annotated[str, typer.Argument(help="Shipped name or model folder.")],
    as_json: JsonOption = False,
) -> None:
    """Show the figures of two models beside each other, as each was measured when it was trained."""
    models = [_load(first), _load(second)]
    figures: dict[str, list[Any]] = {}
    for task in _TASKS:
        for figure in _FIGURES:
            values = [model.metrics.get(task, {}).get("quantised", {}).get(figure) for model in models]
            if any(value is not None for value in values):
                figures[f"{task} {figure}"] = values
    if as_json:
        described = [{"name": model.name, "model_id": f"0x{model.model_id.hex()}"} for model in models]
        typer.echo(json.dumps({"models": described, "figures": figures}, indent=2))
        return
    typer.echo(f"{'':44}{models[0].name:>24}{models[1].name:>24}")
    for name, values in figures.items():
        typer.echo(f"{name:44}" + "".join(f"{_shown(value):>24}" for value in values))
    if models[0].model_id == models[1].model_id:
        typer.echo("both are the same model")


def read_train_config(path: Path) -> dict[str, Any]:
    """Return the settings of a training file, the policy ready; raises ConfigurationFault naming every wrong key."""
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationFault(f"{path} cannot be read as TOML: {error}") from error
    for key, value in content.items():
        if key not in _SETTINGS:
            raise ConfigurationFault(f"{path}: unknown setting {key!r}; known: {', '.join(_SETTINGS)}")
        if not isinstance(value, _SETTINGS[key]):
            raise ConfigurationFault(f"{path}: {key} is {value!r}, expected {_SETTINGS[key].__name__}")
    if not 0 <= content.get("seed", 0) <= _LARGEST_SEED:
        raise ConfigurationFault(f"{path}: seed is {content['seed']}, expected 0 to {_LARGEST_SEED}")
    if "policy" in content:
        content["policy"] = _policy(path, content["policy"])
    return content


def _policy(path: Path, changes: dict[str, Any]) -> Policy:
    known = {field.name for field in fields(Policy) if isinstance(getattr(POLICY, field.name), float)}
    for key, value in changes.items():
        if key not in known:
            raise ConfigurationFault(f"{path}: unknown policy {key!r}; known: {', '.join(sorted(known))}")
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigurationFault(f"{path}: policy.{key} is {value!r}, expected a fraction from 0 to 1")
    changed: dict[str, Any] = {key: float(value) for key, value in changes.items()}
    return replace(POLICY, **changed)


def _load(model: str | None) -> "ShippedModel":
    # Loading brings torch and EZKL with it: not before a command needs them.
    from oracle.models.registry import DEFAULT_MODEL, load

    return load(model or DEFAULT_MODEL)


def _no_training(error: ModuleNotFoundError) -> ConfigurationFault:
    return ConfigurationFault(f"training and evaluation need {error.name}: install risk-oracle[train]")


def _shown(value: object) -> str:
    if isinstance(value, list):
        return f"{value[0]} to {value[1]}"
    return "–" if value is None else str(value)
