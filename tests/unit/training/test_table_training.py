"""The batch model's training: what is rounded in it is what the network of integers computes."""

import numpy as np
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.models.policy import POLICY
from oracle.models.table_net import CREDIT, CREDIT_READS, FRAUD, read_features
from oracle.training.fit import Recipe
from oracle.training.heads import CREDIT_READS as DIRECTIONS
from oracle.training.table_assemble import FRACTION_BITS, integer_curve, with_trunks
from oracle.training.table_heads import credit_signs
from oracle.training.table_trunk import Schedule, TableTrunk, train_trunk

QUICK = Schedule(Recipe(epochs=2, batch=64, learning_rate=2e-2), rounded_epochs=2, rounded_rate=1e-2)
NAMES = [feature.name for feature in FEATURES]


def chains(rows: int = 300, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, ENCODED_ONE + 1, (rows, len(FEATURES))))


@pytest.fixture(scope="module")
def trunks() -> tuple[TableTrunk, TableTrunk]:
    read = read_features(chains()).float()
    torch.manual_seed(0)
    fraud = TableTrunk((6, 4), read[:, FRAUD])
    credit = TableTrunk((16, 8), read[:, CREDIT], credit_signs())
    for trunk, columns in ((fraud, FRAUD), (credit, CREDIT)):
        rows = read[:, columns]
        train_trunk(trunk, rows, (rows[:, 0] > rows[:, 1]).float(), QUICK, 0)
    return fraud, credit


def test_trunk__rounded__is_the_integer_network_to_the_bit(trunks: tuple[TableTrunk, TableTrunk]) -> None:
    network, read = with_trunks(*trunks), read_features(chains(200, seed=3))
    for trunk, columns, scores in (
        (trunks[0], FRAUD, network.fraud_scores(read)),
        (trunks[1], CREDIT, network.credit_scores(read)[0]),
    ):
        last = trunk.layers[-1]
        with torch.no_grad():
            given = trunk(read[:, columns].float()) * last.scale - torch.round(last.bias * last.scale)
        assert torch.equal(torch.round(given).long(), scores[:, 0])


def test_credit__one_feature_worse__never_lowers_the_integer_score(trunks: tuple[TableTrunk, TableTrunk]) -> None:
    network, moved = with_trunks(*trunks), 0
    for name in CREDIT_READS:
        line = chains(1, seed=5).expand(ENCODED_ONE + 1, -1).clone()
        line[:, NAMES.index(name)] = torch.arange(ENCODED_ONE + 1)
        steps = network.credit_scores(read_features(line))[0][:, 0].diff() * DIRECTIONS[name]
        assert (steps >= 0).all(), name
        moved += int(steps.sum() > 0)
    assert moved > 0


def test_rescale__reference_rows_and_bounds__leave_room_in_every_table(trunks: tuple[TableTrunk, TableTrunk]) -> None:
    network = with_trunks(*trunks)
    ends = torch.zeros(2, len(FEATURES), dtype=torch.int64)
    ends[1] = ENCODED_ONE

    # Neither raises OutsideTables.
    network.fraud_scores(read_features(torch.cat([chains(2_000, seed=9), ends])))
    network.credit_units(read_features(ends))


def test_integer_curve__policy_points__passes_within_a_slope_of_each_and_never_turns() -> None:
    levels, scores = zip(*POLICY.default_points(), strict=True)
    knots = [-900, -500, -200, 0, 130, 250, 330, 420, 700, 1100]
    for values, sign in ((levels, 1), (scores, -1)):
        start, coefficients = integer_curve(knots, values)
        at = np.arange(-1_200, 1_400)
        curve = start + np.maximum(at[:, None] - np.array(knots), 0) @ np.array(coefficients)
        steps = np.diff(curve) * sign
        inside = (at[:-1] >= knots[0]) & (at[:-1] < knots[-1])
        assert (steps[inside] > 0).all()
        assert (steps[~inside] == 0).all()
        reached = curve[np.isin(at, knots)] / 2**FRACTION_BITS
        assert np.abs(reached - np.array(values)).max() < 0.001


def test_integer_curve__knots_too_near_for_the_grid__is_refused() -> None:
    with pytest.raises(ValueError, match="flat"):
        integer_curve([0, 10_000_000, 20_000_000], (0.1, 0.1000001, 0.2))
