"""The output table: what the circuit computes, in which order, and what a number in it is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

BASIS_POINTS: Final = 10_000


class Category(IntEnum):
    """The risk category, as the contract numbers it."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class Output:
    """One output of the circuit; `full_scale` is the value, in `unit`, of the fraction 1 (0: a bare margin)."""

    name: str
    unit: str
    full_scale: int


OUTPUTS: Final[tuple[Output, ...]] = (
    Output("risk_low", "margin", 0),
    Output("risk_medium", "margin", 0),
    Output("risk_high", "margin", 0),
    Output("score", "points", 100),
    Output("probability_of_default", "percent", 100),
    Output("fraud_likelihood", "percent", 100),
    Output("interest_rate", "percent a year", 100),
    Output("duration", "days", 365),
    Output("maximum_ltv", "percent", 100),
    Output("confidence", "percent", 100),
)


@dataclass(frozen=True, slots=True)
class Scores:
    """A decoded answer, exactly as the contract decodes it: basis points, except `duration_days`."""

    category: Category
    score_bps: int
    probability_of_default_bps: int
    fraud_likelihood_bps: int
    interest_rate_bps: int
    duration_days: int
    maximum_ltv_bps: int
    confidence_bps: int


def decode_outputs(outputs: Sequence[int], scales: Sequence[int]) -> Scores:
    """Decode signed fixed-point outputs (`outputs[i] / 2**scales[i]`), rounding down, clamped to the full scale.

    The category is the largest of the three margins; a tie goes to the riskier one.
    Raises ValueError when either length is not the table's.
    """
    if len(outputs) != len(OUTPUTS) or len(scales) != len(OUTPUTS):
        raise ValueError(f"expected {len(OUTPUTS)} outputs and scales, got {len(outputs)} and {len(scales)}")

    def fraction(index: int, full_scale: int) -> int:
        return min(max((outputs[index] * full_scale) >> scales[index], 0), full_scale)

    # Margins can differ in scale: compare them at the largest.
    widest = max(scales[:3])
    margins = [outputs[index] << (widest - scales[index]) for index in range(3)]
    category = max(Category, key=lambda candidate: (margins[candidate], candidate))
    return Scores(
        category=category,
        score_bps=fraction(3, BASIS_POINTS),
        probability_of_default_bps=fraction(4, BASIS_POINTS),
        fraud_likelihood_bps=fraction(5, BASIS_POINTS),
        interest_rate_bps=fraction(6, BASIS_POINTS),
        duration_days=fraction(7, OUTPUTS[7].full_scale),
        maximum_ltv_bps=fraction(8, BASIS_POINTS),
        confidence_bps=fraction(9, BASIS_POINTS),
    )
