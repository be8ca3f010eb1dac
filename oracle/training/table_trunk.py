"""A trunk that is trained with the circuit's integers in the loop: rounded weights, biases and tables, both ways.

Jacob et al. (2018), with the straight-through gradient of Bengio et al. (2013). Latent weights stand for a network
without rounding; each unit has a scale that fills the table, and the next layer's weights take it back, so that scales
change what is rounded and never what is meant.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from oracle.assessment.features import ENCODED_ONE
from oracle.models.table_format import HIGHEST, INPUT_STRETCH, SCALE_BITS, SHRINK_EXPONENT, shrink
from oracle.models.table_net import read_features
from oracle.training.fit import Recipe, batches

_FACTOR: Final = 2.0 ** (SCALE_BITS * (1 - SHRINK_EXPONENT))
TOP: Final = int(shrink(torch.tensor(ENCODED_ONE * INPUT_STRETCH)))
"""A feature's highest step after the tables."""

REACH: Final = 0.8
"""How much of the table the reference rows may use of a unit that is not bounded exactly."""
_SCORE_REACH: Final = 0.4
"""Of a score: its hinges lie up to twice as far out."""
_RESCALE_EVERY: Final = 40
_TRIES: Final = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.5)
_DRAWN_ROWS: Final = 6_000


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to train: passes without rounding, passes with it, and the largest rate of either."""

    exact: Recipe
    rounded_epochs: int
    rounded_rate: float


class TableLayer(nn.Module):
    """Latent weights (out, in) and biases (out,) of a linear layer, with each unit's scale (out,).

    Where `signs` (out, in) are 1 or -1, the weight keeps that sign.
    """

    def __init__(self, inputs: int, outputs: int, signs: Tensor | None = None) -> None:
        super().__init__()
        linear = nn.Linear(inputs, outputs)
        self.weight, self.bias, self.signs = linear.weight, linear.bias, signs
        self.scale = torch.ones(outputs)
        if signs is not None:
            with torch.no_grad():
                self.weight.copy_(torch.where(signs != 0, self.weight.abs() * signs, self.weight))

    def keep_signs(self) -> None:
        """Clip the weights that a training step moved past their sign."""
        if self.signs is not None:
            with torch.no_grad():
                kept = (self.weight * self.signs).clamp(min=0) * self.signs
                self.weight.copy_(torch.where(self.signs != 0, kept, self.weight))

    def unit_after(self) -> Tensor:
        """Return how many steps after SHRINK stand for 1 of each unit."""
        unit: Tensor = _FACTOR * self.scale**SHRINK_EXPONENT
        return unit


class TableTrunk(nn.Module):
    """Layers over READ features (integers 0..TOP as floats); calling it gives a score (n,), rounded or not.

    `rows` are the features that the first layer reads of training rows; `signs` each layer's.
    """

    def __init__(self, hidden: tuple[int, int], rows: Tensor, signs: tuple[Tensor | None, ...] = (None,) * 3) -> None:
        super().__init__()
        sizes = [rows.shape[1], *hidden, 1]
        self.layers = [TableLayer(sizes[place], sizes[place + 1], signs[place]) for place in range(3)]
        self.kept = nn.ModuleList(self.layers)
        self.rounded = False
        # Standardised inputs train better; the circuit reads bare steps.
        self.centre, self.spread = rows.mean(dim=0), rows.std(dim=0).clamp(min=1.0)
        self.reference = torch.cat([torch.unique(rows, dim=0), drawn_rows(rows.shape[1])])

    def forward(self, rows: Tensor) -> Tensor:
        """Return the scores of rows of features (n, inputs)."""
        values, unit = rows, torch.ones(rows.shape[1])
        for place, layer in enumerate(self.layers):
            if place:
                values = shrunk(values) if self.rounded else power(values)
                unit = self.layers[place - 1].unit_after()
            weight, bias = self.meant(place)
            if self.rounded:
                weight, bias = rounded(weight / unit * layer.scale[:, None]), rounded(bias * layer.scale)
            values = values @ weight.T + bias
        return values[:, 0] / self.layers[-1].scale if self.rounded else values[:, 0]

    def meant(self, place: int) -> tuple[Tensor, Tensor]:
        """Return a layer's latent weights and biases, the first one's as they apply to bare steps."""
        layer = self.layers[place]
        if place:
            return layer.weight, layer.bias
        weight = layer.weight / self.spread
        return weight, layer.bias - weight @ self.centre

    def rescale(self) -> None:
        """Let each unit fill its table: the first layer's by exact bounds, the others' by what reference rows reach."""
        with torch.no_grad():
            values, unit = self.reference, torch.ones(self.reference.shape[1])
            for place in range(len(self.layers)):
                layer = self.layers[place]
                weight, bias = self.meant(place)
                weight = weight / unit
                if place == 0:
                    layer.scale = bounded(weight, bias)
                else:
                    share = _SCORE_REACH if place == len(self.layers) - 1 else REACH
                    reached = torch.maximum((values @ weight.T + bias).abs().amax(dim=0), bias.abs())
                    layer.scale = share * HIGHEST / reached.clamp(min=1e-9)
                values = values @ torch.round(weight * layer.scale[:, None]).T + torch.round(bias * layer.scale)
                values, unit = shrunk(values), layer.unit_after()

    def integers(self) -> list[tuple[Tensor, Tensor]]:
        """Return each layer's integer weights and biases; the last bias belongs to the knots."""
        found, unit = [], torch.ones(self.reference.shape[1])
        with torch.no_grad():
            for place in range(len(self.layers)):
                layer = self.layers[place]
                weight, bias = self.meant(place)
                whole = weight / unit * layer.scale[:, None], bias * layer.scale
                found.append((whole[0].round().long(), whole[1].round().long()))
                unit = layer.unit_after()
        return found


