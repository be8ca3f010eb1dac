"""The network: five small trunks, piecewise-linear calibration, ten outputs; Linear and ReLU only.

Each head reads only the block of features that it was trained on:

    credit trunk   chain 0..19                       ->  default hinges
    home trunk     private 0..14, a home owner       ->  default hinges
    card trunk     private 15..23, a card holder     ->  default hinges
    fraud trunk    chain 20..31                      ->  fraud hinges
    context trunk  chain 5..20 and the credit trunk  ->  terms units

A hinge is one ReLU of a trunk's single score, so a weighted sum of hinges is a piecewise-linear function
of that score: the calibrated probability, the category's margins and the risk score are such sums.
"""

from dataclasses import dataclass
from typing import Final, cast

import torch
from torch import Tensor, nn

from oracle.assessment.features import FEATURES, PRIVATE_FEATURES, SALT_ELEMENTS
from oracle.assessment.outputs import OUTPUTS

CREDIT: Final = slice(0, 20)
FRAUD: Final = slice(20, 32)
CONTEXT: Final = slice(5, 21)
HOME: Final = slice(0, 15)
CARD: Final = slice(15, 24)
"""HOME and CARD are columns of the private features; the rest, of the chain features."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The widths of the hidden layers and the numbers of hinges."""

    credit: tuple[int, int] = (16, 8)
    home: tuple[int, int] = (28, 10)
    card: tuple[int, int] = (7, 5)
    fraud: tuple[int, int] = (46, 18)
    context: tuple[int, int] = (12, 6)
    default_hinges: int = 10
    fraud_hinges: int = 11
    terms_units: int = 4

    @property
    def hinges(self) -> int:
        """All columns that the output layer reads."""
        return self.default_hinges + self.fraud_hinges + self.terms_units


DEPTH_OF: Final[dict[str, int]] = {
    "credit_1": 1,
    "home_1": 1,
    "card_1": 1,
    "fraud_1": 1,
    "context_1": 1,
    "credit_2": 2,
    "home_2": 2,
    "card_2": 2,
    "fraud_2": 2,
    "context_2": 2,
    "default_hinges": 3,
    "fraud_hinges": 3,
    "terms_units": 3,
    "outputs": 4,
}
"""The layers by name, and how many linear layers lie between the inputs and their outputs."""


class RiskNetwork(nn.Module):
    """Maps chain features (batch, 32) and private features with salt (batch, 29) to the ten outputs (batch, 10).

    Inputs are encoded integers divided by 1024. The salt takes no part: it only blinds the tensor's hash.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        for name, columns, widths in (
            ("credit", CREDIT, shape.credit),
            ("home", HOME, shape.home),
            ("card", CARD, shape.card),
        ):
            self.add_module(f"{name}_1", nn.Linear(columns.stop - columns.start, widths[0]))
            self.add_module(f"{name}_2", nn.Linear(*widths))
        self.default_hinges = nn.Linear(shape.credit[1] + shape.home[1] + shape.card[1], shape.default_hinges)
        self.fraud_1 = nn.Linear(FRAUD.stop - FRAUD.start, shape.fraud[0])
        self.fraud_2 = nn.Linear(shape.fraud[0], shape.fraud[1])
        self.fraud_hinges = nn.Linear(shape.fraud[1], shape.fraud_hinges)
        self.context_1 = nn.Linear(CONTEXT.stop - CONTEXT.start, shape.context[0])
        self.context_2 = nn.Linear(shape.context[0] + shape.credit[0], shape.context[1])
        self.terms_units = nn.Linear(shape.context[1], shape.terms_units)
        self.outputs = nn.Linear(shape.hinges, len(OUTPUTS))

    def forward(self, chain: Tensor, private: Tensor) -> Tensor:
        """Return the ten outputs as fractions (margins, for the first three); private features are clipped to 0..1."""
        return self.answer(chain, private.clamp(0, 1))

    def answer(self, chain: Tensor, private: Tensor) -> Tensor:
        """Return the outputs for private features (batch, 24 or more) that something else has bounded."""
        relu = torch.relu
        credit = relu(self.layer("credit_1")(chain[:, CREDIT]))
        home = relu(self.layer("home_2")(relu(self.layer("home_1")(private[:, HOME]))))
        card = relu(self.layer("card_2")(relu(self.layer("card_1")(private[:, CARD]))))
        default = torch.cat([relu(self.layer("credit_2")(credit)), home, card], dim=1)
        fraud = relu(self.fraud_2(relu(self.fraud_1(chain[:, FRAUD]))))
        context = relu(self.context_2(torch.cat([relu(self.context_1(chain[:, CONTEXT])), credit], dim=1)))
        hinges = torch.cat(
            [relu(self.default_hinges(default)), relu(self.fraud_hinges(fraud)), relu(self.terms_units(context))], dim=1
        )
        return cast(Tensor, self.outputs(hinges))

    def layer(self, name: str) -> nn.Linear:
        """Return a layer of DEPTH_OF by name."""
        return cast(nn.Linear, getattr(self, name))


def example_inputs(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Return a batch of one for export: zeros of the two input shapes."""
    private = len(PRIVATE_FEATURES) + SALT_ELEMENTS
    return torch.zeros(1, len(FEATURES), dtype=dtype), torch.zeros(1, private, dtype=dtype)
