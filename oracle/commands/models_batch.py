"""`risk-oracle models train-batch`: the batch model, beside the single one that it stands in for."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from oracle.assessment.errors import ConfigurationFault

models_batch_app = typer.Typer()


@models_batch_app.command("train-batch")
def models_train_batch(
    data: Annotated[Path, typer.Option(help="Folder of the data sets.")],
    out: Annotated[Path, typer.Option(help="Folder for the trained model.")],
    single: Annotated[str | None, typer.Option(help="Model that it stands in for: shipped name or folder.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same bytes (default: the single model's).")
    ] = None,
    recipes: Annotated[
        Path | None, typer.Option(help="TOML file of hyper-parameters; the batch model reads [fraud].")
    ] = None,
    fraud_units: Annotated[
        tuple[int, int] | None,
        typer.Option("--fraud-units", help="Widths of the fraud trunk's layers: fewer units, more wallets in a proof."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=1, help="Wallets in one proof (default: as many as fit).")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget the stages of an earlier run.")] = False,
) -> None:
    """Train a batch model, make its circuit, and measure it beside the single model on data that neither saw.

    Finished stages are kept beside the model's folder: a run that was stopped goes on when it is started again.
    """
    try:
        from oracle.models.registry import DEFAULT_MODEL, load
        from oracle.training.pipeline import SEED
        from oracle.training.recipes import RECIPES, read_recipes
        from oracle.training.table_heads import FRAUD_HIDDEN
        from oracle.training.table_pipeline import train_batch
    except ModuleNotFoundError as error:
        raise ConfigurationFault(f"training and evaluation need {error.name}: install risk-oracle[train]") from error
    model = load(single or DEFAULT_MODEL)
    stages = out.with_name(f"{out.name}.stages")
    if fresh:
        shutil.rmtree(stages, ignore_errors=True)
    train_batch(
        data,
        out,
        model,
        int(model.metrics.get("seed", SEED)) if seed is None else seed,
        recipes=read_recipes(recipes or RECIPES),
        batch_size=batch_size,
        fraud_units=fraud_units or FRAUD_HIDDEN,
        stages_dir=stages,
    )
