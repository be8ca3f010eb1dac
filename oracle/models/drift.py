"""How far requests are from a model's training rows, and how its probabilities of default fared. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import BASIS_POINTS, Category
from oracle.models.reference import Histogram, Integers, Reference, psi

MINIMUM_OUTCOMES: Final = 30
"""Fewer loans that ended say nothing about calibration."""

_CALIBRATION_BINS: Final = 5


@dataclass(frozen=True, slots=True)
class Drift:
    """Population stability indices by feature, of the score and of the categories; None: too few requests."""

    requests: int
    scored: int
    features: Mapping[str, float] | None
    score_psi: float | None
    category_psi: float | None
    category_shares: tuple[float, ...] | None

    @property
    def worst(self) -> tuple[str, float] | None:
        """The name and index of what shifted most: a feature, `score` or `category`."""
        found = dict(self.features or {})
        for name, value in (("score", self.score_psi), ("category", self.category_psi)):
            if value is not None:
                found[name] = value
        return max(found.items(), key=lambda item: item[1]) if found else None

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Answered requests whose loan ended: counts, mean probabilities as fractions, and Brier scores.

    Brier scores and `bins` ([requests, mean predicted, observed]) are None below MINIMUM_OUTCOMES loans. They speak of
    loans that were granted, not of all that were asked for.
    """

    ended: int
    defaulted: int
    late: int
    open: int
    mean_predicted: float | None
    observed: float | None
    brier: float | None
    base_rate_brier: float | None
    bins: tuple[tuple[int, float, float], ...] | None

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def measure(
    reference: Reference,
    encoded: Sequence[Sequence[int]],
    scored: Sequence[tuple[int, int]],
    minimum: int,
) -> Drift:
    """Return the drift of requests: `encoded` chain features of each, and (score in basis points, category) pairs.

    Fewer than `minimum` rows give no number: by chance alone, an index over ten bins is about 10 / rows.
    """
    features: dict[str, float] | None = None
    if len(encoded) >= minimum:
        rows = np.array(encoded, dtype=np.int64)
        features = {
            feature.name: _psi(reference, reference.features[feature.name], rows[:, column])
            for column, feature in enumerate(FEATURES)
        }
    if len(scored) < minimum:
        return Drift(len(encoded), len(scored), features, None, None, None)
    pairs = np.array(scored, dtype=np.int64)
    counts = np.bincount(pairs[:, 1], minlength=len(Category))
    return Drift(
        requests=len(encoded),
        scored=len(scored),
        features=features,
        score_psi=_psi(reference, reference.score, pairs[:, 0]),
        category_psi=round(psi(reference.categories, reference.rows, counts), 4),
        category_shares=tuple(round(float(share), 4) for share in counts / counts.sum()),
    )


def judge(ended: Sequence[tuple[int, bool]], late: int, still_open: int) -> Outcomes:
    """Return how probabilities fared: (probability of default in basis points, whether it defaulted) of ended loans."""
    defaulted = sum(happened for _, happened in ended)
    if len(ended) < MINIMUM_OUTCOMES:
        return Outcomes(len(ended), defaulted, late, still_open, None, None, None, None, None)
    predicted = np.array([bps for bps, _ in ended], dtype=float) / BASIS_POINTS
    happened = np.array([happened for _, happened in ended], dtype=float)
    rate = float(happened.mean())
    order = np.argsort(predicted, kind="stable")
    bins = tuple(
        (len(part), round(float(predicted[part].mean()), 4), round(float(happened[part].mean()), 4))
        for part in np.array_split(order, _CALIBRATION_BINS)
    )
    return Outcomes(
        ended=len(ended),
        defaulted=defaulted,
        late=late,
        open=still_open,
        mean_predicted=round(float(predicted.mean()), 4),
        observed=round(rate, 4),
        brier=round(float(((predicted - happened) ** 2).mean()), 5),
        base_rate_brier=round(rate * (1 - rate), 5),
        bins=bins,
    )


def _psi(reference: Reference, histogram: Histogram, values: Integers) -> float:
    return round(psi(histogram.shares, reference.rows, histogram.counts(values)), 4)
