"""Figures of merit with bootstrap intervals."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from oracle.training.checks import UnusableData

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

_RESAMPLES = 300
_LARGEST_DRAWS = 20
_BINS = 10
INTERVAL: Final = (2.5, 97.5)
PRECISION_WEIGHT: Final = 0.1
"""What precision at a recall of 0.8 counts beside the AUC, where fraud trunks are chosen on held-out rows."""


def describe(labels: Labels, probabilities: Floats, groups: Labels | None = None) -> dict[str, Any]:
    """Return AUC with a 95 % interval, Brier score and calibration error of a probability.

    Rows are resampled, or whole `groups` where given (loans of one week share their market).
    """
    return {
        "auc": round(float(roc_auc_score(labels, probabilities)), 4),
        "auc_interval": interval(labels, probabilities, lambda y, p: float(roc_auc_score(y, p)), groups),
        "brier": round(float(np.mean((probabilities - labels) ** 2)), 4),
        "calibration_error": round(calibration_error(labels, probabilities), 4),
    }


def interval(
    labels: Labels, values: Floats, statistic: Callable[[Labels, Floats], float], groups: Labels | None = None
) -> list[float]:
    """Return the 95 % bootstrap interval of a statistic; resamples without both classes are drawn again.

    Raises UnusableData for labels of one class, which no resample can mend.
    """
    if len(np.unique(labels)) < 2:
        raise UnusableData(f"all {len(labels)} labels are of one class: no interval can be given")
    rng = np.random.default_rng(0)
    keys = np.arange(len(labels)) if groups is None else groups
    members = [np.flatnonzero(keys == key) for key in np.unique(keys)] if groups is not None else None
    found: list[float] = []
    # With both classes there, two draws in five or more hold both: the bound is never met, and there is one.
    for _ in range(_RESAMPLES * _LARGEST_DRAWS):
        if members is None:
            rows = rng.integers(0, len(labels), len(labels))
        else:
            rows = np.concatenate([members[index] for index in rng.integers(0, len(members), len(members))])
        if 0 < labels[rows].sum() < len(rows):
            found.append(statistic(labels[rows], values[rows]))
        if len(found) == _RESAMPLES:
            break
    else:
        raise UnusableData(f"only {len(found)} resamples of {len(labels)} rows hold both classes: too few rows")
    low, high = np.percentile(found, INTERVAL)
    return [round(float(low), 4), round(float(high), 4)]


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Return the expected calibration error over ten equally filled bins."""
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(labels[rows].mean()) - float(probabilities[rows].mean())) * len(rows)
        for rows in np.array_split(order, _BINS)
        if len(rows)
    ]
    return sum(gaps) / len(labels)


def precision_at_recall(labels: Labels, probabilities: Floats, recall: float) -> float:
    """Return the best precision at a recall of at least `recall`."""
    precisions, recalls, _ = precision_recall_curve(labels, probabilities)
    return float(precisions[recalls >= recall].max())


def recall_at_false_positive_rate(labels: Labels, probabilities: Floats, rate: float) -> float:
    """Return the recall at the highest threshold whose false positive rate is at most `rate`."""
    false_positives, true_positives, _ = roc_curve(labels, probabilities)
    return float(true_positives[false_positives <= rate].max())


def threshold_at_false_positive_rate(labels: Labels, probabilities: Floats, rate: float) -> float:
    """Return the probability that a share `rate` of the honest rows exceeds."""
    return float(np.quantile(probabilities[labels == 0], 1 - rate))
