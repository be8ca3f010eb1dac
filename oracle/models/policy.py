"""The policy: where the categories begin, how the score and the terms follow from probabilities.

All numbers are choices of a lender, not measurements; a probability is for the loan's own duration.
"""

from bisect import bisect_right
from dataclasses import dataclass, fields
from itertools import pairwise
from math import log
from typing import Final

from oracle.assessment.errors import ConfigurationFault

FRAUD_LEVELS: Final = (0.002, 0.008, 0.02, 0.05, 0.10, 0.20, 0.35, 0.50, 0.75, 0.95, 0.99)
"""Fraud likelihoods between which the calibrated curve is straight, as many as the network has hinges for it."""
SCORE_POINTS: Final = 10
"""As many as the network has hinges for the probability of default."""

# Nearer levels, or a price that hardly rises with risk, would come out flat on the circuit's grid.
_SMALLEST_GAP = 0.005
_SMALLEST_LOSS = 0.10


class PolicyFault(ConfigurationFault):
    """A policy that contradicts itself, or that the network cannot hold."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and prices; fractions, unless the name says otherwise. Raises PolicyFault for one that cannot hold."""

    medium_default: float = 0.10
    high_default: float = 0.30
    medium_fraud: float = 0.50
    high_fraud: float = 0.75
    base_rate: float = 0.04
    margin: float = 0.02
    loss_given_default: float = 0.45
    maximum_ltv: float = 0.85
    liquidation_bonus: float = 0.05
    shortfall_quantile: float = 0.05
    duration_cap_default: float = 0.20
    score_points: tuple[tuple[float, float], ...] = (
        (0.005, 0.97),
        (0.02, 0.90),
        (0.05, 0.81),
        (0.10, 0.70),
        (0.18, 0.56),
        (0.30, 0.40),
        (0.40, 0.30),
        (0.50, 0.22),
        (0.75, 0.08),
        (0.95, 0.02),
    )
    """(probability of default, score): strictly falling, straight lines between."""
    depth_terms: tuple[tuple[str, float, float], ...] = (
        ("sent_count", 0.45, 0.21),
        ("borrowing_age", 0.70, 0.395),
        ("counterparties", 0.50, 0.395),
    )
    """(feature, encoded fraction that counts as deep, confidence lost when the feature is 0).

    Any two of them together cost more than is left above `thin_below`: a wallet that is known by one of them alone
    (transactions to itself, gifts of strangers, one old loan) is thin, whatever else is said of it.
    """
    distance_terms: tuple[tuple[str, str, float], ...] = (
        ("market_volatility", "above", 0.50),
        ("market_volatility", "below", 0.30),
        ("loan_duration", "above", 0.60),
        ("sent_count", "above", 0.30),
    )
    """(feature, side of the training loans' quantiles, confidence lost at the feature's end on that side)."""
    training_quantile: float = 0.005
    """The share of training loans beyond each side's quantile: nearer ones cost nothing."""
    thin_below: float = 0.40
    """A confidence under this marks a wallet as thin: too little is known, or nothing like it was met in training."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, int | float)
            if isinstance(field.default, float) and not (number and 0 <= value <= 1):
                raise PolicyFault(f"policy.{field.name} is {value!r}, expected a fraction from 0 to 1")
        self._check_points()
        for kind, levels in (("default", [level for level, _ in self.score_points]), ("fraud", list(FRAUD_LEVELS))):
            medium, high = getattr(self, f"medium_{kind}"), getattr(self, f"high_{kind}")
            low, top = levels[0] + _SMALLEST_GAP, levels[-1] - _SMALLEST_GAP
            for name, value in ((f"medium_{kind}", medium), (f"high_{kind}", high)):
                if not low <= value <= top:
                    raise PolicyFault(f"policy.{name} is {value}, expected {low:g} to {top:g}")
            if high - medium < _SMALLEST_GAP:
                raise PolicyFault(
                    f"policy.medium_{kind} is {medium}, expected at least {_SMALLEST_GAP} under high_{kind} ({high})"
                )
        if self.loss_given_default < _SMALLEST_LOSS:
            raise PolicyFault(
                f"policy.loss_given_default is {self.loss_given_default}, expected at least {_SMALLEST_LOSS}: the"
                " interest rate must rise with the probability on the circuit's grid"
            )
        if (highest := self.base_rate + self.margin + self.loss_given_default) > 1:
            raise PolicyFault(
                f"policy.base_rate + margin + loss_given_default is {highest:g}, expected at most 1: the largest"
                " interest rate that the circuit can give is 100 % a year"
            )

    def _check_points(self) -> None:
        levels, scores = zip(*self.score_points, strict=True)
        rising = all(left < right for left, right in pairwise(levels))
        falling = all(left > right for left, right in pairwise(scores))
        if len(levels) != SCORE_POINTS or not rising or not falling or not 0 < levels[0] <= levels[-1] < 1:
            raise PolicyFault(
                f"policy.score_points are {self.score_points}, expected {SCORE_POINTS} pairs of a rising probability"
                " between 0 and 1 and a falling score"
            )

    def default_points(self) -> tuple[tuple[float, float], ...]:
        """Return `score_points` with the thresholds of the probability among them, on the same straight lines.

        A category begins at a hinge of the network, so a threshold that is none of the points takes the nearest one's
        place.
        """
        levels = _with_levels(tuple(level for level, _ in self.score_points), self.medium_default, self.high_default)
        return tuple((level, self._score_at(level)) for level in levels)

    def fraud_levels(self) -> tuple[float, ...]:
        """Return FRAUD_LEVELS with the thresholds of the fraud likelihood among them; see `default_points`."""
        return _with_levels(FRAUD_LEVELS, self.medium_fraud, self.high_fraud)

    def _score_at(self, level: float) -> float:
        known = dict(self.score_points)
        if level in known:
            return known[level]
        place = bisect_right([own for own, _ in self.score_points], level)
        (left, above), (right, below) = self.score_points[place - 1 : place + 1]
        return above + (below - above) * (level - left) / (right - left)


def _with_levels(levels: tuple[float, ...], *thresholds: float) -> tuple[float, ...]:
    found = list(levels)
    for threshold in thresholds:
        if threshold not in found:
            # The ends hold the curve's range, and no threshold gives way to another.
            inner = [level for level in found[1:-1] if level not in thresholds]
            found.remove(min(inner, key=lambda level: abs(_log_odds(level) - _log_odds(threshold))))
            found = sorted([*found, threshold])
    return tuple(found)


def _log_odds(probability: float) -> float:
    return log(probability / (1 - probability))


POLICY: Final = Policy()
