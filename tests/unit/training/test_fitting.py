"""How trunks are fitted: directions hold, standardisation leaves no trace, passports are silent when absent."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from oracle.training.assemble import round_to_match
from oracle.training.calibration import isotonic_knots
from oracle.training.distil import Lesson, Teacher, distil
from oracle.training.fit import Recipe, Standard, Trunk, fit
from oracle.training.heads import fit_passport
from oracle.training.passports import Passports
from oracle.training.split import TRAIN

QUICK = Lesson(Recipe(epochs=3, batch=64), boosting_rounds=5, made_rows=1)


def encoded(rows: int = 400, columns: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1025, (rows, columns))


def test_trunk__directions_given__never_moves_the_wrong_way_yet_is_not_convex() -> None:
    torch.manual_seed(0)
    directions = torch.tensor([1.0, -1.0, 0.0])
    trunk = Trunk(3, (12, 6), 1, [0, 1, 2], directions)
    inputs = torch.rand(500, 3)
    # Rises steeply, then stays: what a convex function cannot do.
    target = 0.2 + 0.5 * torch.clamp(4 * inputs[:, :1], max=1.0)
    fit(trunk, inputs, target, Recipe(epochs=60, batch=64, learning_rate=2e-2), seed=0)
    for column, direction in ((0, 1.0), (1, -1.0)):
        line = torch.full((50, 3), 0.5)
        line[:, column] = torch.linspace(0, 1, 50)
        with torch.no_grad():
            steps = trunk(line)[:, 0].diff() * direction
        assert bool((steps >= -1e-6).all())
    with torch.no_grad():
        low, middle, high = trunk(torch.tensor([[0.0, 0.5, 0.5], [0.25, 0.5, 0.5], [1.0, 0.5, 0.5]]))[:, 0].tolist()
    assert (middle - low) / 0.25 > 2 * (high - middle) / 0.75


def test_standard__undone__gives_the_same_scores_on_bare_fractions() -> None:
    rows = encoded()
    rows[:, 2] = 1024  # constant, like a presence flag
    standard = Standard.of(rows)
    torch.manual_seed(1)
    trunk = Trunk(4, (6, 3), 1, [0, 1, 2, 3])
    with torch.no_grad():
        before = trunk(standard(rows))
        standard.undo(trunk)
        after = trunk(torch.tensor(rows / 1024, dtype=torch.float32))
    assert torch.allclose(before, after, atol=1e-4)


def test_teacher__equal_rows_with_opposite_labels__are_never_judged_by_models_that_saw_them() -> None:
    rows = np.repeat(encoded(50), 4, axis=0)
    labels = np.repeat(np.random.default_rng(0).integers(0, 2, 50), 4)
    unseen = Teacher(rows, labels, QUICK, 0).unseen
    assert abs(np.corrcoef(unseen, labels)[0, 1]) < 0.5  # noise: whoever saw a twin would know its label


def test_distil__same_seed__gives_the_same_weights() -> None:
    rows = encoded()
    labels = (rows[:, 0] > 512).astype(np.int64)
    first, second = (distil(rows, labels, (5, 3), QUICK, 4) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_fit_passport__no_passport__is_exactly_zero() -> None:
    rows = encoded(columns=15)
    rows[:, 0] = 1024
    bad = (rows[:, 3] > 700).astype(np.int64)
    passports = Passports(rows, bad, np.full(len(rows), TRAIN, dtype=np.int8), slice(0, 15))
    trunk = fit_passport(passports, (8, 4), QUICK, 0)
    with torch.no_grad():
        assert trunk(torch.zeros(1, 15)).item() == 0.0
        assert trunk(torch.tensor(rows[:20] / 1024, dtype=torch.float32)).abs().max() > 0


def test_round_to_match__rounded_hidden_layer__lies_on_the_grid_and_closer_than_plain_rounding() -> None:
    rng = np.random.default_rng(0)
    exact = rng.random((500, 6))
    weights = rng.normal(size=6)
    shifted = exact + rng.normal(scale=1e-3, size=6)
    wanted = exact @ weights
    found = round_to_match(shifted, wanted, weights)
    plain = np.round(weights * 1024) / 1024
    assert (found * 1024 == np.round(found * 1024)).all()
    assert (np.sign(found) == np.sign(weights)).all()
    assert np.abs(shifted @ found - wanted).mean() <= np.abs(shifted @ plain - wanted).mean()


def test_isotonic_knots__scores_are_log_odds__rise_and_meet_the_levels() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000) * 2
    targets = 1 / (1 + np.exp(-scores))
    levels = (0.005, 0.1, 0.5, 0.9, 0.995)
    knots = isotonic_knots(scores, targets, levels, np.ones(len(scores)))
    assert (np.diff(knots) > 0).all()
    assert knots == pytest.approx([np.log(level / (1 - level)) for level in levels], abs=0.25)


def test_distil__several_starts__keeps_the_one_that_imitates_best_on_validation_rows() -> None:
    rows, held = encoded(), encoded(200, seed=1)
    labels, truth = ((values[:, 0] + values[:, 1] > 1024).astype(np.int64) for values in (rows, held))
    lesson = replace(QUICK, teacher_share=0.0)
    several = replace(lesson, recipe=replace(lesson.recipe, starts=3))
    first = distil(rows, labels, (5, 3), lesson, 4)
    best = distil(rows, labels, (5, 3), several, 4, validation=(held, truth))
    worst = distil(rows, labels, (5, 3), several, 4, validation=(held, 1 - truth))

    def loss(trunk: Trunk) -> float:
        with torch.no_grad():
            given = trunk(torch.tensor(held / 1024, dtype=torch.float32))[:, 0]
        return float(torch.nn.functional.binary_cross_entropy_with_logits(given, torch.tensor(truth).float()))

    assert loss(best) <= loss(first) + 1e-6
    assert loss(best) < loss(worst)
    with pytest.raises(ValueError, match="3 starts need validation rows"):
        distil(rows, labels, (5, 3), several, 4)
