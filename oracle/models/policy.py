"""The policy: where the categories begin, how the score and the terms follow from probabilities.

All numbers are choices of a lender, not measurements; a probability is for the loan's own duration.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds and prices; fractions, unless the name says otherwise."""

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
        ("sent_count", 0.45, 0.30),
        ("borrowing_age", 0.70, 0.30),
        ("counterparties", 0.50, 0.15),
    )
    """(feature, encoded fraction that counts as deep, confidence lost when the feature is 0)."""
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


POLICY: Final = Policy()
