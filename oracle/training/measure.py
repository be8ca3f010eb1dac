"""Judge a task's rows with the float and the quantised network, beside baselines; the object that `evaluate` prints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oracle.assessment.outputs import OUTPUTS
from oracle.models.fixed_point import INPUT_BITS, OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.training.checks import UnusableData
from oracle.training.judged import DEFAULT_OUTPUT, FRAUD_OUTPUT, Judged
from oracle.training.statistics import (
    Floats,
    Labels,
    calibration_error,
    describe,
    interval,
    precision_at_recall,
    recall_at_false_positive_rate,
    threshold_at_false_positive_rate,
)
from oracle.training.tables import read_demographics

Codes = npt.NDArray[np.int64]

_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_FOLDS = 5
_ONE_MEANS: Final = {FRAUD_OUTPUT: "fraud", DEFAULT_OUTPUT: "default, or liquidated again"}


def quantised_outputs(network: IntegerNetwork, chain: Codes, private: Codes) -> Floats:
    """Return the circuit's outputs (n, 10) as fractions."""
    return np.asarray(network(torch.from_numpy(chain), torch.from_numpy(private)).numpy() / 2**OUTPUT_BITS)


def float_outputs(network: RiskNetwork, chain: Codes, private: Codes) -> Floats:
    """Return the unrounded network's outputs (n, 10)."""
    with torch.no_grad():
        rows = torch.from_numpy(chain).double() / 2**INPUT_BITS
        return np.asarray(network.double()(rows, torch.from_numpy(private).double() / 2**INPUT_BITS).numpy())


def judge(
    rows: Judged,
    integers: IntegerNetwork,
    floats: RiskNetwork,
    *,
    fitted_on: Judged | None = None,
    fraud_threshold: float | None = None,
) -> dict[str, Any]:
    """Return rows, base rate, metrics of both networks, baselines and populations.

    Learned baselines are fitted on `fitted_on`, or by cross-validation within the rows themselves. Rows of one class
    are judged by the share above `fraud_threshold` alone; without it they raise UnusableData.
    """
    if not len(rows.labels):
        raise UnusableData("no row can be judged: each was left out")
    if fraud_threshold is None and len(np.unique(rows.labels)) < 2:
        raise UnusableData(
            f"each of the {len(rows.labels)} judged rows has label {rows.labels[0]} (1: {_ONE_MEANS[rows.output]}):"
            " an empty class cannot be judged; give rows of both"
        )
    column = _COLUMN[rows.output]
    given = {
        "float": float_outputs(floats, rows.chain, rows.private)[:, column],
        "quantised": quantised_outputs(integers, rows.chain, rows.private)[:, column],
    }
    found: dict[str, Any] = {"rows": len(rows.labels), "base_rate": round(float(rows.labels.mean()), 4)}
    for name, values in given.items():
        found[name] = _metrics(rows, values, fraud_threshold)
    found["baselines"], notes = ({}, ()) if fraud_threshold is not None else baselines(rows, fitted_on)
    found["populations"] = {
        name: {"rows": int(mask.sum())}
        | {kind: _metrics(rows.only(mask), values[mask], fraud_threshold) for kind, values in given.items()}
        for name, mask in rows.populations.items()
        if mask.any() and not mask.all() and (fraud_threshold is not None or 0 < rows.labels[mask].mean() < 1)
    }
    found["notes"] = [*rows.notes, *notes]
    return found


