"""Recourse for private features: computed only where the opening is at hand, and for the borrower's eyes alone.

Its words tell private values, so they are for the screen of the one who has the opening: nothing here is stored, logged
or sent. What the quantised network does not confirm is not advised.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations
from typing import Final

from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.outputs import Category, Scores
from oracle.assessment.private import check_consistent
from oracle.models.inference import Model
from oracle.models.levers import Situation
from oracle.models.private_levers import PRIVATE_LEVERS, PrivateLever
from oracle.models.recourse import Option, find_recourse

_MOST_OPTIONS: Final = 4
_JOINT_STEPS: Final = 20

Levers = tuple[PrivateLever, ...]


def private_recourse(
    model: Model,
    now: Situation | None,
    values: Mapping[str, Decimal | None],
    encoded_chain: Sequence[int],
    encoded_private: Sequence[int],
    levers: Sequence[PrivateLever] = PRIVATE_LEVERS,
) -> list[Option]:
    """Return what of a passport leads to each better category, then what of the wallet and the loan does beside it.

    `encoded_private` are the 24 features, with or without salt. One lever alone is told where it suffices, else two,
    else all; the smallest step that suffices. Without `now`, the situation that `values` were made of, only the
    passport's. Raises InvalidFeature for private features that no passport encodes to.
    """
    check_consistent(encoded_private)
    private = list(encoded_private)[: len(PRIVATE_FEATURES)]
    present = model.infer(encoded_chain, private).scores.category
    search = _PrivateSearch(model, encoded_chain, private)
    movable = [lever for lever in levers if any(search.changed((lever,), step) for step in range(1, lever.steps + 1))]
    groups: list[list[Levers]] = [[(lever,) for lever in movable], list(combinations(movable, 2)), [tuple(movable)]]
    found: list[Option] = []
    for target in sorted((category for category in Category if category < present), reverse=True):
        for group in groups:
            if options := search.options([one for one in group if one], target):
                known = {option.text for option in found}
                found += [option for option in options if option.text not in known]
                break
    public = [] if now is None else find_recourse(model, now, values, encoded_chain, private)
    return found + public


class _PrivateSearch:
    """Asks the model about every step of a way at once: there are a hundred at most."""

    def __init__(self, model: Model, chain: Sequence[int], private: Sequence[int]) -> None:
        self._model, self._chain, self._private = model, chain, private
        self._values = {
            feature.name: feature.decode(code) for feature, code in zip(PRIVATE_FEATURES, private, strict=True)
        }

    def options(self, groups: Sequence[Levers], target: Category) -> list[Option]:
        """Return the smallest sufficient step of each group of levers that suffices at all, least effort first."""
        found = [option for levers in groups if (option := self._first(levers, target)) is not None]
        return sorted(found, key=lambda option: option.effort)[:_MOST_OPTIONS]

    def changed(self, levers: Levers, step: int) -> tuple[dict[str, Decimal], list[str]] | None:
        """Return the features that a step changes and its words; None when a lever has nothing to change there."""
        after, words = dict(self._values), []
        for lever in levers:
            change = lever.pull(after, -(-step * lever.steps // _steps(levers)))
            if change is None:
                return None
            after |= change[0]
            words.append(change[1])
        return after, words

    def _first(self, levers: Levers, target: Category) -> Option | None:
        steps = [(step, change) for step in range(1, _steps(levers) + 1) if (change := self.changed(levers, step))]
        answers = self._scores([self._encode(change[0]) for _, change in steps])
        for (step, (_, words)), scores in zip(steps, answers, strict=True):
            if scores.category <= target:
                text = f"{' and '.join(words)}: then {scores.category.name.lower()} risk, score"
                names = tuple(lever.name for lever in levers)
                return Option(names, step / _steps(levers), scores, f"{text} {scores.score_bps / 100:.1f}")
        return None

    def _encode(self, after: Mapping[str, Decimal]) -> list[int]:
        return [
            code if after[feature.name] == self._values[feature.name] else feature.encode(after[feature.name])
            for feature, code in zip(PRIVATE_FEATURES, self._private, strict=True)
        ]

    def _scores(self, privates: Sequence[Sequence[int]]) -> list[Scores]:
        return [answer.scores for answer in self._model.infer_openings(self._chain, privates)]


def _steps(levers: Levers) -> int:
    return levers[0].steps if len(levers) == 1 else _JOINT_STEPS
