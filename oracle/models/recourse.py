"""Recourse: the smallest changes that a person can make and that lead to a better category, as the model confirms.

Each candidate is a changed history or loan; the features are made of it as the daemon makes them, and the quantised
network, the one that is proven, gives its category. What it does not confirm is not advised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

from oracle.assessment.engineering import measure
from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import Category, Scores
from oracle.models.inference import Model
from oracle.models.levers import LEVERS, Change, Lever, Situation
from oracle.models.wording import WORDING, tell_value

_MOST_OPTIONS: Final = 4
# Levers pulled together go the same share of their ways, in this many steps.
_JOINT_STEPS: Final = 20
# A way is looked at in so many places before the stretch in which it first suffices is halved.
_PLACES: Final = 8
_JOINT_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Option:
    """What to do, in words; the scores that the model then gives; `effort`, the share of the levers' ways, 0 to 1."""

    levers: tuple[str, ...]
    effort: float
    scores: Scores
    text: str

    def plain(self) -> dict[str, Any]:
        """Return the option as it is stored."""
        return {
            "levers": list(self.levers),
            "effort": round(self.effort, 3),
            "category": self.scores.category.name.lower(),
            "score": self.scores.score_bps / 100,
            "probability_of_default": self.scores.probability_of_default_bps / 100,
            "text": self.text,
        }


def find_recourse(
    model: Model,
    now: Situation,
    values: Mapping[str, Decimal | None],
    encoded: Sequence[int],
    private: Sequence[int],
    levers: Sequence[Lever] = LEVERS,
) -> list[Option]:
    """Return what leads to each better category, the nearest category and the least effort first; empty for none.

    `values` and `encoded` are the present features. One lever alone is told where it suffices; else two together, else
    all. What is told suffices and a step less does not, whether or not the model is monotone on the way.
    """
    search = _Search(model, now, values, encoded, private)
    movable = [lever for lever in levers if lever.pull(now, lever.steps) is not None]
    alone, pairs, together = [(lever,) for lever in movable], list(combinations(movable, 2)), [tuple(movable)]
    found: list[Option] = []
    for target in sorted((category for category in Category if category < search.present), reverse=True):
        options = search.options(alone, target)
        # Where all together do not help, two are not tried: a fraud, say, is nothing that a better loan heals.
        if not options and (options := search.options(together, target)):
            options = search.options(pairs, target) or options
        known = {option.text for option in found}
        found += [option for option in options if option.text not in known]
    return found


class _Search:
    """Remembers what the model said of each candidate."""

    def __init__(
        self,
        model: Model,
        now: Situation,
        values: Mapping[str, Decimal | None],
        encoded: Sequence[int],
        private: Sequence[int],
    ) -> None:
        self._model, self._now, self._private = model, now, private
        self._values, self._encoded = values, encoded
        self._known: dict[tuple[tuple[Lever, ...], int], Scores] = {}
        self.present = model.infer(encoded, private).scores.category

    def options(self, groups: Sequence[tuple[Lever, ...]], target: Category) -> list[Option]:
        """Return the smallest sufficient step of each group of levers that suffices at all, least effort first."""
        groups = [levers for levers in groups if levers]
        self._look([(levers, place) for levers in groups for place in _places(levers)])
        found = []
        for levers in groups:
            low = 0
            for high in _places(levers):
                if self._suffices(levers, high, target):
                    step = self._first(levers, low, high, target)
                    found.append(self._option(self._needed(levers, step, target), step))
                    break
                low = high
        return sorted(found, key=lambda option: option.effort)[:_MOST_OPTIONS]

    def _first(self, levers: tuple[Lever, ...], low: int, high: int, target: Category) -> int:
        """Return a sufficient step of low..high whose step before is not; `low` is not, `high` is."""
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._suffices(levers, middle, target) else (middle, high)
        return high

    def _needed(self, levers: tuple[Lever, ...], step: int, target: Category) -> tuple[Lever, ...]:
        """Return the levers without those that change nothing about the target; two were looked at before."""
        for lever in levers:
            rest = tuple(one for one in levers if one is not lever)
            if len(rest) > 1 and self._suffices(rest, step, target):
                levers = rest
        return levers

    def _suffices(self, levers: tuple[Lever, ...], step: int, target: Category) -> bool:
        self._look([(levers, step)])
        return self._known[levers, step].category <= target

    def _look(self, candidates: Sequence[tuple[tuple[Lever, ...], int]]) -> None:
        """Ask the model, once, about all that it was not asked about yet."""
        new = [candidate for candidate in candidates if candidate not in self._known]
        answers = self._model.infer_many([self._encode(self._changed(*one)[0]) for one in new], self._private)
        self._known |= {one: answer.scores for one, answer in zip(new, answers, strict=True)}

    def _changed(self, levers: tuple[Lever, ...], step: int) -> tuple[Situation, list[str]]:
        situation, words = self._now, []
        for lever in levers:
            own = -(-step * lever.steps // _steps(levers))
            change: Change | None = lever.pull(situation, own)
            if change is not None:
                situation = change[0]
                words.append(change[1])
        return situation, words

    def _encode(self, situation: Situation) -> list[int]:
        after = measure(situation.history, situation.terms)
        return [
            # Encoding takes logarithms: most features stay.
            code if after[feature.name] == self._values[feature.name] else feature.encode(after[feature.name])
            for feature, code in zip(FEATURES, self._encoded, strict=True)
        ]

    def _option(self, levers: tuple[Lever, ...], step: int) -> Option:
        situation, words = self._changed(levers, step)
        after, scores = measure(situation.history, situation.terms), self._known[levers, step]
        moved = dict.fromkeys(lever.feature for lever in levers)
        reached = ", ".join(f"{WORDING[name].name} {tell_value(name, after[name])}" for name in moved)
        text = (
            f"{' and '.join(words)}: {reached}; then {scores.category.name.lower()} risk, "
            f"score {scores.score_bps / 100:.1f}"
        )
        return Option(tuple(lever.name for lever in levers), step / _steps(levers), scores, text)


def _steps(levers: tuple[Lever, ...]) -> int:
    return levers[0].steps if len(levers) == 1 else _JOINT_STEPS


def _places(levers: tuple[Lever, ...]) -> list[int]:
    last, places = _steps(levers), _PLACES if len(levers) == 1 else _JOINT_PLACES
    return sorted({-(-last * place // places) for place in range(1, places + 1)})
