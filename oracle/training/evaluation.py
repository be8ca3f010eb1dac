"""`risk-oracle models evaluate`: a shipped model on any file of the same schema as one of the public sets."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of
from oracle.models.registry import FLOAT_WEIGHTS, ModelFault, ShippedModel
from oracle.models.weights import load_float, load_weights
from oracle.training.accounts import read_accounts
from oracle.training.book import SIZES, make_book
from oracle.training.checks import UnusableData
from oracle.training.evaluate import judge_book
from oracle.training.judged import Judged
from oracle.training.measure import judge
from oracle.training.seen import read_seen, was_seen
from oracle.training.split import TEST
from oracle.training.tables import file_of
from oracle.training.tasks import load

TASKS: Final = ("fraud", "fraud-extra", "rocifi", "repeat-liquidation", "uci", "hmeq", "book")


def evaluate(
    task: str, path: Path, model: ShippedModel, *, columns: Path | None = None, all_rows: bool = False
) -> dict[str, Any]:
    """Return task, model, rows, metrics of the float and the quantised network with intervals, and baselines.

    Rows that the model was trained on, or chosen by, are left out and counted; `all_rows` judges them too, and says so,
    as it does where nothing else is left. Raises UnusableData for a file that does not fit the task.
    For the book, `path` is a folder of data sets, or one of the files within: the book's later period, of other
    wallets, is drawn from it, and judged by the policy in the model's folder.
    """
    if task not in TASKS:
        raise UnusableData(f"no task {task!r}: expected one of {', '.join(TASKS)}")
    network = load_weights(model.directory / WEIGHTS)
    integers, policy = IntegerNetwork.of(network), policy_of(model.directory, network)
    floats = load_float(model.directory / FLOAT_WEIGHTS)
    head = {"task": task, "model": model.name, "model_id": model.model_id.hex()}
    if task == "book":
        folder = _data_folder(path)
        seed = int(model.metrics.get("seed", 0))
        book = make_book(folder, read_accounts(folder, seed), seed, sizes={TEST: SIZES[TEST]}, policy=policy)
        return head | judge_book(integers, floats, book, policy)
    threshold = _threshold(model) if task == "fraud-extra" else None
    rows, trained, told = unseen_rows(
        load(task, path, columns), model, all_rows=all_rows, one_class=threshold is not None
    )
    found = judge(rows, integers, floats, fitted_on=trained, fraud_threshold=threshold)
    found["notes"] = [told.pop("note"), *found["notes"]]
    return head | told | found


def unseen_rows(
    rows: Judged, model: ShippedModel, *, all_rows: bool, one_class: bool = False
) -> tuple[Judged, Judged | None, dict[str, Any]]:
    """Return the rows to judge, the others, and `judged`, `rows_trained_on` and a `note` that say which they are.

    Without `one_class`, rows of both labels must be on either side for those that were trained on to be left out: what
    learns from them then has what the model had.
    """
    seen = read_seen(model.directory)
    if seen is None:
        note = f"model {model.name} does not say which rows it was trained on: they may be among these"
        return rows, None, {"judged": "all rows", "rows_trained_on": None, "note": note}
    trained = was_seen(rows, seen)
    count, total = int(trained.sum()), len(trained)
    told = {"judged": "rows not trained on", "rows_trained_on": count}
    if not count:
        return rows, None, told | {"note": "none of these rows was trained on"}
    classes = 1 if one_class else 2
    if not all_rows and all(len(np.unique(rows.labels[side])) >= classes for side in (trained, ~trained)):
        note = f"{count} of {total} rows were trained on, and are left out"
        return rows.only(~trained), None if one_class else rows.only(trained), told | {"note": note}
    note = f"{count} of {total} rows were trained on, and are judged as well: the figures flatter the model"
    return rows, None, {"judged": "all rows", "rows_trained_on": count, "note": note}


def _data_folder(path: Path) -> Path:
    for folder in (path, path.parent.parent):
        if file_of(folder, "prices").is_file():
            return folder
    raise UnusableData(
        f"{path} is no folder of data sets: the book is drawn from daily prices, positions, loans and more together"
        f" (expected {file_of(path, 'prices')})"
    )


def _threshold(model: ShippedModel) -> float:
    try:
        return float(model.metrics["fraud"]["quantised"]["threshold_at_fpr_1"])
    except KeyError as error:
        raise ModelFault(
            f"model {model.name} has no metrics of the fraud task: the threshold at 1 % false positives is unknown"
        ) from error
