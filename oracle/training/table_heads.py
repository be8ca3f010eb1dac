"""The batch model's learned trunks: fraud taught by trees, credit monotone by what the book's odds are."""

from typing import Any, Final

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from oracle.models.integer import IntegerNetwork
from oracle.models.table_net import CREDIT, CREDIT_READS, FRAUD
from oracle.training.accounts import Accounts
from oracle.training.assemble import fraud_rows
from oracle.training.book import Book
from oracle.training.distil import Lesson, Teacher, made_rows
from oracle.training.fit import Recipe
from oracle.training.heads import CREDIT_READS as DIRECTIONS
from oracle.training.heads import fraud_pairs, wallets_without_flow
from oracle.training.rules import probability_of_default
from oracle.training.split import TRAIN, VALIDATION
from oracle.training.statistics import PRECISION_WEIGHT, precision_at_recall
from oracle.training.table_trunk import Schedule, TableTrunk, columns_of, train_trunk
from oracle.training.tasks import no_private

FRAUD_HIDDEN: Final = (28, 16)
"""What decides the rows of an answer: two products are one."""
CREDIT_HIDDEN: Final = (16, 8)
FRAUD_SCHEDULE: Final = Schedule(Recipe(110, 512, 0.0214, 0.0285), rounded_epochs=30, rounded_rate=0.006)
CREDIT_SCHEDULE: Final = Schedule(Recipe(50, 512, 0.02, 1e-5), rounded_epochs=20, rounded_rate=0.006)
_MADE_ROWS: Final = 2
_BOOSTED: Final = ((400, 0.03, 7, 0.0, 20), (250, 0.05, 15, 1.0, 20), (200, 0.06, 31, 0.0, 10))
# Rounds, rate, leaves, shrinkage, smallest leaf.
_EXTRA_TREES: Final = 300


def fit_fraud_table(
    accounts: Accounts,
    lesson: Lesson,
    seed: int,
    hidden: tuple[int, int] = FRAUD_HIDDEN,
    schedule: Schedule = FRAUD_SCHEDULE,
) -> TableTrunk:
    """Fit the fraud trunk on the training accounts that moved coin, as `heads.fit_fraud` fits the single model's.

    What is taught on, and how many starts validation rows choose from, is `lesson`'s; how long, and at which rate, the
    schedule's. The teacher is a committee: on rows that its folds did not see it is well ahead of the lesson's.
    """
    chosen = (accounts.part == TRAIN) & ~accounts.empty
    encoded, labels = accounts.encoded[chosen], accounts.fraud[chosen]
    teacher = Teacher(encoded, labels, lesson, seed, fraud_pairs(), lambda: committee(seed))
    made, (bare, wanted) = made_rows(encoded, lesson, seed), wallets_without_flow(encoded.shape[1], seed)
    soft = (1 - lesson.teacher_share) * labels + lesson.teacher_share * teacher.unseen
    rows = np.concatenate([*[encoded] * lesson.real_copies, made, bare])
    targets = np.concatenate([*[soft] * lesson.real_copies, teacher(made), wanted])
    inputs, wished = columns_of(fraud_rows(rows), FRAUD), torch.tensor(targets, dtype=torch.float32)
    held = (accounts.part == VALIDATION) & ~accounts.empty
    unseen = columns_of(fraud_rows(accounts.encoded[held]), FRAUD)
    labels_held = accounts.fraud[held]
    found: list[tuple[float, int, TableTrunk]] = []
    for start in range(lesson.recipe.starts):
        torch.manual_seed(seed + start)
        trunk = TableTrunk(hidden, columns_of(fraud_rows(encoded), FRAUD))
        train_trunk(trunk, inputs, wished, schedule, seed + start)
        with torch.no_grad():
            given = trunk(unseen).double().numpy()
        worth = roc_auc_score(labels_held, given) + PRECISION_WEIGHT * precision_at_recall(labels_held, given, 0.8)
        found.append((float(worth), -start, trunk))
    return max(found, key=lambda one: one[:2])[2]


def committee(seed: int) -> list[Any]:
    """Return the fraud trunk's teachers: boosted trees of three sizes, and extra trees."""
    boosted = [
        HistGradientBoostingClassifier(
            random_state=seed,
            max_iter=rounds,
            learning_rate=rate,
            max_leaf_nodes=leaves,
            l2_regularization=shrinkage,
            min_samples_leaf=smallest,
            early_stopping=False,
        )
        for rounds, rate, leaves, shrinkage, smallest in _BOOSTED
    ]
    return [*boosted, ExtraTreesClassifier(_EXTRA_TREES, random_state=seed)]


def fit_credit_table(book: Book, single: IntegerNetwork, seed: int, schedule: Schedule = CREDIT_SCHEDULE) -> TableTrunk:
    """Fit the credit trunk on the book's training period, monotone as the single model's: see `heads.CREDIT_READS`.

    Real rows have half of their target from the book's odds and half from the single model, whose answers without
    private features are the same odds less what no feature foretells; rows made between them have all from it.
    """
    chosen = book.part == TRAIN
    chain, weights = book.chain[chosen], book.weight[chosen]
    made = made_rows(chain, Lesson(schedule.exact, made_rows=_MADE_ROWS), seed)
    taught = probability_of_default(single, np.concatenate([chain, made]), no_private(len(chain) + len(made)))
    taught[: len(chain)] = (taught[: len(chain)] + book.structural[chosen]) / 2
    weighed = np.concatenate([weights, np.tile(weights, _MADE_ROWS)])
    torch.manual_seed(seed)
    trunk = TableTrunk(CREDIT_HIDDEN, columns_of(chain, CREDIT), credit_signs())
    rows = columns_of(np.concatenate([chain, made]), CREDIT)
    targets, counts = (torch.tensor(values, dtype=torch.float32) for values in (taught, weighed))
    train_trunk(trunk, rows, targets, schedule, seed, counts)
    return trunk


def credit_signs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the sign of each weight of the credit trunk's layers."""
    # Every other unit is turned, as in `fit.Trunk`: with one kind alone every function would be convex.
    directions = torch.tensor([float(DIRECTIONS[name]) for name in CREDIT_READS])
    first, second = (1.0 - 2.0 * (torch.arange(count) % 2) for count in CREDIT_HIDDEN)
    return first[:, None] * directions, second[:, None] * first, second[None, :]
