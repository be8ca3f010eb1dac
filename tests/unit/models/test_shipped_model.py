"""What the shipped model promises: its categories are the policy's rule, its score falls with the probability."""

import json
import time
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES
from oracle.assessment.outputs import OUTPUTS, Category, decode_outputs
from oracle.assessment.private import STATED
from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.inference import Model
from oracle.models.kept_policy import policy_of
from oracle.models.quantise import check_no_overflow
from oracle.models.weights import load_float, load_weights
from oracle.training import tasks
from oracle.training.heads import CREDIT_READS
from oracle.training.musts import TARGETS, Target

ROWS = 4_000
POLICY = policy_of(registry.load().directory, load_weights(registry.load().directory / WEIGHTS))
COLUMN = {output.name: index for index, output in enumerate(OUTPUTS)}
FEATURE = {feature.name: index for index, feature in enumerate(FEATURES)}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(registry.load())


@pytest.fixture(scope="module")
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    chain = torch.randint(0, ENCODED_ONE + 1, (ROWS, len(FEATURES)), generator=generator)
    # Half the wallets without debt and with a modest loan, so that every category is met.
    chain[::2, FEATURE["health_factor"]] = ENCODED_ONE
    chain[::2, FEATURE["loan_to_value"]] //= 4
    chain[::4, FEATURE["liquidation_risk"]] = 0
    chain[::4, FEATURE["late_share"]] = 0
    chain[::4, 20:-1] = 0
    return chain, torch.zeros(ROWS, len(PRIVATE_FEATURES), dtype=torch.int64)


@pytest.fixture(scope="module")
def outputs(model: Model, rows: tuple[torch.Tensor, torch.Tensor]) -> npt.NDArray[np.int64]:
    return np.asarray(model.network(*rows).numpy())


def test_shipped_model__loaded__cannot_overflow() -> None:
    assert check_no_overflow(load_weights(registry.load().directory / WEIGHTS)) < 1


def test_category__random_wallets__follows_from_the_thresholds(outputs: npt.NDArray[np.int64]) -> None:
    scales = [OUTPUT_BITS] * len(OUTPUTS)
    seen = set()
    for row in outputs.tolist():
        category = decode_outputs(row, scales).category
        default, fraud = (row[COLUMN[name]] / 2**OUTPUT_BITS for name in ("probability_of_default", "fraud_likelihood"))
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
        assert category == expected, (default, fraud)
        seen.add(category)
    assert seen == set(Category)


def test_score__random_wallets__falls_strictly_with_the_probability(outputs: npt.NDArray[np.int64]) -> None:
    default, first = np.unique(outputs[:, COLUMN["probability_of_default"]], return_index=True)
    assert len(default) > 100
    assert (np.diff(outputs[first, COLUMN["score"]]) < 0).all()


def test_probabilities_and_score__random_wallets__stay_fractions(outputs: npt.NDArray[np.int64]) -> None:
    for name in ("score", "probability_of_default", "fraud_likelihood", "interest_rate", "confidence"):
        values = outputs[:, COLUMN[name]] / 2**OUTPUT_BITS
        assert values.min() >= 0, name
        assert values.max() <= 1, name


@pytest.mark.parametrize("name", [name for name, way in CREDIT_READS.items() if way and name in FEATURE])
def test_probability__feature_gets_worse__never_falls(
    model: Model, rows: tuple[torch.Tensor, torch.Tensor], outputs: npt.NDArray[np.int64], name: str
) -> None:
    chain, private = rows
    worse = chain.clone()
    worse[:, FEATURE[name]] = (worse[:, FEATURE[name]] + 100 * CREDIT_READS[name]).clamp(0, ENCODED_ONE)
    column = COLUMN["probability_of_default"]
    assert (model.network(worse, private).numpy()[:, column] >= outputs[:, column]).all()


def test_probability__feature_that_no_data_taught__changes_nothing(
    model: Model, rows: tuple[torch.Tensor, torch.Tensor], outputs: npt.NDArray[np.int64]
) -> None:
    chain, private = rows
    other = chain.clone()
    other[:, FEATURE["verification_count"]] = 0
    other[:, FEATURE["gas_affordability"]] = ENCODED_ONE
    assert (model.network(other, private).numpy() == outputs).all()


