"""The batch circuit's graph: features of N wallets in, their words and their packed outputs out.

Integers at one bookkeeping scale: weights stand in the graph as they are, whatever is added to a tensor is divided by
2^SCALE_BITS. Words are packed in two steps, because float32 ends at 2^127.
"""

import warnings
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.words import DIGIT_BITS, OUTPUT_DIGIT_BITS, OUTPUT_OFFSET, WORD_DIGITS
from oracle.models.table_format import CLIP_EXPONENT, INPUT_STRETCH, SCALE_BITS, SHRINK_EXPONENT
from oracle.models.table_net import CREDIT, DEFAULT_ROWS, FRAUD, READ, TERMS, TableNetwork

INPUT: Final = "chain"
_OPSET: Final = 17
_FEATURE_HALF: Final = WORD_DIGITS // 2
_OUTPUT_HALF: Final = len(OUTPUTS) // 2


class BatchGraph(nn.Module):
    """A table network as it is exported: (N, 32) features to (N, 2) feature words and (N, 1) output words."""

    def __init__(self, network: TableNetwork) -> None:
        super().__init__()
        self._network = network
        self._low, self._high = network.hinges.tolist()[::2], network.hinges.tolist()[1::2]

    def forward(self, chain: Tensor) -> tuple[Tensor, Tensor]:
        """Return the words; the names of the steps are TableNetwork's."""
        network = self._network
        clipped = _clip(chain)
        read = _shrink(clipped[:, list(READ)] * float(INPUT_STRETCH))
        first = _shrink(_linear(read[:, CREDIT], network.credit_1) + _added(network.credit_1_bias))
        second = _shrink(_linear(first, network.credit_2) + _added(network.credit_2_bias))
        default = _clip(_linear(second, network.credit_3) + _added(-network.default_knots))
        flow = _shrink(_linear(read[:, FRAUD], network.fraud_1) + _added(network.fraud_1_bias))
        flow = _shrink(_linear(flow, network.fraud_2) + _added(network.fraud_2_bias))
        fraud = _clip(_linear(flow, network.fraud_3) + _added(-network.fraud_knots))
        terms = _shrink(_linear(read[:, list(TERMS)], network.terms_1) + _added(network.terms_1_bias))
        terms = torch.cat([terms, first], dim=1)
        terms = _shrink(_linear(terms, network.terms_2) + _added(network.terms_2_bias))
        signs = network.confidence_signs.float()
        lost = _clip(clipped[:, network.confidence_columns.tolist()] * signs + _added(network.confidence_bias))
        low, high = (
            default[:, place : place + 1] + fraud[:, other : other + 1] for place, other in (self._low, self._high)
        )
        by_default = _linear(default, network.default_out)
        columns = {row: by_default[:, place : place + 1] for place, row in enumerate(DEFAULT_ROWS)}
        outputs = [
            -low,
            low * 0.0,
            high,
            *(columns[row] for row in DEFAULT_ROWS[:2]),
            _linear(fraud, network.fraud_out),
            columns[DEFAULT_ROWS[2]],
            _linear(terms, network.terms_out),
            _linear(lost, network.confidence_out),
        ]
        answers = torch.cat(outputs, dim=1) + _added(network.output_bias + OUTPUT_OFFSET)
        return (
            _packed(clipped, DIGIT_BITS, _FEATURE_HALF, WORD_DIGITS),
            _packed(answers, OUTPUT_DIGIT_BITS, _OUTPUT_HALF, len(OUTPUTS)),
        )


def write_batch_graph(network: TableNetwork, batch_size: int, path: Path) -> None:
    """Write the ONNX graph for so many wallets; the same network gives the same bytes."""
    with warnings.catch_warnings():
        # The tracing exporter is deprecated but writes the plain graph that EZKL reads, the same bytes each time.
        warnings.simplefilter("ignore", DeprecationWarning)
        # The weights are constants of the trace: that is what fixes them in the graph.
        warnings.simplefilter("ignore", TracerWarning)
        torch.onnx.export(
            BatchGraph(network).eval(),
            (torch.zeros(batch_size, len(FEATURES)),),
            str(path),
            input_names=[INPUT],
            output_names=["features", "outputs"],
            opset_version=_OPSET,
            dynamo=False,
        )


def _clip(values: Tensor) -> Tensor:
    return torch.pow(values, CLIP_EXPONENT)


def _shrink(values: Tensor) -> Tensor:
    return torch.pow(values, SHRINK_EXPONENT)


def _linear(values: Tensor, weight: Tensor) -> Tensor:
    return values @ weight.T.float().contiguous()


def _added(integers: Tensor) -> Tensor:
    return integers.float() / 2.0**SCALE_BITS


def _packed(digits: Tensor, bits: int, half: int, word: int) -> Tensor:
    """Return the words of rows of digits, `word` digits each, by way of halves.

    Rows are folded, so that each product is with one short vector: of a matrix, the library assigns the zeros too.
    """
    rows, count = digits.shape
    powers = torch.tensor([[2.0 ** (bits * place) for place in range(half)]])
    steps = torch.tensor([[2.0 ** (bits * half * place) for place in range(word // half)]])
    halves = _linear(digits.reshape(rows * count // half, half), powers)
    return _linear(halves.reshape(rows * count // word, word // half), steps).reshape(rows, count // word)
