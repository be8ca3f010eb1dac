"""`risk-oracle models evaluate`: a shipped model on any file of the same schema as one of the public sets."""

from pathlib import Path
from typing import Any, Final

from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of
from oracle.models.registry import FLOAT_WEIGHTS, ModelFault, ShippedModel
from oracle.models.weights import load_float, load_weights
from oracle.training.accounts import read_accounts
from oracle.training.book import SIZES, make_book
from oracle.training.checks import UnusableData
from oracle.training.evaluate import judge_book
from oracle.training.measure import judge
from oracle.training.split import TEST
from oracle.training.tables import file_of
from oracle.training.tasks import load

TASKS: Final = ("fraud", "fraud-extra", "rocifi", "repeat-liquidation", "uci", "hmeq", "book")


def evaluate(task: str, path: Path, model: ShippedModel) -> dict[str, Any]:
    """Return task, model, rows, metrics of the float and the quantised network with intervals, and baselines.

    Raises UnusableData for a file that does not fit the task. For the book, `path` is a folder of data sets, or one of
    the files within: the book's later period is drawn from it, and judged, by the policy in the model's folder.
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
    return head | judge(load(task, path), integers, floats, fraud_threshold=threshold)


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