def baselines(rows: Judged, fitted_on: Judged | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what the base rate, simple rules, logistic regression and boosting reach on the same rows, and notes."""
    rate = float(rows.labels.mean())
    found: dict[str, Any] = {"base_rate_brier": round(rate * (1 - rate), 4)}
    for name, values in rows.heuristics.items():
        found[f"{name}_auc"] = round(float(roc_auc_score(rows.labels, values)), 4)
    folds = folds_of(rows) if fitted_on is None else []
    if not folds and (fitted_on is None or len(np.unique(fitted_on.labels)) < 2):
        return found, (
            f"no learned baseline: each class needs rows of {_FOLDS} wallets, or {_FOLDS} that differ, to fit on",
        )
    learned = {
        "logistic_regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        "gradient_boosting": HistGradientBoostingClassifier(random_state=0, max_iter=100),
    }
    for name, model in learned.items():
        if fitted_on is not None:
            values = model.fit(fitted_on.learned, fitted_on.labels).predict_proba(rows.learned)[:, 1]
            label = name
        else:
            values = cross_val_predict(model, rows.learned, rows.labels, cv=folds, method="predict_proba")[:, 1]
            label = f"{name}_cross_validated_here"
        found[f"{label}_auc"] = round(float(roc_auc_score(rows.labels, values)), 4)
        found[f"{label}_brier"] = round(float(np.mean((values - rows.labels) ** 2)), 4)
        if rows.output == FRAUD_OUTPUT:
            found[f"{label}_precision_at_recall_80"] = round(precision_at_recall(rows.labels, values, 0.8), 4)
    return found, ()


def folds_of(rows: Judged) -> list[tuple[Codes, Codes]]:
    """Return the rows to fit on and to judge, fold by fold; none where there are too few.

    A wallet, or where a row is nobody's all rows of the same features, is in one fold: else a fold is judged on what
    was fitted.
    """
    keys = rows.groups if rows.together is None else rows.together
    if keys is None:
        keys = np.unique(rows.learned, axis=0, return_inverse=True)[1].ravel()
    if min(len(np.unique(keys[rows.labels == label])) for label in (0, 1)) < _FOLDS:
        return []
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    folds = list(splitter.split(rows.learned, rows.labels, keys))
    return folds if all(len(np.unique(rows.labels[known])) == 2 for known, _ in folds) else []


def baselines_of_training(metrics: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the baselines on the other fraud collection that were measured when a model was trained, and a note.

    That collection has no honest accounts: nothing can be fitted on a file of it.
    """
    trained = metrics.get("fraud-extra", {})
    found = {f"{name}_measured_in_training": value for name, value in trained.get("baselines", {}).items()}
    if not found:
        return {}, "no baseline: the model's metrics have none for this collection"
    return found, (
        "baselines: gradient boosting on the same features, fitted on the training accounts and measured when the model"
        f" was trained, on {trained['rows']} accounts of this collection, not on this file"
    )


def extra_baseline(extra: Judged, train: Judged, unseen: Judged) -> dict[str, Any]:
    """Return gradient boosting's recall on the other collection at 1 % false positives among unseen honest accounts.

    Fitted, like the model, on accounts with flow.
    """
    flow = train.populations["with_flow"]
    boosted = HistGradientBoostingClassifier(random_state=0, max_iter=100).fit(train.learned[flow], train.labels[flow])
    threshold = threshold_at_false_positive_rate(unseen.labels, boosted.predict_proba(unseen.learned)[:, 1], 0.01)
    caught = boosted.predict_proba(extra.learned)[:, 1] > threshold
    return {
        "gradient_boosting_recall_at_fpr_1": round(float(caught.mean()), 4),
        "gradient_boosting_recall_at_fpr_1_with_flow": round(float(caught[extra.populations["with_flow"]].mean()), 4),
    }


def subgroups(
    data_dir: Path, integers: IntegerNetwork, rows: Judged, unseen: npt.NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """Return how unseen card clients fare by sex and age, which are no features: read here only to check."""
    groups = read_demographics(data_dir)
    values = quantised_outputs(integers, rows.chain, rows.private)[:, _COLUMN[rows.output]]
    riskiest = values > np.quantile(values[unseen], 0.8)
    found: dict[str, dict[str, float]] = {}
    for name, members in groups.items():
        own = members & unseen
        found[name] = {
            "rows": int(own.sum()),
            "base_rate": round(float(rows.labels[own].mean()), 4),
            "auc": round(float(roc_auc_score(rows.labels[own], values[own])), 4),
            "riskiest_fifth": round(float(riskiest[own].mean()), 4),
        }
    return found


def _metrics(rows: Judged, values: Floats, fraud_threshold: float | None) -> dict[str, Any]:
    if fraud_threshold is not None:
        caught = (values > fraud_threshold).astype(np.float64)
        return {
            "auc": None,
            "auc_interval": None,
            "brier": round(float(np.mean((values - rows.labels) ** 2)), 4),
            "calibration_error": round(calibration_error(rows.labels, values), 4),
            "recall_at_fpr_1": round(float(caught.mean()), 4),
            "threshold": round(fraud_threshold, 6),
        }
    found = describe(rows.labels, values, rows.groups)
    if rows.output == FRAUD_OUTPUT:
        found |= fraud_metrics(rows.labels, values)
    else:
        # What the ranking is worth at the table's own level of defaults, which the model does not claim to know.
        shifted = shifted_to(values, float(rows.labels.mean()))
        found["brier_shifted_to_base_rate"] = round(float(np.mean((shifted - rows.labels) ** 2)), 4)
    return found


def fraud_metrics(labels: Labels, values: Floats) -> dict[str, Any]:
    """Return the figures at the operating points that the fraud head is used at."""
    return {
        "precision_at_recall_80": round(precision_at_recall(labels, values, 0.8), 4),
        "precision_at_recall_80_interval": interval(labels, values, lambda y, p: precision_at_recall(y, p, 0.8)),
        "recall_at_fpr_1": round(recall_at_false_positive_rate(labels, values, 0.01), 4),
        "threshold_at_fpr_1": round(threshold_at_false_positive_rate(labels, values, 0.01), 6),
    }


def shifted_to(probabilities: Floats, rate: float) -> Floats:
    """Return probabilities with one constant added to their log odds, so that their mean is `rate`."""
    odds = np.log(np.clip(probabilities, 1e-6, 1 - 1e-6) / (1 - np.clip(probabilities, 1e-6, 1 - 1e-6)))
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-odds - middle))).mean() < rate else (low, middle)
    return np.asarray(1 / (1 + np.exp(-odds - low)))
