"""Fit one trunk with one score on top; the same seed gives the same weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from oracle.models.fixed_point import INPUT_BITS


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fit: passes over the data, batch size, largest learning rate, the decay of weights, and from how many
    starts: the one that does best on validation rows is kept."""

    epochs: int = 120
    batch: int = 256
    learning_rate: float = 6e-3
    weight_decay: float = 1e-4
    starts: int = 1


class Trunk(nn.Module):
    """Two hidden ReLU layers and a linear head; columns outside `reads` get weight zero and keep it.

    With `directions` (inputs,), one of -1, 0, 1 each, the heads never rise with an input of -1 and never fall
    with one of 1. Every other unit is turned: it falls where the heads shall rise, and is subtracted. With one kind
    alone every function would be convex.
    """

    def __init__(
        self,
        inputs: int,
        hidden: tuple[int, int],
        heads: int,
        reads: list[int],
        directions: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.head = nn.Linear(hidden[1], heads)
        self.mask = torch.zeros(inputs)
        self.mask[reads] = 1.0
        self.directions = directions
        self.turns = [1.0 - 2.0 * (torch.arange(count) % 2) for count in hidden]
        with torch.no_grad():
            self.first.weight.mul_(self.mask)
            for weight, signs in self._signed():
                weight.copy_(torch.where(signs != 0, weight.abs() * signs, weight))

    def hidden(self, values: Tensor) -> Tensor:
        """Return the second hidden layer."""
        return torch.relu(self.second(torch.relu(self.first(values * self.mask))))

    def forward(self, values: Tensor) -> Tensor:
        """Return the head's outputs (batch, heads)."""
        out: Tensor = self.head(self.hidden(values))
        return out

    def keep_directions(self) -> None:
        """Clip the weights that a training step moved past their sign."""
        with torch.no_grad():
            for weight, signs in self._signed():
                weight.copy_(torch.where(signs != 0, (weight * signs).clamp(min=0) * signs, weight))

    def _signed(self) -> list[tuple[Tensor, Tensor]]:
        if self.directions is None:
            return []
        first, second = self.turns
        return [
            (self.first.weight, first[:, None] * self.directions[None, :]),
            (self.second.weight, second[:, None] * first[None, :]),
            (self.head.weight, second[None, :]),
        ]

    def clear_unread(self) -> None:
        """Set the weights of unread columns to exactly zero."""
        with torch.no_grad():
            self.first.weight.mul_(self.mask)


def as_inputs(encoded: npt.NDArray[np.int64]) -> Tensor:
    """Return encoded integers as the fractions that networks read."""
    return torch.tensor(encoded / 2**INPUT_BITS, dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class Standard:
    """Shift and scale of each input column, so that training starts well; the circuit itself reads bare fractions."""

    centre: npt.NDArray[np.float64]
    spread: npt.NDArray[np.float64]

    @classmethod
    def of(cls, encoded: npt.NDArray[np.int64]) -> Self:
        """Return the columns' means and deviations; constant columns stay as they are."""
        centre, spread = encoded.mean(axis=0) / 2**INPUT_BITS, encoded.std(axis=0) / 2**INPUT_BITS
        constant = spread == 0
        return cls(np.where(constant, 0.0, centre), np.where(constant, 1.0, spread))

    def __call__(self, encoded: npt.NDArray[np.int64]) -> Tensor:
        """Return standardised inputs."""
        return torch.tensor((encoded / 2**INPUT_BITS - self.centre) / self.spread, dtype=torch.float32)

    def undo(self, trunk: Trunk) -> None:
        """Move shift and scale into the trunk's first layer, in place."""
        with torch.no_grad():
            weight = trunk.first.weight.double() / torch.from_numpy(self.spread)
            trunk.first.bias.copy_(trunk.first.bias.double() - weight @ torch.from_numpy(self.centre))
            trunk.first.weight.copy_(weight)


def fit(
    trunk: Trunk, inputs: Tensor, targets: Tensor, recipe: Recipe, seed: int, weights: Tensor | None = None
) -> None:
    """Train in place on (soft) labels 0..1 with log loss, Adam and a one-cycle rate.

    `targets` and, where given, the rows' `weights` have the shape (n, heads).
    """
    optimizer = torch.optim.AdamW(trunk.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(inputs) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
    trunk.train()
    for rows in batches(len(inputs), recipe.batch, recipe.epochs, seed):
        weight = None if weights is None else weights[rows]
        loss = binary_cross_entropy_with_logits(trunk(inputs[rows]), targets[rows], weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        trunk.keep_directions()
    trunk.clear_unread()
    trunk.eval()


def batches(count: int, size: int, epochs: int, seed: int) -> Iterator[Tensor]:
    """Yield the row numbers of each batch, every epoch in a new order that the seed decides."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        order = torch.randperm(count, generator=generator)
        for start in range(0, count, size):
            yield order[start : start + size]
