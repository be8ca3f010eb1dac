"""Attributions: contributions add up exactly to the difference between two wallets."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES, encode_all
from oracle.assessment.outputs import OUTPUTS
from oracle.models import registry
from oracle.models.baseline import BASELINE, BASELINE_ENCODED
from oracle.models.explain import attribute
from oracle.models.inference import Model
from oracle.models.network import RiskNetwork

COLUMN = {output.name: index for index, output in enumerate(OUTPUTS)}
TOLD = ("probability_of_default", "fraud_likelihood", "score", "maximum_ltv", "confidence")


@pytest.fixture(scope="module")
def network() -> RiskNetwork:
    return Model.open(registry.load()).exact


def output_of(network: RiskNetwork, chain: list[int], name: str) -> float:
    row = torch.tensor([chain], dtype=torch.float64) / ENCODED_ONE
    with torch.no_grad():
        return float(network.double()(row, torch.zeros(1, len(PRIVATE_FEATURES), dtype=torch.float64))[0, COLUMN[name]])


def random_chains(count: int) -> list[list[int]]:
    generator = torch.Generator().manual_seed(0)
    chains: list[list[int]] = torch.randint(0, ENCODED_ONE + 1, (count, len(FEATURES)), generator=generator).tolist()
    return chains


def test_attribute__random_wallets__contributions_add_up_to_the_difference(network: RiskNetwork) -> None:
    for chain in random_chains(5):
        found = attribute(network, chain, BASELINE_ENCODED, TOLD)
        for name in TOLD:
            difference = output_of(network, chain, name) - output_of(network, list(BASELINE_ENCODED), name)
            assert sum(found[name].values()) == pytest.approx(difference, abs=1e-9), name


def test_attribute__one_feature_differs__names_it_alone(network: RiskNetwork) -> None:
    worse = encode_all(FEATURES, BASELINE | {"health_factor": Decimal("1.05")})
    [found] = attribute(network, worse, BASELINE_ENCODED, ["probability_of_default"]).values()
    assert found["health_factor"] > 0
    assert all(share == 0 for name, share in found.items() if name != "health_factor")


def test_attribute__several_threads_on_one_network__do_not_hear_each_other(network: RiskNetwork) -> None:
    chains = random_chains(8)
    alone = [attribute(network, chain, BASELINE_ENCODED, TOLD) for chain in chains]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda chain: attribute(network, chain, BASELINE_ENCODED, TOLD), chains))
    for one, other in zip(together, alone, strict=True):
        for name in TOLD:
            assert one[name] == pytest.approx(other[name], abs=1e-9)