def confidence_of(model: Model, **encoded: int) -> float:
    # A wallet without history that asks for an ordinary loan in an ordinary market.
    chain = tasks.neutral_loan().tolist()
    for name, value in encoded.items():
        chain[FEATURE[name]] = value
    return model.infer(chain).scores.confidence_bps / 10_000


def test_confidence__deeper_history__rises_from_thin_to_certain(model: Model) -> None:
    # Ends within the training loans' activity, so that depth alone counts.
    deep = {name: min(ENCODED_ONE, round(1.05 * deep * ENCODED_ONE)) for name, deep, _ in POLICY.depth_terms}
    lost = sum(cost for _, _, cost in POLICY.depth_terms)
    assert confidence_of(model) == pytest.approx(1 - lost, abs=0.003)
    assert confidence_of(model) < POLICY.thin_below
    assert confidence_of(model, **deep) == pytest.approx(1.0, abs=0.001)
    for name, _, cost in POLICY.depth_terms:
        assert confidence_of(model, **(deep | {name: 0})) == pytest.approx(1 - cost, abs=0.003), name


@pytest.mark.parametrize(("name", "side", "cost"), POLICY.distance_terms)
def test_confidence__further_from_the_training_loans__falls_and_never_below_nothing(
    model: Model, name: str, side: str, cost: float
) -> None:
    bound = registry.load().metrics["confidence"]["bounds"][f"{name} {side}"]
    deep = {name: min(ENCODED_ONE, round(1.05 * deep * ENCODED_ONE)) for name, deep, _ in POLICY.depth_terms}
    end = ENCODED_ONE if side == "above" else 0
    near, middle = (round((bound + share * (end / ENCODED_ONE - bound)) * ENCODED_ONE) for share in (-0.01, 0.5))
    inside, half, outside = (confidence_of(model, **(deep | {name: value})) for value in (near, middle, end))
    assert inside == pytest.approx(1.0, abs=0.001)
    assert half == pytest.approx(1 - cost / 2, abs=0.005)
    assert outside == pytest.approx(1 - cost, abs=0.005)
    far = {other: ENCODED_ONE if way == "above" else 0 for other, way, _ in POLICY.distance_terms}
    assert confidence_of(model, **(far | {"borrowing_age": 0, "counterparties": 0})) == 0.0


def test_interest_rate__probability_known__is_the_policy_rule(outputs: npt.NDArray[np.int64]) -> None:
    default, rate = (outputs[:, COLUMN[name]] / 2**OUTPUT_BITS for name in ("probability_of_default", "interest_rate"))
    expected = POLICY.base_rate + POLICY.margin + POLICY.loss_given_default * default
    assert np.abs(rate - expected).max() < 0.002


def test_wallet_without_flow__judged__is_not_called_a_fraud(model: Model) -> None:
    chain = [0] * len(FEATURES)
    assert model.infer(chain).fractions[COLUMN["fraud_likelihood"]] < 0.25
    # A balance that no transaction brought: a contract wallet, a payout.
    chain[-1] = ENCODED_ONE // 2
    assert model.infer(chain).fractions[COLUMN["fraud_likelihood"]] < 0.15


def test_passport__absent__adds_nothing_and_a_bad_one_costs_points(model: Model) -> None:
    chain = tasks.neutral_loan().tolist()
    worse = {"passport_present": 1, "delinquent_accounts": 5, "derogatory_reports": 3, "derogatory_reports_stated": 1}
    better = {
        "passport_present": 1,
        "debt_to_income": "0.25",
        "oldest_account_years": 25,
        "property_value": 150_000,
        "employment_years": 15,
        "credit_requested": 15_000,
        "mortgage_due": 60_000,
        "open_accounts": 20,
    } | dict.fromkeys(STATED.values(), 1)
    none, bad, good = (
        model.infer(chain, [feature.encode(Decimal(given.get(feature.name, 0))) for feature in PRIVATE_FEATURES])
        for given in ({}, worse, better)
    )
    assert good.scores.score_bps > none.scores.score_bps > bad.scores.score_bps
    assert good.scores.fraud_likelihood_bps == none.scores.fraud_likelihood_bps == bad.scores.fraud_likelihood_bps


