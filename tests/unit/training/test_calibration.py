"""Piecewise-linear curves on the weight grid."""

import numpy as np
import pytest

from oracle.models.fixed_point import WEIGHT_BITS
from oracle.training.calibration import curve_through, platt_knots

KNOTS = (-1.0, -0.4, 0.0, 0.7, 1.1)
VALUES = (0.01, 0.10, 0.30, 0.75, 0.95)


def test_curve__through_values__meets_them_to_the_grid() -> None:
    reached = curve_through(KNOTS, VALUES)(np.array(KNOTS))
    assert np.abs(reached - np.array(VALUES)).max() <= 2.0**-WEIGHT_BITS


def test_curve__beyond_its_knots__stays_flat() -> None:
    curve = curve_through(KNOTS, VALUES)
    outside = curve(np.array([-50.0, KNOTS[0], KNOTS[-1], 50.0]))
    assert outside[0] == outside[1]
    assert outside[2] == pytest.approx(outside[3], abs=1e-12)


def test_curve__coefficients__lie_on_the_weight_grid() -> None:
    steps = np.array(curve_through(KNOTS, VALUES).coefficients) * 2**WEIGHT_BITS
    assert (steps == np.round(steps)).all()


def test_curve__falling_values__falls_strictly() -> None:
    curve = curve_through(KNOTS, tuple(reversed(VALUES)))
    assert (np.diff(curve(np.linspace(KNOTS[0], KNOTS[-1], 200))) < 0).all()


def test_curve__segment_flatter_than_the_grid__refuses() -> None:
    with pytest.raises(ValueError, match="flat on the weight grid"):
        curve_through((0.0, 1.0, 1000.0), (0.1, 0.5, 0.5001))


def test_platt_knots__scores_are_log_odds__gives_the_log_odds_of_the_levels() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=60_000) * 2
    labels = (rng.random(60_000) < 1 / (1 + np.exp(-scores))).astype(np.int64)
    knots = platt_knots(scores, labels, (0.1, 0.5, 0.9))
    assert np.allclose(knots, np.log(np.array([1 / 9, 1, 9])), atol=0.08)


def test_platt_knots__score_falls_with_the_label__refuses() -> None:
    scores = np.linspace(-1, 1, 100)
    with pytest.raises(ValueError, match="falls with the label"):
        platt_knots(scores, (scores < 0).astype(np.int64), (0.5,))
