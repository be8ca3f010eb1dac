"""The explanation of an assessment: reasons, recourse, clipped features, and whether the wallet is thin."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import BASIS_POINTS, Category, Scores
from oracle.models.inference import Inference, Model
from oracle.models.kept_policy import policy_of
from oracle.models.levers import Situation
from oracle.models.policy import POLICY, Policy
from oracle.models.reasons import Explained, explain_answer
from oracle.models.recourse import Option, find_recourse
from oracle.models.wording import WORDING, tell_value


@dataclass(frozen=True, slots=True)
class Clipped:
    """A public feature outside its range: the model saw the range's end instead."""

    feature: str
    text: str

    def plain(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return {"feature": self.feature, "text": self.text}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is told of one assessment; it holds no value of a private feature.

    `recourse` is None where private data, which are not known here, decide it. `anomaly_score` is the share, in
    percent, of honest accounts whose flow of coin is more ordinary.
    """

    category: Category
    thin: bool
    outputs: tuple[Explained, ...]
    recourse: tuple[Option, ...] | None
    clipped: tuple[Clipped, ...]
    anomaly_score: float | None

    def plain(self) -> dict[str, Any]:
        """Return the explanation as it is stored; `thin` and the anomaly score have columns of their own."""
        return {
            "category": self.category.name.lower(),
            "outputs": {one.output: one.plain() for one in self.outputs},
            "recourse": [option.plain() for option in self.recourse or ()],
            "recourse_withheld": self.recourse is None,
            "clipped": [one.plain() for one in self.clipped],
        }


def explain(
    model: Model,
    now: Situation,
    values: Mapping[str, Decimal | None],
    encoded: Sequence[int],
    private: Sequence[int],
) -> Explanation:
    """Explain the model's answer for a wallet and a loan; pure computation, some tens of milliseconds.

    `values` are the 32 public features in their units, `encoded` the same as the model sees them, `private` the
    encoded private ones.
    """
    recourse = tuple(find_recourse(model, now, values, encoded, private))
    return _explanation(model, values, encoded, model.infer(encoded, private), recourse)


def explain_committed(
    model: Model, values: Mapping[str, Decimal | None], encoded: Sequence[int], answer: Inference
) -> Explanation:
    """Explain an answer about private data that are not known here, of what its proof makes public; see `explain`.

    Recourse is left out: what the model would say of these data in another case, only who has them can find out.
    """
    return _explanation(model, values, encoded, answer, None)


def _explanation(
    model: Model,
    values: Mapping[str, Decimal | None],
    encoded: Sequence[int],
    answer: Inference,
    recourse: tuple[Option, ...] | None,
) -> Explanation:
    return Explanation(
        category=answer.scores.category,
        thin=is_thin(answer.scores, policy_of(model.source.directory, model.exact)),
        outputs=tuple(explain_answer(model, encoded, values, answer)),
        recourse=recourse,
        clipped=tuple(clipped(values)),
        anomaly_score=None if model.anomaly is None else model.anomaly.score(encoded),
    )


def is_thin(scores: Scores, policy: Policy = POLICY) -> bool:
    """Whether too little is known of the wallet for its score to say much, by the policy of the model that gave it."""
    return scores.confidence_bps < policy.thin_below * BASIS_POINTS


def clipped(values: Mapping[str, Decimal | None]) -> Iterator[Clipped]:
    """Yield the features whose values lie outside their range."""
    for feature in FEATURES:
        value = values[feature.name]
        if value is None or feature.low <= value <= feature.high:
            continue
        low, high = (tell_value(feature.name, end) for end in (feature.low, feature.high))
        text = (
            f"{WORDING[feature.name].name} {tell_value(feature.name, value)} is outside {low} to {high}:"
            f" the model saw {high if value > feature.high else low}"
        )
        yield Clipped(feature.name, text)
