"""What the shipped batch model promises: its bars, its categories, its directions, and a circuit that binds them."""

import json

import numpy as np
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES
from oracle.assessment.outputs import OUTPUTS, Category, decode_outputs
from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS, model_id_of
from oracle.models.integer import IntegerNetwork
from oracle.models.kept_policy import policy_of
from oracle.models.table_export import check_batch
from oracle.models.table_net import CREDIT_READS, DEFAULT, FRAUD_LIKELIHOOD, SCORE, TableNetwork, check_tables
from oracle.models.table_weights import load_table_weights
from oracle.models.weights import load_weights
from oracle.training.heads import CREDIT_READS as DIRECTIONS
from oracle.training.remake import CARD, METRICS
from oracle.training.table_card import BARS, figure, write_batch_card
from oracle.training.table_pipeline import BATCH_MODEL, OPEN

FOLDER = registry.SHIPPED / BATCH_MODEL
SINGLE = load_weights(registry.load().directory / WEIGHTS)
POLICY = policy_of(registry.load().directory, SINGLE)
NAMES = [feature.name for feature in FEATURES]
METRICS_OF = json.loads((FOLDER / METRICS).read_text())


@pytest.fixture(scope="module")
def network() -> TableNetwork:
    return load_table_weights(FOLDER / WEIGHTS)


def drawn(rows: int, seed: int) -> torch.Tensor:
    chain = torch.from_numpy(np.random.default_rng(seed).integers(0, ENCODED_ONE + 1, (rows, len(FEATURES))))
    # Half without debt and with a modest loan, so that every category is met.
    chain[::2, NAMES.index("health_factor")] = ENCODED_ONE
    chain[::2, NAMES.index("loan_to_value")] //= 4
    chain[::4, NAMES.index("liquidation_risk")] = chain[::4, NAMES.index("late_share")] = 0
    chain[::4, NAMES.index("sent_count") : -1] = 0
    return chain


def test_tables__features_and_outputs__have_room(network: TableNetwork) -> None:
    assert check_tables(network) <= 1
    assert network.fits(drawn(4_000, 11)).float().mean() > 0.999


@pytest.mark.parametrize(("name", "path", "bar"), BARS, ids=[name for name, *_ in BARS])
def test_metrics__of_the_circuits_integers__reach_the_bar(name: str, path: tuple[str, ...], bar: float) -> None:
    assert figure(METRICS_OF, path) >= bar, name


def test_card__written_again_from_the_metrics__is_the_shipped_one() -> None:
    assert write_batch_card(BATCH_MODEL, METRICS_OF) == (FOLDER / CARD).read_text()


def test_circuit__of_the_shipped_folder__is_the_one_that_its_manifest_names(network: TableNetwork) -> None:
    folder = FOLDER / OPEN
    manifest = json.loads((folder / MANIFEST).read_text())

    assert manifest["model_id"] == model_id_of(folder).hex() == METRICS_OF["model_id"]
    assert manifest["output_scales"] == network.scales.tolist()
    check_batch(folder / GRAPH, json.loads((folder / SETTINGS).read_text()), manifest["batch_size"])


def test_category__drawn_wallets__follows_from_the_thresholds(network: TableNetwork) -> None:
    scales, seen = network.scales.tolist(), set()
    for row in network(drawn(4_000, 1)).tolist():
        default, fraud = (row[place] / 2 ** scales[place] for place in (DEFAULT, FRAUD_LIKELIHOOD))
        limits = (
            (default, POLICY.medium_default, POLICY.high_default),
            (fraud, POLICY.medium_fraud, POLICY.high_fraud),
        )
        if any(abs(value - limit) < 0.002 for value, *both in limits for limit in both):
            continue  # a threshold is met to the grid's rounding
        expected = Category.LOW
        if any(value > medium for value, medium, _ in limits):
            expected = Category.MEDIUM
        if any(value > high for value, _, high in limits):
            expected = Category.HIGH
        assert decode_outputs(row, scales).category == expected, (default, fraud)
        seen.add(expected)
    assert seen == set(Category)


def test_score__every_integer_of_the_default_score__falls_exactly_where_the_probability_rises(
    network: TableNetwork,
) -> None:
    knots = network.default_knots
    scores = torch.arange(int(knots.min()) - 50, int(knots.max()) + 50)
    curves = (scores[:, None] - knots).clamp(min=0) @ network.default_out.T + network.output_bias[[SCORE, DEFAULT, 6]]
    inside = (scores[:-1] >= knots.min()) & (scores[:-1] < knots.max())
    score, probability, rate = curves.diff(dim=0).T

    assert ((score[inside] < 0) & (probability[inside] > 0) & (rate[inside] > 0)).all()
    assert not curves.diff(dim=0)[~inside].any()


@pytest.mark.parametrize("name", CREDIT_READS)
def test_probability__one_feature_worse__never_falls(network: TableNetwork, name: str) -> None:
    chain, column = drawn(400, 21), NAMES.index(name)
    worse = chain.clone()
    step = torch.from_numpy(np.random.default_rng(22).integers(1, ENCODED_ONE + 1, len(chain)))
    worse[:, column] = (chain[:, column] + DIRECTIONS[name] * step).clamp(0, ENCODED_ONE)

    assert (network(worse)[:, DEFAULT] >= network(chain)[:, DEFAULT]).all()


def test_confidence__against_the_single_model__is_the_same_policy(network: TableNetwork) -> None:
    chain = drawn(1_000, 31)
    single = IntegerNetwork.of(SINGLE)(chain, torch.zeros(len(chain), len(PRIVATE_FEATURES), dtype=torch.int64))
    scales = [50] * len(OUTPUTS)
    for own, other in zip(network(chain).tolist(), single.tolist(), strict=True):
        given, expected = decode_outputs(own, network.scales.tolist()), decode_outputs(other, scales)
        assert abs(given.confidence_bps - expected.confidence_bps) <= 10
