"""Distillation: gradient boosting and extra trees teach a small network, on real rows and on rows made between them.

Hinton et al. (2015). A teacher judges a real row only by models that did not see it; made rows take each column
from one of two real rows, so that the network also learns what the trees say where data are thin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from oracle.training.fit import Recipe, Standard, Trunk, fit

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to distil with: `trees` of the extra-trees teacher (0: boosting alone), boosting's rounds, rate and `leaves`
    a tree, made rows for each real one, how many of a row's columns come from elsewhere on average, the teacher's
    weight against the label."""

    recipe: Recipe
    trees: int = 0
    boosting_rounds: int = 200
    boosting_rate: float = 0.1
    leaves: int = 31
    made_rows: int = 4
    exchanged: float = 0.25
    real_copies: int = 2
    teacher_share: float = 0.5


Pairs = tuple[tuple[int, int], ...]


class Teacher:
    """Fold models that answer with their mean; `unseen` are their opinions of the rows they were not fitted on.

    They also see the difference of each of the `pairs` of columns: on a logarithmic scale, a ratio. A network makes
    such differences itself, a tree cannot. `committee` makes a fold's models; by default they are the lesson's.
    """

    def __init__(
        self,
        encoded: Codes,
        labels: Codes,
        lesson: Lesson,
        seed: int,
        pairs: Pairs = (),
        committee: Callable[[], list[Any]] | None = None,
    ) -> None:
        self._pairs = pairs
        self.unseen: Floats = np.zeros(len(labels))
        self._models: list[list[Any]] = []
        # Rows with the same features stay together, or a fold would know the answer.
        _, group = np.unique(encoded, axis=0, return_inverse=True)
        seen = self._view(encoded)
        for fitted, held in GroupKFold(_FOLDS).split(encoded, labels, group.ravel()):
            models = _of_lesson(lesson, seed) if committee is None else committee()
            for model in models:
                model.fit(seen[fitted], labels[fitted])
            self._models.append(models)
            self.unseen[held] = _mean(models, seen[held])

    def __call__(self, encoded: Codes) -> Floats:
        """Return the mean probability (n,) of all fold models."""
        seen = self._view(encoded)
        return np.asarray(np.mean([_mean(models, seen) for models in self._models], axis=0))

    def _view(self, encoded: Codes) -> Codes:
        return np.hstack([encoded, *(encoded[:, [left]] - encoded[:, [right]] for left, right in self._pairs)])


def _of_lesson(lesson: Lesson, seed: int) -> list[Any]:
    boosting = HistGradientBoostingClassifier(
        random_state=seed,
        max_iter=lesson.boosting_rounds,
        learning_rate=lesson.boosting_rate,
        max_leaf_nodes=lesson.leaves,
        early_stopping=False,
    )
    return [boosting, *([ExtraTreesClassifier(lesson.trees, random_state=seed)] if lesson.trees else [])]


def _mean(models: list[Any], encoded: Codes) -> Floats:
    return np.asarray(np.mean([model.predict_proba(encoded)[:, 1] for model in models], axis=0))


def distil(
    encoded: Codes,
    labels: Codes,
    hidden: tuple[int, int],
    lesson: Lesson,
    seed: int,
    *,
    validation: tuple[Codes, Codes] | None = None,
    pinned: tuple[Codes, Floats] | None = None,
    pairs: Pairs = (),
) -> Trunk:
    """Return a trunk (its head gives log odds) that imitates the teachers; `pinned` rows get their targets as given.

    `validation` (rows, labels) decides between several starts; raises ValueError for several without it.
    """
    if lesson.recipe.starts > 1 and validation is None:
        raise ValueError(f"{lesson.recipe.starts} starts need validation rows to choose by")
    teacher = Teacher(encoded, labels, lesson, seed, pairs)
    made = made_rows(encoded, lesson, seed)
    soft = (1 - lesson.teacher_share) * labels + lesson.teacher_share * teacher.unseen
    rows, wanted = [encoded] * lesson.real_copies + [made], [soft] * lesson.real_copies + [teacher(made)]
    if pinned is not None:
        rows.append(pinned[0])
        wanted.append(pinned[1])
    standard = Standard.of(encoded)
    inputs = standard(np.concatenate(rows))
    targets = torch.tensor(np.concatenate(wanted)[:, None], dtype=torch.float32)
    found: list[tuple[float, int, Trunk]] = []
    for start in range(lesson.recipe.starts):
        torch.manual_seed(seed + start)
        trunk = Trunk(encoded.shape[1], hidden, 1, list(range(encoded.shape[1])))
        fit(trunk, inputs, targets, lesson.recipe, seed + start)
        loss = 0.0
        if validation is not None and lesson.recipe.starts > 1:
            expected = (1 - lesson.teacher_share) * validation[1] + lesson.teacher_share * teacher(validation[0])
            loss = _loss(trunk, standard(validation[0]), expected)
        found.append((loss, start, trunk))
    best = min(found, key=lambda one: one[:2])[2]
    standard.undo(best)
    return best


def _loss(trunk: Trunk, inputs: Tensor, expected: Floats) -> float:
    with torch.no_grad():
        given = trunk(inputs)[:, 0].double()
    return float(binary_cross_entropy_with_logits(given, torch.from_numpy(expected)))


def made_rows(encoded: Codes, lesson: Lesson, seed: int) -> Codes:
    """Return rows of which each takes its columns from one of two real rows."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(lesson.made_rows):
        other = encoded[rng.permutation(len(encoded))]
        share = 2 * lesson.exchanged * rng.random((len(encoded), 1))
        made.append(np.where(rng.random(encoded.shape) < share, other, encoded))
    return np.concatenate(made)
