"""The batch model's distilled terms: duration and maximum LTV from their rules, trained in the circuit's integers."""

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from oracle.models.table_format import HIGHEST
from oracle.models.table_net import READ, TERMS, TableNetwork, read_features
from oracle.training.book import Book
from oracle.training.fit import batches
from oracle.training.rules import Terms
from oracle.training.split import TEST
from oracle.training.table_trunk import REACH, TableLayer, bounded, drawn_rows, power, rounded, shrunk

_HIDDEN: Final = (4, 5)
_EPOCHS, _ROUNDED_EPOCHS, _BATCH, _RATE, _ROUNDED_RATE = 80, 25, 512, 1e-2, 3e-3
_RESCALE_EVERY: Final = 40
TERMS_COLUMNS: Final = list(TERMS)
"""Of the READ features: the credit trunk's come first."""


class TermsTrunk(nn.Module):
    """Own units of TERMS_READS beside the credit trunk's first layer; calling it gives two fractions (n, 2)."""

    def __init__(self, read: Tensor, credit: Tensor) -> None:
        super().__init__()
        self.first = TableLayer(read.shape[1], _HIDDEN[0])
        self.second = TableLayer(_HIDDEN[0] + credit.shape[1], _HIDDEN[1])
        self.third = nn.Linear(_HIDDEN[1], 2)
        with torch.no_grad():
            self.third.bias.fill_(0.5)
        self.centre, self.spread = read.mean(dim=0), read.std(dim=0).clamp(min=1.0)
        self.credit_unit = credit.std(dim=0).clamp(min=1.0)
        self.reference, self.rounded = (read, credit), False

    def forward(self, read: Tensor, credit: Tensor) -> Tensor:
        """Return duration and maximum LTV as fractions, unclipped."""
        if not self.rounded:
            weight, bias = self.meant()
            hidden = torch.cat([power(read @ weight.T + bias), credit / self.credit_unit], dim=1)
            return self.answer(power(hidden @ self.second.weight.T + self.second.bias))
        weight, bias = self.steps(self.first, *self.meant(), torch.ones(1))
        hidden = torch.cat([shrunk(read @ weight.T + bias), credit], dim=1)
        weight, bias = self.steps(self.second, self.second.weight, self.second.bias, self.unit())
        return self.answer(shrunk(hidden @ weight.T + bias) / self.second.unit_after())

    def answer(self, hidden: Tensor) -> Tensor:
        """Return the outputs of the second layer's units."""
        found: Tensor = self.third(hidden)
        return found

    def meant(self) -> tuple[Tensor, Tensor]:
        """Return the first layer's latent weights and biases as they apply to bare steps."""
        weight = self.first.weight / self.spread
        return weight, self.first.bias - weight @ self.centre

    def unit(self) -> Tensor:
        """Return how many steps stand for 1 of what the second layer reads."""
        return torch.cat([self.first.unit_after(), self.credit_unit])

    def steps(self, layer: TableLayer, weight: Tensor, bias: Tensor, unit: Tensor) -> tuple[Tensor, Tensor]:
        """Return a layer's weights and biases in whole steps."""
        return rounded(weight / unit * layer.scale[:, None]), rounded(bias * layer.scale)

    def rescale(self) -> None:
        """Let each unit fill its table: the first layer's by exact bounds, the second's by what the rows reach."""
        with torch.no_grad():
            self.first.scale = bounded(*self.meant())
            weight, bias = self.steps(self.first, *self.meant(), torch.ones(1))
            read, credit = self.reference
            hidden = torch.cat([shrunk(read @ weight.T + bias), credit], dim=1)
            reached = (hidden @ (self.second.weight / self.unit()).T + self.second.bias).abs().amax(dim=0)
            self.second.scale = REACH * HIGHEST / torch.maximum(reached, self.second.bias.abs()).clamp(min=1e-9)


def fit_terms(network: TableNetwork, book: Book, terms: Terms, seed: int) -> TermsTrunk:
    """Fit the terms on the loans before the last period; `network` holds the credit trunk."""
    chosen = np.flatnonzero(book.part != TEST)
    read = read_features(torch.from_numpy(book.chain[chosen]))
    credit, own = network.credit_units(read).float(), read[:, TERMS_COLUMNS].float()
    wanted = torch.tensor(np.stack([terms.duration, terms.maximum_ltv], axis=1)[chosen], dtype=torch.float32)
    torch.manual_seed(seed)
    trunk = TermsTrunk(own, credit)
    drawn = drawn_rows(len(READ))
    units = network.credit_units(drawn.long()).float()
    trunk.reference = torch.cat([own, drawn[:, TERMS_COLUMNS]]), torch.cat([credit, units])
    for in_steps, epochs, rate in ((False, _EPOCHS, _RATE), (True, _ROUNDED_EPOCHS, _ROUNDED_RATE)):
        trunk.rounded = in_steps
        optimizer = torch.optim.Adam(trunk.parameters(), lr=rate)
        rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=-(-len(own) // _BATCH) * epochs)
        for step, rows in enumerate(batches(len(own), _BATCH, epochs, seed)):
            if in_steps and step % _RESCALE_EVERY == 0:
                trunk.rescale()
            loss = mse_loss(trunk(own[rows], credit[rows]), wanted[rows])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            rates.step()
    trunk.rescale()
    return trunk