def train_trunk(
    trunk: TableTrunk, rows: Tensor, targets: Tensor, schedule: Schedule, seed: int, weights: Tensor | None = None
) -> None:
    """Train in place on (soft) labels (n,) with log loss, first without rounding, then with it."""
    recipe = schedule.exact
    for in_steps, epochs, rate in (
        (False, recipe.epochs, recipe.learning_rate),
        (True, schedule.rounded_epochs, schedule.rounded_rate),
    ):
        trunk.rounded = in_steps
        optimizer = torch.optim.AdamW(trunk.parameters(), lr=rate, weight_decay=recipe.weight_decay)
        steps = epochs * -(-len(rows) // recipe.batch)
        schedule_of_rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
        for step, chosen in enumerate(batches(len(rows), recipe.batch, epochs, seed)):
            if in_steps and step % _RESCALE_EVERY == 0:
                trunk.rescale()
            weight = None if weights is None else weights[chosen]
            loss = binary_cross_entropy_with_logits(trunk(rows[chosen]), targets[chosen], weight)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule_of_rates.step()
            for layer in trunk.layers:
                layer.keep_signs()
    trunk.rescale()


def drawn_rows(columns: int) -> Tensor:
    """Return rows of independently drawn features: they reach further than real ones."""
    drawn = np.random.default_rng(0).integers(0, ENCODED_ONE + 1, (_DRAWN_ROWS, columns))
    return shrink(torch.from_numpy(drawn) * INPUT_STRETCH).float()


def columns_of(chain: npt.NDArray[np.int64], columns: slice) -> Tensor:
    """Return READ columns of encoded chain features (n, 32), as the trunks' floats."""
    return read_features(torch.from_numpy(chain))[:, columns].float()


def power(values: Tensor) -> Tensor:
    """Return SHRINK without its factor and without rounding."""
    return torch.clamp(values, min=1e-6) ** SHRINK_EXPONENT


def shrunk(values: Tensor) -> Tensor:
    """Return SHRINK, with the gradient of its curve."""
    return rounded(torch.where(values > 0, _FACTOR * power(values), 0 * values))


def rounded(values: Tensor) -> Tensor:
    """Return whole numbers, with the gradient as if nothing was rounded."""
    return values + (values.round() - values).detach()


def bounded(weight: Tensor, bias: Tensor) -> Tensor:
    """Return the largest of a few scales (out,) at which no features can leave the table."""

    def reach(weight: Tensor, bias: Tensor) -> Tensor:
        ends = (weight.clamp(min=0) * TOP).sum(dim=1) + bias, (weight.clamp(max=0) * TOP).sum(dim=1) + bias
        return torch.maximum(ends[0].abs(), ends[1].abs())

    full = HIGHEST / reach(weight, bias).clamp(min=1e-9)
    best = torch.zeros_like(full)
    for share in _TRIES:
        scale = full * share
        fits = reach(torch.round(weight * scale[:, None]), torch.round(bias * scale)) <= HIGHEST
        best = torch.where((best == 0) & fits, scale, best)
    return best
