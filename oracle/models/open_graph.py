"""A network's open circuit: chain features public, private ones neutral, so that nothing is hashed.

Its outputs for given chain features are, to the bit, those of the model's own circuit with the neutral private ones.
EZKL has one visibility for all inputs, so the features go in unseen and come out as two packed words (see
`oracle.assessment.words`). Each passes a table first that ends at 0 and 1024: the words have no other digits.
"""

import warnings
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES
from oracle.assessment.words import DIGIT_BITS, FEATURE_WORDS, WORD_DIGITS
from oracle.models.bound import CHAIN_INPUT, NEARLY_ONE, check_all_bounded
from oracle.models.export import write_manifest, write_settings
from oracle.models.fixed_point import INPUT_BITS, OUTPUT_BITS, WEIGHT_BITS, bits_at
from oracle.models.folder import GRAPH, OPEN, SETTINGS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import CARD, CONTEXT, CREDIT, DEPTH_OF, FRAUD, HOME, RiskNetwork
from oracle.models.quantise import check_no_overflow

_FLOAT32_BITS: Final = 24
# Half a word: float32 constants end at 2^127.
_HALF_DIGITS: Final = WORD_DIGITS // 2


class OpenGraph(nn.Module):
    """A quantised network as it is exported: (1, 32) encoded chain features to (1, 2) words and (1, 10) outputs."""

    def __init__(self, network: RiskNetwork) -> None:
        super().__init__()
        self.network = network
        width = network.shape.credit[1]
        self.of_credit = nn.Linear(width, network.shape.default_hinges, bias=False)
        self.of_credit.weight = nn.Parameter(network.default_hinges.weight.detach()[:, :width].clone())
        self.constants = nn.ParameterList(_float32_parts(neutral_default(network), bits_at(DEPTH_OF["default_hinges"])))
        self.halves, self.words = _packing()

    def forward(self, chain: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features' words and the ten outputs."""
        chain, network, relu = torch.pow(chain, NEARLY_ONE), self.network, torch.relu
        credit = relu(network.layer("credit_1")(chain[:, CREDIT]))
        default = self.of_credit(relu(network.layer("credit_2")(credit)))
        for part in self.constants:
            default = default + part
        fraud = relu(network.fraud_2(relu(network.fraud_1(chain[:, FRAUD]))))
        context = relu(network.context_2(torch.cat([relu(network.context_1(chain[:, CONTEXT])), credit], dim=1)))
        hinges = [relu(default), relu(network.fraud_hinges(fraud)), relu(network.terms_units(context))]
        return self.words(self.halves(chain)), network.outputs(torch.cat(hinges, dim=1))


def export_open(network: RiskNetwork, folder: Path, name: str) -> str:
    """Write the open circuit's folder of a quantised network and return its id in hex; raises as `export` does."""
    check_no_overflow(network)
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated but writes the plain graph that EZKL reads, the same bytes each time.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            OpenGraph(network.float()).eval(),
            (torch.zeros(1, len(FEATURES)),),
            str(folder / GRAPH),
            input_names=[CHAIN_INPUT],
            output_names=["words", "outputs"],
            opset_version=17,
            dynamo=False,
        )
    scales = [[INPUT_BITS], [INPUT_BITS + 2 * WEIGHT_BITS, OUTPUT_BITS]]
    settings = write_settings(folder / GRAPH, folder / SETTINGS, scales, {"input_visibility": "private"})
    check_all_bounded(folder / GRAPH, settings)
    return write_manifest(folder, name, (), {"statement": OPEN, "batch_size": 1})


def neutral_default(network: RiskNetwork) -> Tensor:
    """Return what the neutral private features and the bias add to the default hinges, (hinges,) exact integers."""
    integer = IntegerNetwork.of(network)
    private = torch.tensor([NEUTRAL_PRIVATE[: len(PRIVATE_FEATURES)]], dtype=torch.int64).clamp(0, ENCODED_ONE)
    home, card = private[:, HOME], private[:, CARD]
    for name in ("home_1", "home_2"):
        home = (home @ integer.weights[name].T + integer.biases[name]).clamp(min=0)
    for name in ("card_1", "card_2"):
        card = (card @ integer.weights[name].T + integer.biases[name]).clamp(min=0)
    weights = integer.weights["default_hinges"][:, network.shape.credit[1] :]
    return weights @ torch.cat([home, card], dim=1)[0] + integer.biases["default_hinges"]


def _float32_parts(values: Tensor, bits: int) -> list[nn.Parameter]:
    """Return float32 rows (1, n) whose sum is exactly values / 2^bits, as the graph holds no longer numbers."""
    rest, parts = [int(value) for value in values], []
    while any(rest):
        row = []
        for place, value in enumerate(rest):
            cut = max(abs(value).bit_length() - _FLOAT32_BITS, 0)
            part = (abs(value) >> cut << cut) * (1 if value >= 0 else -1)
            row.append(part / 2**bits)
            rest[place] -= part
        parts.append(nn.Parameter(torch.tensor([row], dtype=torch.float32), requires_grad=False))
    return parts


def _packing() -> tuple[nn.Linear, nn.Linear]:
    """Return the two layers that pack digits, into halves of words, then into words; weights are powers of two."""
    halves = nn.Linear(len(FEATURES), 2 * FEATURE_WORDS, bias=False)
    words = nn.Linear(2 * FEATURE_WORDS, FEATURE_WORDS, bias=False)
    unit = 2.0**-WEIGHT_BITS  # the integer 1
    with torch.no_grad():
        halves.weight.zero_()
        words.weight.zero_()
        for place in range(len(FEATURES)):
            halves.weight[place // _HALF_DIGITS, place] = unit * 2.0 ** (DIGIT_BITS * (place % _HALF_DIGITS))
        for half in range(2 * FEATURE_WORDS):
            words.weight[half // 2, half] = unit * 2.0 ** (DIGIT_BITS * _HALF_DIGITS * (half % 2))
    return halves, words