# Musts that the shipped model misses: the figure that it may not fall behind, and why it misses. Whoever trains again
# brings this table up to date; a must that is reached may not stand here.
KNOWN_MISSES = {
    "fraud: precision at recall 0.8": (
        0.80,
        "must 0.93, not reached: boosting on every column that is no leak stays under it on the same rows",
    ),
    "home owners (HMEQ): AUC": (
        0.92,
        "must 0.93, missed on these 707 rows (boosting: 0.94); 0.94 in cross-validation of the other rows",
    ),
    "RociFi by wallet: Brier score, under the base rate's by 0.001": (
        0.2110,
        "not reached: most borrowers have no history before their loan; the card says what does better",
    ),
    "repeated liquidation by wallet and time: Brier score, under the base rate's by 0.001": (
        0.2500,
        "not reached: nothing that is known of these wallets beats it, and the card says so",
    ),
}


@pytest.mark.parametrize("target", [one for one in TARGETS if one.must is not None], ids=lambda one: one.name)
def test_must__shipped_metrics__is_reached_or_a_known_miss_that_got_no_worse(target: Target) -> None:
    metrics = registry.load().metrics
    assert target.must is not None
    value, must = target.value(metrics), target.must(metrics)
    if target.reaches(metrics, target.must):
        assert target.name not in KNOWN_MISSES, f"{value} reaches {must}: no longer a miss"
        return
    assert target.name in KNOWN_MISSES, f"{value} misses {must}"
    worst, why = KNOWN_MISSES[target.name]
    assert value >= worst if target.at_least else value <= worst, why


def test_known_misses__names__are_musts() -> None:
    assert KNOWN_MISSES.keys() <= {target.name for target in TARGETS if target.must is not None}


@pytest.mark.xfail(
    strict=True, reason="missed since the book's parts end in their periods: 0.9078 against the health factor's 0.9105"
)
def test_aim__liquidation_auc__beats_the_health_factor_by_two_points() -> None:
    [lead] = [target for target in TARGETS if target.name == "book: that AUC above the health factor's"]
    assert lead.aim is not None
    assert lead.reaches(registry.load().metrics, lead.aim)


def test_float_weights__shipped__are_the_quantised_ones_before_rounding(
    model: Model, rows: tuple[torch.Tensor, torch.Tensor], outputs: npt.NDArray[np.int64]
) -> None:
    floats = load_float(registry.load().directory / registry.FLOAT_WEIGHTS)
    chain, private = (tensor.double() / ENCODED_ONE for tensor in rows)
    with torch.no_grad():
        exact = floats(chain, private).numpy()[:, COLUMN["probability_of_default"]]
    rounded = outputs[:, COLUMN["probability_of_default"]] / 2**OUTPUT_BITS
    assert 0 < np.abs(exact - rounded).mean() < 0.002


def test_infer__one_wallet__takes_milliseconds(model: Model) -> None:
    chain = [512] * len(FEATURES)
    model.infer(chain)
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        model.infer(chain, NEUTRAL_PRIVATE)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.005


def test_infer__wrong_length__says_both() -> None:
    with pytest.raises(ValueError, match=r"expected 32 chain features .* got 31"):
        Model.open(registry.load()).infer([0] * 31)


def test_metrics__shipped__name_their_data_and_their_baselines() -> None:
    model = registry.load()
    assert model.metrics["model_id"] == model.model_id.hex()
    assert model.metrics["circuit"]["logrows"] <= 12
    assert model.metrics["fraud"]["quantised"]["auc"] > model.metrics["fraud"]["baselines"]["logistic_regression_auc"]
    assert "semi-synthetic" in model.metrics["book"]["data"]
    assert (model.directory / "card.md").is_file()
    json.dumps(model.metrics)
