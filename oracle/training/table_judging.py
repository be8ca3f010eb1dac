"""Judge the batch model beside the single one: the same unseen rows, the circuits' integers, paired intervals."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import roc_auc_score

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.models.integer import IntegerNetwork
from oracle.models.policy import Policy
from oracle.models.table_net import TableNetwork
from oracle.training.accounts import Accounts
from oracle.training.assemble import fraud_rows
from oracle.training.book import Book
from oracle.training.evaluate import categories_of, reference_categories
from oracle.training.measure import quantised_outputs
from oracle.training.split import TEST
from oracle.training.statistics import (
    calibration_error,
    interval,
    precision_at_recall,
    recall_at_false_positive_rate,
    threshold_at_false_positive_rate,
)
from oracle.training.table_assemble import CommonScale
from oracle.training.tables import file_of, read_table
from oracle.training.tasks import judged_extra, no_private

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Statistic = Callable[[Codes, Floats], float]

BATCH: Final = "batch"
SINGLE: Final = "single, no private data"
PRIVATE: Final = "single, with private data"
"""Whose figures: a batch request has no private data, so the second is what it competes with."""

_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_DRAWN_ROWS: Final = 2_000


def judge_batch(
    network: TableNetwork,
    single: IntegerNetwork,
    accounts: Accounts,
    book: Book,
    data_dir: Path,
    policy: Policy,
) -> dict[str, Any]:
    """Return each figure by model, with 95 % intervals, the batch model's lead over the single one, and what fits.

    Rows whose features leave the batch circuit's tables count as they would be answered: by the single model.
    """
    rows, later = (accounts.part == TEST) & ~accounts.empty, book.part == TEST
    flow = fraud_rows(accounts.encoded[rows])
    outputs = {BATCH: _answered(network, single, flow), SINGLE: _single(single, flow)}
    frauds = {model: values[:, _COLUMN["fraud_likelihood"]] for model, values in outputs.items()}
    extra = fraud_rows_of_extra(data_dir)
    caught = {BATCH: _answered(network, single, extra), SINGLE: _single(single, extra)}
    found = {"fraud": _fraud(accounts.fraud[rows], frauds, caught)}
    chain = book.chain[later]
    loans = {
        BATCH: _answered(network, single, chain),
        SINGLE: _single(single, chain),
        PRIVATE: quantised_outputs(single, chain, book.private[later]),
    }
    found["book"] = _book(book, later, loans, reference_categories(book, policy))
    drawn = np.random.default_rng(1).integers(0, ENCODED_ONE + 1, (_DRAWN_ROWS, len(FEATURES)))
    found["fits"] = {
        name: {"rows": len(values), "share": round(float(network.fits(torch.from_numpy(values)).float().mean()), 4)}
        for name, values in (
            ("accounts of the fraud table", fraud_rows(accounts.encoded)),
            ("accounts of another collection", extra),
            ("loans of the book", book.chain),
            ("independently drawn features", drawn),
        )
    }
    found["agreement"] = {
        name: {"rows": len(values), "share": round(_agreement(network, single, values), 4)}
        for name, values in (("loans of the book's later period", chain),)
    }
    return found


def fraud_rows_of_extra(data_dir: Path) -> Codes:
    """Return the chain rows of the other fraud collection."""
    return judged_extra(read_table(data_dir, "fraud_extra"), file_of(data_dir, "fraud_extra")).chain


def _fraud(labels: Codes, given: dict[str, Floats], extra: dict[str, Floats]) -> dict[str, Any]:
    statistics: dict[str, Statistic] = {
        "auc": lambda y, p: float(roc_auc_score(y, p)),
        "precision_at_recall_80": lambda y, p: precision_at_recall(y, p, 0.8),
        "recall_at_fpr_1": lambda y, p: recall_at_false_positive_rate(y, p, 0.01),
    }
    found = _judged(labels, given, statistics, None)
    for model, values in given.items():
        threshold = threshold_at_false_positive_rate(labels, values, 0.01)
        beyond = extra[model][:, _COLUMN["fraud_likelihood"]] > threshold
        found[model]["other_collection_recall_at_fpr_1"] = round(float(beyond.mean()), 4)
    return found | {"rows": len(labels), "base_rate": round(float(labels.mean()), 4)}


def _book(book: Book, later: npt.NDArray[np.bool_], outputs: dict[str, Floats], reference: Codes) -> dict[str, Any]:
    weeks, auc = book.week[later], {"auc": lambda y, p: float(roc_auc_score(y, p))}
    given = {model: values[:, _COLUMN["probability_of_default"]] for model, values in outputs.items()}
    found = {
        "liquidation": _judged(book.liquidated[later], given, dict(auc), weeks),
        "event": _judged(book.event[later], given, dict(auc), weeks),
    }
    right = {model: (categories_of(values) == reference).astype(np.int64) for model, values in outputs.items()}
    accuracy: dict[str, Any] = {
        model: {
            "accuracy": round(float(values.mean()), 4),
            "accuracy_interval": interval(values, values.astype(np.float64), lambda _, p: float(p.mean()), weeks),
        }
        for model, values in right.items()
    }
    lead = (right[BATCH] - right[SINGLE]).astype(np.float64)
    accuracy["lead"] = {
        "accuracy": round(float(lead.mean()), 4),
        "accuracy_interval": interval(right[SINGLE], lead, lambda _, p: float(p.mean()), weeks),
    }
    return found | {"category": accuracy, "rows": int(later.sum())}


def _judged(
    labels: Codes, given: dict[str, Floats], statistics: dict[str, Statistic], groups: Codes | None
) -> dict[str, Any]:
    """Return the statistics by model, and the batch model's lead over the single one on resamples of the same rows."""
    found: dict[str, Any] = {}
    for model, values in given.items():
        found[model] = {
            "brier": round(float(np.mean((values - labels) ** 2)), 4),
            "calibration_error": round(calibration_error(labels, values), 4),
        }
        for name, statistic in statistics.items():
            found[model][name] = round(statistic(labels, values), 4)
            found[model][f"{name}_interval"] = interval(labels, values, statistic, groups)
    places = np.arange(len(labels)).astype(np.float64)
    found["lead"] = {}
    for name, statistic in statistics.items():

        def lead(y: Codes, chosen: Floats, statistic: Statistic = statistic) -> float:
            own = chosen.astype(np.int64)
            return statistic(y, given[BATCH][own]) - statistic(y, given[SINGLE][own])

        found["lead"][name] = round(lead(labels, places), 4)
        found["lead"][f"{name}_interval"] = interval(labels, places, lead, groups)
    return found


def _answered(network: TableNetwork, single: IntegerNetwork, chain: Codes) -> Floats:
    fits = network.fits(torch.from_numpy(chain)).numpy()
    found = _single(single, chain)
    found[fits] = quantised_outputs(CommonScale(network), chain[fits], no_private(int(fits.sum())))  # type: ignore[arg-type]
    return found


def _single(single: IntegerNetwork, chain: Codes) -> Floats:
    return quantised_outputs(single, chain, no_private(len(chain)))


def _agreement(network: TableNetwork, single: IntegerNetwork, chain: Codes) -> float:
    same = categories_of(_answered(network, single, chain)) == categories_of(_single(single, chain))
    return float(same.mean())
