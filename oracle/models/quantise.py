"""Put a network on the fixed-point grid, and prove by intervals that no valid input can overflow it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from oracle.assessment.errors import OracleError
from oracle.models.fixed_point import BIAS_BITS, LARGEST_MAGNITUDE, WEIGHT_BITS, bits_at
from oracle.models.network import CARD, CONTEXT, CREDIT, DEPTH_OF, FRAUD, HOME, RiskNetwork

_FLOAT32_BITS = 24


class NotRepresentable(OracleError):
    """A parameter or an activation does not fit the fixed-point format; train with smaller weights."""


def quantise_(network: RiskNetwork) -> RiskNetwork:
    """Round every parameter to its grid, in place; raises NotRepresentable for one that float32 cannot hold there."""
    with torch.no_grad():
        for name in DEPTH_OF:
            layer = network.layer(name)
            for parameter, bits in ((layer.weight, WEIGHT_BITS), (layer.bias, BIAS_BITS)):
                steps = torch.round(parameter.double() * 2**bits)
                if steps.abs().max() >= 2**_FLOAT32_BITS:
                    raise NotRepresentable(f"layer {name} has a parameter of {parameter.abs().max().item():.1f}")
                parameter.copy_(steps / 2**bits)
    return network


def is_quantised(network: RiskNetwork) -> bool:
    """Whether every parameter lies on its grid."""
    return all(
        bool(torch.equal(parameter * 2**bits, torch.round(parameter * 2**bits)))
        for name in DEPTH_OF
        for parameter, bits in ((network.layer(name).weight, WEIGHT_BITS), (network.layer(name).bias, BIAS_BITS))
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """Elementwise bounds of a layer's values."""

    low: Tensor
    high: Tensor

    def relu(self) -> "Interval":
        return Interval(self.low.clamp(min=0), self.high.clamp(min=0))

    def joined(self, other: "Interval") -> "Interval":
        return Interval(torch.cat([self.low, other.low]), torch.cat([self.high, other.high]))


def pre_activation_bounds(network: RiskNetwork) -> dict[str, Interval]:
    """Return bounds on each layer's linear outputs that hold for every input within 0..1."""

    def through(name: str, incoming: Interval) -> Interval:
        layer = network.layer(name)
        weight, bias = layer.weight.detach().double(), layer.bias.detach().double()
        up, down = weight.clamp(min=0), weight.clamp(max=0)
        bounds[name] = Interval(
            up @ incoming.low + down @ incoming.high + bias, up @ incoming.high + down @ incoming.low + bias
        )
        return bounds[name].relu()

    def unit(columns: slice) -> Interval:
        count = columns.stop - columns.start
        return Interval(torch.zeros(count, dtype=torch.float64), torch.ones(count, dtype=torch.float64))

    bounds: dict[str, Interval] = {}
    credit = through("credit_1", unit(CREDIT))
    home = through("home_2", through("home_1", unit(HOME)))
    card = through("card_2", through("card_1", unit(CARD)))
    default = through("default_hinges", through("credit_2", credit).joined(home).joined(card))
    fraud = through("fraud_hinges", through("fraud_2", through("fraud_1", unit(FRAUD))))
    context = through("context_2", through("context_1", unit(CONTEXT)).joined(credit))
    terms = through("terms_units", context)
    through("outputs", default.joined(fraud).joined(terms))
    return bounds


def check_no_overflow(network: RiskNetwork) -> float:
    """Return the largest share of the range check that any valid input can use; raises NotRepresentable above 1.

    The output layer has no ReLU and so no range check, but must fit the 64-bit integers of inference.
    """
    worst = 0.0
    for name, bounds in pre_activation_bounds(network).items():
        magnitude = torch.maximum(bounds.low.abs(), bounds.high.abs()).max().item() * 2 ** bits_at(DEPTH_OF[name])
        limit = 2**63 if name == "outputs" else LARGEST_MAGNITUDE
        share = magnitude / limit
        if share >= 1:
            raise NotRepresentable(f"layer {name} can reach {share:.1f} times what the circuit can check")
        worst = max(worst, share)
    return worst
