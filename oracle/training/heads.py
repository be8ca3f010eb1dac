"""The learned trunks: fraud from accounts, passports from credit tables, credit events from the book."""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from oracle.assessment.features import FEATURES
from oracle.models.fixed_point import INPUT_BITS
from oracle.models.network import CREDIT, FRAUD, Shape
from oracle.training.accounts import Accounts
from oracle.training.book import Book
from oracle.training.distil import Lesson, distil
from oracle.training.fit import Recipe, Standard, Trunk, fit
from oracle.training.passports import Passports
from oracle.training.split import TRAIN, VALIDATION

CREDIT_READS: Final[dict[str, int]] = {
    "health_factor": -1,
    "repayment_rate": -1,
    "liquidation_risk": 1,
    "late_share": 1,
    "market_volatility": 1,
    "loan_to_value": 1,
    "collateral_buffer": -1,
    "loan_duration": 1,
}
"""What carries information in the book, and the direction in which it may move the probability.

The trunk's other columns stay zero: debt_to_collateral is the health factor without its thresholds, and a network that
reads both may ignore the one that decides. A direction is a promise to the borrower: repaying more never costs points.
"""

FRAUD_PAIRS: Final = (
    ("sent_count", "received_count"),
    ("mean_minutes_between_sent", "mean_minutes_between_received"),
    ("unique_senders", "received_count"),
    ("unique_recipients", "sent_count"),
    ("max_value_received", "mean_value_received"),
    ("mean_value_received", "min_value_received"),
    ("mean_value_sent", "min_value_sent"),
    ("mean_value_sent", "mean_value_received"),
    ("mean_value_sent", "max_value_received"),
    ("balance", "mean_value_received"),
)
"""Ratios that the fraud head's teacher sees beside the features: all are logarithmic."""

_FLOW = [feature.name for feature in FEATURES[FRAUD]]
_CREDIT_BLOCK = [feature.name for feature in FEATURES[CREDIT]]
_PINNED_ROWS = 300
UNKNOWN_FRAUD: Final = 0.15
_FUNDED_FRAUD = 0.05


def fit_fraud(accounts: Accounts, shape: Shape, lesson: Lesson, seed: int) -> Trunk:
    """Fit the fraud trunk on the training accounts that moved coin.

    An address that shows nothing at all is pinned to UNKNOWN_FRAUD, about the base rate: the source calls each one a
    fraud, but met no honest newcomer. One with a balance that no transaction brought (a contract wallet, a payout) is
    pinned to a small probability.
    """
    chosen = (accounts.part == TRAIN) & ~accounts.empty
    held = (accounts.part == VALIDATION) & ~accounts.empty
    return distil(
        accounts.encoded[chosen],
        accounts.fraud[chosen],
        shape.fraud,
        lesson,
        seed,
        validation=(accounts.encoded[held], accounts.fraud[held]),
        pinned=wallets_without_flow(accounts.encoded.shape[1], seed),
        pairs=fraud_pairs(),
    )


def fraud_pairs() -> tuple[tuple[int, int], ...]:
    """Return FRAUD_PAIRS as columns of the fraud block."""
    return tuple((_FLOW.index(left), _FLOW.index(right)) for left, right in FRAUD_PAIRS)


def fit_passport(passports: Passports, hidden: tuple[int, int], lesson: Lesson, seed: int) -> Trunk:
    """Fit a passport trunk whose score is the log likelihood ratio of default, and exactly 0 without a passport.

    The first unit of each layer carries the presence flag; the biases are weights on it.
    """
    chosen = passports.part == TRAIN
    held = passports.part == VALIDATION
    encoded, bad = passports.encoded[chosen], passports.bad[chosen]
    validation = (passports.encoded[held], passports.bad[held])
    small = distil(encoded, bad, (hidden[0] - 1, hidden[1] - 1), lesson, seed, validation=validation)
    trunk = Trunk(encoded.shape[1], hidden, 1, list(range(encoded.shape[1])))
    base = float(np.log(bad.mean() / (1 - bad.mean())))
    with torch.no_grad():
        for layer in (trunk.first, trunk.second, trunk.head):
            layer.weight.zero_()
            layer.bias.zero_()
        trunk.first.weight[0, 0] = trunk.second.weight[0, 0] = 1.0
        trunk.first.weight[1:] = small.first.weight
        trunk.first.weight[1:, 0] += small.first.bias
        trunk.second.weight[1:, 1:] = small.second.weight
        trunk.second.weight[1:, 0] = small.second.bias
        trunk.head.weight[0, 1:] = small.head.weight[0]
        trunk.head.weight[0, 0] = small.head.bias[0] - base
    return trunk


def fit_credit(book: Book, shape: Shape, recipe: Recipe, seed: int) -> Trunk:
    """Fit the credit trunk on the book's training period, monotone in CREDIT_READS.

    The target is the structural probability, not what happened: one period's market is not the next one's.
    """
    chosen, held = book.part == TRAIN, book.part == VALIDATION
    standard = Standard.of(book.chain[chosen][:, CREDIT])
    inputs, unseen = (standard(book.chain[rows][:, CREDIT]) for rows in (chosen, held))
    targets, expected = (torch.tensor(book.structural[rows, None], dtype=torch.float32) for rows in (chosen, held))
    weights, known = (torch.tensor(book.weight[rows, None], dtype=torch.float32) for rows in (chosen, held))
    found: list[tuple[float, int, Trunk]] = []
    for start in range(recipe.starts):
        torch.manual_seed(seed + start)
        trunk = Trunk(len(_CREDIT_BLOCK), shape.credit, 1, credit_columns(), credit_directions())
        fit(trunk, inputs, targets, recipe, seed + start, weights=weights)
        with torch.no_grad():
            loss = float(binary_cross_entropy_with_logits(trunk(unseen), expected, known)) if len(unseen) else 0.0
        found.append((loss, start, trunk))
    best = min(found, key=lambda one: one[:2])[2]
    standard.undo(best)
    return best


def credit_columns() -> list[int]:
    """Return the columns of the credit block that the trunk reads."""
    return [_CREDIT_BLOCK.index(name) for name in CREDIT_READS]


def credit_directions() -> Tensor:
    """Return the direction of every column of the credit block, 0 where it is free or not read."""
    return torch.tensor([float(CREDIT_READS.get(name, 0)) for name in _CREDIT_BLOCK])


def wallets_without_flow(columns: int, seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return made rows of accounts without flow, with and without a balance, and the probability that each gets."""
    rng = np.random.default_rng(seed)
    rows = np.zeros((2 * _PINNED_ROWS, columns), dtype=np.int64)
    rows[_PINNED_ROWS:, -1] = rng.integers(1, 2**INPUT_BITS, _PINNED_ROWS)
    return rows, np.repeat([UNKNOWN_FRAUD, _FUNDED_FRAUD], _PINNED_ROWS)
