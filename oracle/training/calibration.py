"""Piecewise-linear calibration: from a network's score to a probability, as a sum of ReLUs."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from oracle.models.fixed_point import WEIGHT_BITS

Floats = npt.NDArray[np.float64]

_BINS = 40


@dataclass(frozen=True, slots=True)
class Curve:
    """f(z) = start + sum of coefficients[i] * relu(z - knots[i]); flat before the first knot and after the last."""

    knots: tuple[float, ...]
    start: float
    coefficients: tuple[float, ...]

    def __call__(self, scores: Floats) -> Floats:
        hinges = np.maximum(scores[:, None] - np.array(self.knots)[None, :], 0.0)
        return np.asarray(self.start + hinges @ np.array(self.coefficients))


def platt_knots(
    scores: Floats, labels: npt.NDArray[np.int64] | Floats, levels: tuple[float, ...], weights: Floats | None = None
) -> tuple[float, ...]:
    """Return the scores at which a logistic fit to (scores, labels 0..1) reaches each probability level.

    Platt (1999). Raises ValueError when a higher score does not mean a higher probability.
    """
    # A soft label is two rows, one of each class, that share the row's weight.
    own = np.ones(len(scores)) if weights is None else weights
    fit = LogisticRegression(C=1e6).fit(
        np.concatenate([scores, scores])[:, None],
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([own * labels, own * (1 - labels)]),
    )
    slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope <= 0:
        raise ValueError(f"the score falls with the label (slope {slope}): nothing to calibrate")
    return tuple((float(np.log(level / (1 - level))) - offset) / slope for level in levels)


def isotonic_knots(scores: Floats, targets: Floats, levels: tuple[float, ...], weights: Floats) -> tuple[float, ...]:
    """Return the scores at which the mean target reaches each probability level, rising with the score throughout.

    Isotonic regression over equally filled bins, joined by straight lines in log odds; levels beyond the outermost bins
    lie where Platt's line, shifted to the bin, puts them.
    """
    bins = np.array_split(np.argsort(scores, kind="stable"), _BINS)
    centres = np.array([np.average(scores[rows], weights=weights[rows]) for rows in bins])
    means = np.array([np.average(targets[rows], weights=weights[rows]) for rows in bins])
    sizes = np.array([weights[rows].sum() for rows in bins])
    fitted = IsotonicRegression().fit_transform(centres, means, sample_weight=sizes)
    distinct, first = np.unique(np.clip(fitted, 1e-4, 1 - 1e-4), return_index=True)
    known = np.log(distinct / (1 - distinct))
    # A flat stretch stands at its middle.
    last = np.append(first[1:], len(fitted)) - 1
    places = (centres[first] + centres[last]) / 2
    ends = platt_knots(scores, targets, (0.25, 0.75), weights)
    slope = 2 * np.log(3) / (ends[1] - ends[0])
    knots: list[float] = []
    for level in levels:
        odds = float(np.log(level / (1 - level)))
        if odds < known[0]:
            place = places[0] - (known[0] - odds) / slope
        elif odds > known[-1]:
            place = places[-1] + (odds - known[-1]) / slope
        else:
            place = float(np.interp(odds, known, places))
        knots.append(float(place))
    return tuple(knots)


def curve_through(knots: tuple[float, ...], values: tuple[float, ...]) -> Curve:
    """Return the curve through (knots, values) whose slopes lie on the weight grid.

    Each segment aims from the value really reached at the next value wanted, so that rounding does not add up.
    Raises ValueError when a segment would come out flat or turn around: the values must stay strictly monotone.
    """
    step = 2.0**-WEIGHT_BITS
    reached, slopes = values[0], [0.0]
    for left, right, wanted in zip(knots[:-1], knots[1:], values[1:], strict=True):
        slope = round((wanted - reached) / (right - left) / step) * step
        if slope * (values[-1] - values[0]) <= 0:
            raise ValueError(f"the segment from {left:.3f} to {right:.3f} is flat on the weight grid: spread the score")
        reached += slope * (right - left)
        slopes.append(slope)
    slopes.append(0.0)
    return Curve(knots, values[0], tuple(after - before for before, after in pairwise(slopes)))
