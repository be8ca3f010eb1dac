"""The quantised network in 64-bit integers: bit for bit what the circuit computes."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from oracle.assessment.features import ENCODED_ONE
from oracle.models.fixed_point import BIAS_BITS, WEIGHT_BITS, bits_at
from oracle.models.network import CARD, CONTEXT, CREDIT, DEPTH_OF, FRAUD, HOME, RiskNetwork
from oracle.models.quantise import NotRepresentable, is_quantised


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """Weights in 2^-WEIGHT_BITS, biases in the units of their layer's activations; int64 throughout."""

    weights: dict[str, Tensor]
    biases: dict[str, Tensor]

    @classmethod
    def of(cls, network: RiskNetwork) -> Self:
        """Return the integer form of a quantised network; raises NotRepresentable for any other."""
        if not is_quantised(network):
            raise NotRepresentable("the network is not on the fixed-point grid: quantise it first")
        weights, biases = {}, {}
        for name, depth in DEPTH_OF.items():
            layer = network.layer(name)
            weights[name] = (layer.weight.detach().double() * 2**WEIGHT_BITS).round().long()
            bias = (layer.bias.detach().double() * 2**BIAS_BITS).round().long()
            biases[name] = bias * 2 ** (bits_at(depth) - BIAS_BITS)
        return cls(weights, biases)

    def __call__(self, chain: Tensor, private: Tensor) -> Tensor:
        """Map encoded integers (batch, 32) and (batch, 24 or more) to signed outputs (batch, 10) with OUTPUT_BITS.

        Private features are clipped to 0..1024. The circuit has the same clip a little below 0, and else no proof.
        """
        hinges = self.hinges(chain, private)
        return self._linear("outputs", torch.cat(list(hinges), dim=1))

    def hinges(self, chain: Tensor, private: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the default hinges, fraud hinges and terms units, after their ReLU."""
        private = private.clamp(0, ENCODED_ONE)
        credit = self._relu("credit_1", chain[:, CREDIT])
        home = self._relu("home_2", self._relu("home_1", private[:, HOME]))
        card = self._relu("card_2", self._relu("card_1", private[:, CARD]))
        default = self._relu("default_hinges", torch.cat([self._relu("credit_2", credit), home, card], dim=1))
        fraud = self._relu("fraud_hinges", self._relu("fraud_2", self._relu("fraud_1", chain[:, FRAUD])))
        context = torch.cat([self._relu("context_1", chain[:, CONTEXT]), credit], dim=1)
        return default, fraud, self._relu("terms_units", self._relu("context_2", context))

    def _linear(self, name: str, values: Tensor) -> Tensor:
        return values @ self.weights[name].T + self.biases[name]

    def _relu(self, name: str, values: Tensor) -> Tensor:
        return self._linear(name, values).clamp(min=0)
