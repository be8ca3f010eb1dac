"""Explanations: contributions add up exactly, and recourse is what the model itself confirms."""

from decimal import Decimal

import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES, encode_all
from oracle.assessment.outputs import OUTPUTS, Category
from oracle.models import registry
from oracle.models.explain import attribute, recourse
from oracle.models.export import WEIGHTS
from oracle.models.inference import Model
from oracle.models.network import RiskNetwork
from oracle.models.weights import load_weights

COLUMN = {output.name: index for index, output in enumerate(OUTPUTS)}
SAFE = {"health_factor": "10", "loan_to_value": "0.3", "collateral_buffer": "2.3", "loan_duration": "30"}


@pytest.fixture(scope="module")
def network() -> RiskNetwork:
    return load_weights(registry.load().directory / WEIGHTS)


def values(**changes: str) -> dict[str, Decimal | None]:
    given = SAFE | {"market_volatility": "0.7"} | changes
    return {feature.name: Decimal(given[feature.name]) if feature.name in given else None for feature in FEATURES}


@pytest.mark.parametrize("output", ["probability_of_default", "fraud_likelihood", "score", "maximum_ltv"])
def test_attribute__random_wallets__contributions_add_up_to_the_difference(network: RiskNetwork, output: str) -> None:
    reference = encode_all(FEATURES, values())
    generator = torch.Generator().manual_seed(0)
    for _ in range(5):
        chain = torch.randint(0, ENCODED_ONE + 1, (len(FEATURES),), generator=generator).tolist()
        private = torch.randint(0, ENCODED_ONE + 1, (len(PRIVATE_FEATURES),), generator=generator).tolist()
        tensors = [torch.tensor([row], dtype=torch.float64) / ENCODED_ONE for row in (chain, private, reference)]
        with torch.no_grad():
            own = network.double()(tensors[0], tensors[1])[0, COLUMN[output]]
            other = network(tensors[2], torch.zeros_like(tensors[1]))[0, COLUMN[output]]
        total = sum(reason.contribution for reason in attribute(network, chain, private, reference, output))
        # Contributions below a thousandth are not told.
        assert total == pytest.approx(float(own - other), abs=0.001 * 56)


def test_attribute__one_feature_differs__names_it_alone(network: RiskNetwork) -> None:
    reference = encode_all(FEATURES, values())
    worse = encode_all(FEATURES, values(health_factor="1.05"))
    [reason] = attribute(network, worse, NEUTRAL_PRIVATE, reference, "probability_of_default")
    assert reason.feature == "health_factor"
    assert reason.contribution > 0


def test_recourse__high_loan_to_value__advice_is_confirmed_by_the_model() -> None:
    model = Model.open(registry.load())
    risky = values(loan_to_value="0.8", collateral_buffer="0.25", loan_duration="60")
    before = model.infer(encode_all(FEATURES, risky)).scores.category
    found = recourse(model, risky, NEUTRAL_PRIVATE)
    assert before > Category.LOW
    assert found
    assert all(item.category < before for item in found)
    assert any("borrow" in item.advice and "less" in item.advice for item in found)


def test_recourse__safe_already__has_nothing_to_say() -> None:
    model = Model.open(registry.load())
    assert model.infer(encode_all(FEATURES, values())).scores.category == Category.LOW
    assert recourse(model, values(), NEUTRAL_PRIVATE) == []
