"""A model's reference: bins that see every kind of shift, and nothing where there is none."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.models import registry
from oracle.models.drift import MINIMUM_OUTCOMES, judge, measure
from oracle.models.reference import REFERENCE, Reference, load_reference, psi, write_reference
from oracle.models.registry import ModelFault, ShippedModel

ROWS = 2_000
NAMES = [feature.name for feature in FEATURES]


def rows(seed: int) -> np.ndarray:
    """Columns of every kind: constant, a spike with a tail, two values, spread out."""
    rng = np.random.default_rng(seed)
    chain = rng.integers(0, ENCODED_ONE + 1, (ROWS, len(FEATURES)))
    chain[:, 0] = 0
    chain[:, 1] = np.where(rng.random(ROWS) < 0.7, 0, chain[:, 1])
    chain[:, 2] = np.where(rng.random(ROWS) < 0.5, 0, ENCODED_ONE)
    return chain


@pytest.fixture
def model(tmp_path: Path) -> ShippedModel:
    return replace(registry.load(), directory=tmp_path)


@pytest.fixture
def reference(model: ShippedModel) -> Reference:
    chain = rows(1)
    write_reference(model.directory, model.model_id, chain, chain[:, 5] * 9, np.arange(ROWS) % 3)
    found = load_reference(model)
    assert found is not None
    return found


def drift(reference: Reference, chain: np.ndarray, minimum: int = 200) -> dict[str, float]:
    found = measure(reference, chain.tolist(), [], minimum)
    assert found.features is not None
    return dict(found.features)


def test_psi__of_other_rows_of_the_same_distribution__is_small_everywhere(reference: Reference) -> None:
    assert max(drift(reference, rows(2)).values()) < 0.03


def test_psi__of_one_shifted_feature__is_large_there_and_nowhere_else(reference: Reference) -> None:
    chain = rows(2)
    chain[:, 7] = chain[:, 7] // 2
    found = drift(reference, chain)
    assert found.pop(NAMES[7]) > 0.25
    assert max(found.values()) < 0.03


@pytest.mark.parametrize(("column", "value"), [(0, 1), (1, 1), (2, 512)])
def test_psi__of_values_that_training_never_or_seldom_saw__is_large(
    reference: Reference, column: int, value: int
) -> None:
    chain = rows(2)
    chain[: ROWS // 3, column] = value
    assert drift(reference, chain)[NAMES[column]] > 0.25


def test_psi__is_the_sum_over_bins__of_difference_times_log_ratio() -> None:
    counts = np.array([300_000, 700_000])
    expected = (0.3 - 0.5) * np.log(0.3 / 0.5) + (0.7 - 0.5) * np.log(0.7 / 0.5)
    assert psi((0.5, 0.5), 1_000_000, counts) == pytest.approx(expected, rel=1e-4)


def test_psi__of_nothing__is_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        psi((0.5, 0.5), 100, np.array([0, 0]))


def test_measure__of_too_few_requests__gives_no_number(reference: Reference) -> None:
    chain = rows(2)[:199]
    found = measure(reference, chain.tolist(), [(5_000, 0)] * 199, 200)
    assert (found.features, found.score_psi, found.category_psi, found.worst) == (None, None, None, None)
    assert (found.requests, found.scored) == (199, 199)


def test_measure__of_scores_that_moved__says_so_by_score_and_category(reference: Reference) -> None:
    chain = rows(2)
    same = [(int(value) * 9, place % 3) for place, value in enumerate(chain[:, 5])]
    stable = measure(reference, chain.tolist(), same, 200)
    assert stable.score_psi is not None
    assert stable.score_psi < 0.03
    assert stable.category_psi == pytest.approx(0, abs=0.01)
    worse = measure(reference, chain.tolist(), [(score // 3, 2) for score, _ in same], 200)
    assert worse.worst is not None
    assert worse.worst[0] == "category"
    assert worse.score_psi is not None
    assert worse.score_psi > 0.25
    assert worse.category_shares == (0.0, 0.0, 1.0)


def test_write__with_weights__counts_a_row_for_its_weight(model: ShippedModel) -> None:
    chain = np.zeros((4, len(FEATURES)), dtype=np.int64)
    chain[3] = 100
    points = np.array([0, 0, 0, 9_000])
    write_reference(
        model.directory, model.model_id, chain, points, np.array([0, 0, 0, 2]), np.array([1.0, 1.0, 1.0, 3.0])
    )
    found = load_reference(model)
    assert found is not None
    assert found.categories == (0.5, 0.0, 0.5)
    assert found.score.shares == (0.0, 0.5, 0.0, 0.5, 0.0)


def test_load__reference_of_another_model_or_damaged__names_the_command(
    model: ShippedModel, reference: Reference
) -> None:
    other = replace(model, model_id=bytes(32))
    with pytest.raises(ModelFault, match=r"made for model 0x.*models reference"):
        load_reference(other)
    path = model.directory / REFERENCE
    content = json.loads(path.read_text())
    del content["features"]["health_factor"]
    path.write_text(json.dumps(content))
    with pytest.raises(ModelFault, match=r"damaged.*health_factor.*models reference"):
        load_reference(model)
    path.unlink()
    assert load_reference(model) is None


def test_shipped_reference__belongs_to_the_shipped_model() -> None:
    for name in registry.shipped_names():
        found = load_reference(registry.load(name))
        assert found is not None, f"{name} ships without {REFERENCE}"
        assert found.rows >= 10_000
        assert sum(found.categories) == pytest.approx(1, abs=1e-4)
        for histogram in found.features.values():
            assert sum(histogram.shares) == pytest.approx(1, abs=1e-4)


def test_copy_of_a_model_without_its_reference__still_loads(tmp_path: Path) -> None:
    shutil.copytree(registry.load().directory, tmp_path / "copy")
    (tmp_path / "copy" / REFERENCE).unlink()
    assert load_reference(registry.load(tmp_path / "copy")) is None


def test_outcomes__of_enough_loans__have_brier_and_calibration() -> None:
    ended = [(1_000, place % 10 == 0) for place in range(100)] + [(8_000, place % 5 != 0) for place in range(100)]
    found = judge(ended, late=3, still_open=7)
    assert (found.ended, found.defaulted, found.late, found.open) == (200, 90, 3, 7)
    assert found.brier == pytest.approx((0.1 * 0.81 + 0.9 * 0.01 + 0.8 * 0.04 + 0.2 * 0.64) / 2)
    assert found.base_rate_brier == pytest.approx(0.45 * 0.55)
    assert found.mean_predicted == pytest.approx(0.45)
    assert found.observed == pytest.approx(0.45)
    assert found.bins is not None
    assert [count for count, _, _ in found.bins] == [40] * 5
    assert found.bins[0][1:] == (0.1, 0.1)
    assert found.bins[-1][1:] == (0.8, 0.8)


def test_outcomes__of_too_few_loans__are_counts_without_a_number() -> None:
    found = judge([(1_000, True)] * (MINIMUM_OUTCOMES - 1), late=0, still_open=0)
    assert (found.ended, found.defaulted, found.brier, found.bins) == (
        MINIMUM_OUTCOMES - 1,
        MINIMUM_OUTCOMES - 1,
        None,
        None,
    )
