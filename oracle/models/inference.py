"""One wallet's scores from its encoded features, to the bit what the proof will show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch

from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES
from oracle.assessment.outputs import Scores, decode_outputs
from oracle.models.anomaly import ANOMALY, AnomalyModel
from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.registry import ShippedModel
from oracle.models.weights import load_weights


@dataclass(frozen=True, slots=True)
class Inference:
    """The answer: `outputs` in signed fixed point, `fractions` the same as floats, `scores` as a contract decodes."""

    outputs: tuple[int, ...]
    fractions: tuple[float, ...]
    scores: Scores


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder with its weights in memory: `network` answers, `exact` is the same one for gradients.

    `anomaly` stands beside the proof; a folder may lack it.
    """

    source: ShippedModel
    network: IntegerNetwork
    exact: RiskNetwork
    anomaly: AnomalyModel | None = None

    @classmethod
    def open(cls, source: ShippedModel) -> Self:
        """Read a checked model folder; raises ConfigurationFault when its parts do not fit this release."""
        # So small a network gains nothing by threads, and loses a hundredfold where they wait for the prover's cores.
        torch.set_num_threads(1)
        network = load_weights(source.directory / WEIGHTS)
        anomaly = AnomalyModel.load(source.directory) if (source.directory / ANOMALY).is_file() else None
        return cls(source, IntegerNetwork.of(network), network, anomaly)

    def infer(self, chain: Sequence[int], private: Sequence[int] = NEUTRAL_PRIVATE) -> Inference:
        """Return the scores for 32 encoded chain features and the encoded private ones, with or without salt.

        Raises ValueError for wrong lengths.
        """
        return self.infer_many([chain], private)[0]

    def infer_many(self, chains: Sequence[Sequence[int]], private: Sequence[int] = NEUTRAL_PRIVATE) -> list[Inference]:
        """Return the scores of several chain features with the same private ones, in one pass; raises as `infer`."""
        lengths = {len(chain) for chain in chains}
        if not lengths <= {len(FEATURES)} or len(private) < len(PRIVATE_FEATURES):
            raise ValueError(
                f"expected {len(FEATURES)} chain features and at least {len(PRIVATE_FEATURES)} private ones,"
                f" got {', '.join(map(str, sorted(lengths)))} and {len(private)}"
            )
        if not chains:
            return []
        with torch.inference_mode():
            columns = torch.tensor([list(private)[: len(PRIVATE_FEATURES)]])
            rows = self.network(
                torch.tensor([list(chain) for chain in chains]), columns.expand(len(chains), -1)
            ).tolist()
        return [self.decoded(row) for row in rows]

    def infer_openings(self, chain: Sequence[int], privates: Sequence[Sequence[int]]) -> list[Inference]:
        """Return the scores of one wallet and loan with each of several rows of 24 private features."""
        if not privates:
            return []
        with torch.inference_mode():
            columns = torch.tensor([list(chain)]).expand(len(privates), -1)
            rows = self.network(columns, torch.tensor([list(private) for private in privates])).tolist()
        return [self.decoded(row) for row in rows]

    def decoded(self, row: Sequence[int]) -> Inference:
        """Return the answer that the circuit's ten outputs, in signed fixed point, stand for."""
        scales = self.source.output_scales
        fractions = tuple(value / 2**scale for value, scale in zip(row, scales, strict=True))
        return Inference(tuple(row), fractions, decode_outputs(row, scales))
