"""`risk-oracle models train-batch`: from a data folder and a single model to the batch model's folder, in stages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from oracle.models.export import WEIGHTS
from oracle.models.folder import SETTINGS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of, save_policy
from oracle.models.registry import ShippedModel
from oracle.models.table_export import export_batch
from oracle.models.table_format import LOGROWS, RESERVED_ROWS
from oracle.models.table_net import TableNetwork, check_tables
from oracle.models.table_weights import save_table_weights
from oracle.models.weights import load_weights
from oracle.training.accounts import read_accounts
from oracle.training.book import SIZES, draw_piece, joined, pieces_of, read_sources
from oracle.training.checks import check_classes
from oracle.training.progress import Progress
from oracle.training.recipes import Recipes, read_recipes
from oracle.training.remake import CARD, METRICS
from oracle.training.stages import Stages
from oracle.training.table_assemble import assemble
from oracle.training.table_card import write_batch_card
from oracle.training.table_heads import CREDIT_HIDDEN, FRAUD_HIDDEN, fit_credit_table, fit_fraud_table
from oracle.training.table_judging import judge_batch
from oracle.training.tables import data_files
from oracle.training.workers import call_alone

BATCH_MODEL: Final = "credit-v2"
OPEN: Final = "open"
"""The folder of the circuit, below the model's."""

_STAGES: Final = 6
_TRIAL_BATCH: Final = 2


def train_batch(
    data_dir: Path,
    out_dir: Path,
    single: ShippedModel,
    seed: int,
    *,
    name: str = BATCH_MODEL,
    recipes: Recipes | None = None,
    sizes: dict[int, int] = SIZES,
    fraud_units: tuple[int, int] = FRAUD_HIDDEN,
    batch_size: int | None = None,
    stages_dir: Path | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train, export and judge a batch model by a single model's policy; returns its metrics, kept in the folder too.

    The same data, seed, recipes and releases of the libraries give the same bytes. `fraud_units` are the widths of the
    fraud trunk, which decide the rows of an answer more than all else. `batch_size` is by default as many
    wallets as 2^15 rows hold. Raises UnusableData for data that does not fit, TableOverflow for a network that the
    tables cannot hold, CircuitTooLarge for too large a batch.
    """
    recipes = recipes or read_recipes()
    network_of_single = load_weights(single.directory / WEIGHTS)
    policy, integers = policy_of(single.directory, network_of_single), IntegerNetwork.of(network_of_single)
    inputs = {
        "seed": seed,
        "single": single.model_id.hex(),
        "recipes": recipes.flat(),
        "sizes": list(sizes.items()),
        "fraud_units": fraud_units,
    }
    with Progress(_STAGES, say) as progress:
        stages = Stages(stages_dir, progress, inputs=inputs, files=data_files(data_dir))
        accounts = stages.run("data read and encoded", lambda: read_accounts(data_dir, seed))
        check_classes(accounts.fraud, accounts.part, "fraud accounts")
        pieces = {f"{piece.part}.{piece.number}": piece for piece in pieces_of(sizes)}
        drawn = stages.run_each(
            "loan book drawn", draw_piece, pieces, lambda: (read_sources(data_dir, accounts, seed), seed, policy)
        )
        book = joined(list(drawn.values()))
        fraud = stages.run(
            "fraud trunk fitted", lambda: call_alone(fit_fraud_table, accounts, recipes.fraud, seed, fraud_units)
        )
        credit = stages.run("credit trunk fitted", lambda: call_alone(fit_credit_table, book, integers, seed))
        network = stages.run("assembled", lambda: call_alone(assemble, fraud, credit, book, accounts, policy, seed))
        judged = stages.run(
            "judged", lambda: call_alone(judge_batch, network, integers, accounts, book, data_dir, policy)
        )
        metrics = {
            "name": name,
            "seed": seed,
            "single": single.name,
            "single_id": single.model_id.hex(),
            "starts": recipes.fraud.recipe.starts,
            "shape": {"fraud": list(fraud_units), "credit": list(CREDIT_HIDDEN)},
            **judged,
        }
        save_policy(policy, _made(out_dir))
        write_folder(network, out_dir, metrics, batch_size)
        stages.tidy()
        progress.say(f"batch model {metrics['model_id']} written to {out_dir}")
    return metrics


def write_folder(network: TableNetwork, out_dir: Path, metrics: dict[str, Any], batch_size: int | None = None) -> None:
    """Write weights, circuit, metrics and card; `metrics` gets what the circuit says of itself."""
    save_table_weights(network, _made(out_dir) / WEIGHTS)
    circuit, name = out_dir / OPEN, f"{metrics['name']}-open"
    wanted = batch_size or _largest_batch(network, circuit, name)
    metrics["model_id"] = export_batch(network, circuit, name, wanted)
    rows = int(json.loads((circuit / SETTINGS).read_text())["num_rows"])
    metrics["circuit"] = {
        "logrows": LOGROWS,
        "batch_size": wanted,
        "rows": rows,
        "rows_an_answer": round(rows / wanted, 1),
        "largest_share_of_a_table": round(check_tables(network), 4),
    }
    (out_dir / METRICS).write_text(json.dumps(metrics, indent=2) + "\n")
    (out_dir / CARD).write_text(write_batch_card(str(metrics["name"]), metrics))


def _largest_batch(network: TableNetwork, folder: Path, name: str) -> int:
    export_batch(network, folder, name, _TRIAL_BATCH)
    rows = int(json.loads((folder / SETTINGS).read_text())["num_rows"])
    return (2**LOGROWS - RESERVED_ROWS) * _TRIAL_BATCH // rows


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
