"""Fit the anomaly model on honest accounts, and judge it beside IsolationForest."""

from typing import Any, Final

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from oracle.models.anomaly import AnomalyModel
from oracle.training.accounts import COLUMN_OF, Accounts
from oracle.training.split import TEST, TRAIN
from oracle.training.statistics import Floats, Labels, interval

_COMPONENTS = 8
"""Chosen on the validation accounts, from 2 to 32."""
_SMALLEST_VARIANCE = 1e-4
_SHARES = 101
_DIGITS: Final = 6


def fit_anomaly(accounts: Accounts, seed: int) -> AnomalyModel:
    """Return the mixture over the honest training accounts that moved coin; the fraud label only removes the others."""
    flow = accounts.encoded[(accounts.part == TRAIN) & ~accounts.empty & (accounts.fraud == 0)]
    # One thread: the order of a sum is part of its value.
    with threadpool_limits(1):
        mixture = GaussianMixture(
            _COMPONENTS, reg_covar=_SMALLEST_VARIANCE, init_params="k-means++", max_iter=300, random_state=seed
        ).fit(flow / 1024)
    fitted = AnomalyModel(
        weights=_rounded(mixture.weights_),
        means=_rounded(mixture.means_),
        factors=_rounded(mixture.precisions_cholesky_),
        quantiles=np.zeros(2),
    )
    # With the rounded numbers: the file is the model.
    quantiles = np.quantile(fitted.surprise(flow), np.linspace(0, 1, _SHARES))
    return AnomalyModel(fitted.weights, fitted.means, fitted.factors, np.maximum.accumulate(_rounded(quantiles)))


def judge_anomaly(model: AnomalyModel, accounts: Accounts) -> dict[str, Any]:
    """Return how well each unsupervised score ranks unseen frauds; IsolationForest has the specification's settings.

    It is fitted on the honest training accounts too, once on values in their units, once on encoded features.
    """
    honest = (accounts.part == TRAIN) & ~accounts.empty & (accounts.fraud == 0)
    unseen = (accounts.part == TEST) & ~accounts.empty
    labels = accounts.fraud[unseen]
    values = accounts.raw[list(COLUMN_OF.values())].to_numpy(dtype=float)
    scores = {"mixture": model.surprise(accounts.encoded[unseen])}
    for name, columns in (("values", values), ("encoded", accounts.encoded)):
        forest = IsolationForest(n_estimators=100, contamination=0.1, random_state=42).fit(columns[honest])
        scores[f"isolation_forest_on_{name}"] = -forest.score_samples(columns[unseen])
    return {"rows": int(unseen.sum()), "base_rate": round(float(labels.mean()), 4)} | {
        name: {"auc": round(_auc(labels, found), 4), "auc_interval": interval(labels, found, _auc)}
        for name, found in scores.items()
    }


def _auc(labels: Labels, values: Floats) -> float:
    return float(roc_auc_score(labels, values))


def _rounded(values: Floats) -> Floats:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)
