"""The quantised network: grid, bounds, integers against floats, and what each head may read."""

import pytest
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES, SALT_ELEMENTS
from oracle.assessment.outputs import OUTPUTS
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.quantise import NotRepresentable, check_no_overflow, is_quantised, pre_activation_bounds, quantise_


def quantised(seed: int = 0) -> RiskNetwork:
    torch.manual_seed(seed)
    return quantise_(RiskNetwork())


def random_inputs(rows: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chain = torch.randint(0, ENCODED_ONE + 1, (rows, len(FEATURES)), generator=generator)
    private = torch.randint(0, ENCODED_ONE + 1, (rows, len(PRIVATE_FEATURES) + SALT_ELEMENTS), generator=generator)
    return chain, private


def test_integer_network__quantised_weights__equals_the_float_network() -> None:
    network = quantised()
    chain, private = random_inputs(64)
    with torch.no_grad():
        expected = network.double()(chain.double() / ENCODED_ONE, private.double() / ENCODED_ONE) * 2**OUTPUT_BITS
    assert torch.equal(IntegerNetwork.of(network)(chain, private), expected.round().long())


def test_integer_network__weights_off_the_grid__refuses() -> None:
    torch.manual_seed(0)
    with pytest.raises(NotRepresentable, match="quantise it first"):
        IntegerNetwork.of(RiskNetwork())


def test_quantise__applied_twice__changes_nothing() -> None:
    network = quantised()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    quantise_(network)
    assert is_quantised(network)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_quantise__weight_beyond_float32__refuses() -> None:
    network = RiskNetwork()
    with torch.no_grad():
        network.layer("credit_1").weight[0, 0] = 1e6
    with pytest.raises(NotRepresentable, match="credit_1"):
        quantise_(network)


def test_check_no_overflow__large_weights__names_the_layer() -> None:
    network = quantised()
    assert check_no_overflow(network) < 1
    with torch.no_grad():
        network.fraud_hinges.weight.fill_(4096.0)
        network.fraud_2.weight.fill_(64.0)
    with pytest.raises(NotRepresentable, match="fraud_hinges"):
        check_no_overflow(network)


def test_check_no_overflow__its_share__bounds_every_activation() -> None:
    network = quantised()
    with torch.no_grad():
        # Corners of the input cube, where a piecewise-linear network is largest.
        corners = torch.randint(0, 2, (512, 32))
        reached = network.double().layer("credit_1")(corners[:, :20].double()).abs()
    bounds = pre_activation_bounds(network)["credit_1"]
    limit = torch.maximum(bounds.low.abs(), bounds.high.abs())
    assert bool((reached <= limit + 1e-9).all())


def test_network__salt_changes__outputs_stay() -> None:
    network = quantised().double()
    chain, private = random_inputs(8)
    other = private.clone()
    other[:, len(PRIVATE_FEATURES) :] = 2**32 - 1
    with torch.no_grad():
        salted = [network(chain.double() / ENCODED_ONE, tensor.double() / ENCODED_ONE) for tensor in (private, other)]
        assert torch.equal(*salted)


def test_network__any_input__gives_one_row_of_outputs_each() -> None:
    chain, private = random_inputs(5)
    assert IntegerNetwork.of(quantised())(chain, private).shape == (5, len(OUTPUTS))
