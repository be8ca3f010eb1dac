"""Reason codes: contributions to score, fraud likelihood and confidence, in words that give nothing private away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.outputs import OUTPUTS
from oracle.models.baseline import BASELINE, BASELINE_ENCODED
from oracle.models.explain import Contributions, attribute
from oracle.models.inference import Inference, Model
from oracle.models.wording import EXPLAINED, PRIVATE_GROUP, WORDING, tell_value

TOLD_WITH: Final = {"collateral_buffer": "loan_to_value", "debt_to_collateral": "health_factor"}
"""Features that say the same as another one: their contributions are added to that one's."""

_MOST_REASONS: Final = 6
_SMALLEST_POINTS: Final = 0.1
_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause: `points` of 100 that it adds to the output, negative where it takes away.

    `feature` is a public feature's name, or None for all private data together, whose value is withheld.
    """

    feature: str | None
    points: float
    text: str

    def plain(self) -> dict[str, Any]:
        """Return the reason as it is stored."""
        return {"feature": self.feature, "points": round(self.points, 2), "text": self.text}


@dataclass(frozen=True, slots=True)
class Explained:
    """One output: the wallet's points, the baseline's, and what makes the difference.

    `points - baseline` is the sum of the reasons' points and of `others`, the causes too small to tell.
    """

    output: str
    points: float
    baseline: float
    reasons: tuple[Reason, ...]
    others: float

    def plain(self) -> dict[str, Any]:
        """Return the explanation of the output as it is stored."""
        return {
            "points": round(self.points, 2),
            "baseline": round(self.baseline, 2),
            "reasons": [reason.plain() for reason in self.reasons],
            "others": round(self.others, 2),
        }


def explain_outputs(
    model: Model, chain: Sequence[int], values: Mapping[str, Decimal | None], private: Sequence[int]
) -> list[Explained]:
    """Return why each explained output is what it is; see `explain_answer`."""
    return explain_answer(model, chain, values, model.infer(chain, private))


def explain_answer(
    model: Model, chain: Sequence[int], values: Mapping[str, Decimal | None], full: Inference
) -> list[Explained]:
    """Return why each explained output of the answer `full` is what it is; `values` are the features in `chain`.

    The way from the baseline has two legs: first the public features, with private data absent, then all private data
    at once. What the second leg adds is the difference of two scores, which whoever knows the public features and the
    published score can compute: the explanation says nothing more about private data than the score itself does.
    """
    contributions = attribute(model.exact, chain, BASELINE_ENCODED, tuple(EXPLAINED))
    public = model.infer(chain, NEUTRAL_PRIVATE)
    start = model.infer(BASELINE_ENCODED, NEUTRAL_PRIVATE)
    found = []
    for output in EXPLAINED:
        column = _COLUMN[output]
        by_private = full.fractions[column] - public.fractions[column]
        reasons = [
            _public_reason(output, name, 100 * share, values) for name, share in _joined(contributions[output]).items()
        ]
        reasons.append(_private_reason(output, 100 * by_private))
        reasons.sort(key=lambda reason: -abs(reason.points))
        told = tuple(reason for reason in reasons[:_MOST_REASONS] if abs(reason.points) >= _SMALLEST_POINTS)
        points, baseline = 100 * full.fractions[column], 100 * start.fractions[column]
        others = points - baseline - sum(reason.points for reason in told)
        found.append(Explained(output, points, baseline, told, others))
    return found


def _joined(contributions: Contributions) -> Contributions:
    joined: Contributions = {}
    for name, share in contributions.items():
        name = TOLD_WITH.get(name, name)
        joined[name] = joined.get(name, 0.0) + share
    return joined


def _public_reason(output: str, name: str, points: float, values: Mapping[str, Decimal | None]) -> Reason:
    given, usual = tell_value(name, values[name]), tell_value(name, BASELINE[name])
    compared = "" if given == usual else f" (good standing: {usual})"
    return Reason(name, points, f"{WORDING[name].name} {given}{compared} {_effect(output, points)}")


def _private_reason(output: str, points: float) -> Reason:
    return Reason(None, points, f"{PRIVATE_GROUP} (value withheld) {_effect(output, points)}")


def _effect(output: str, points: float) -> str:
    return f"{'raises' if points > 0 else 'lowers'} the {EXPLAINED[output]} by {abs(points):.1f} points"
