"""`risk-oracle models search`: hyper-parameters of one head, scored on rows held out of the training part.

The test part is never read. A study lives in a file: a search that was stopped goes on with the trials it has.
Trials are asked for in batches of fixed size, so that a cluster and a single process search the same points.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

from oracle.models.network import CREDIT, Shape
from oracle.training.accounts import Accounts, read_accounts
from oracle.training.book import Book, make_book
from oracle.training.fit import as_inputs
from oracle.training.heads import fit_credit, fit_fraud, fit_passport
from oracle.training.passports import Passports, read_card, read_home
from oracle.training.recipes import Recipes, lesson_of, table_of
from oracle.training.split import TEST, TRAIN, VALIDATION
from oracle.training.statistics import PRECISION_WEIGHT, precision_at_recall
from oracle.training.workers import InProcess, Workers

_BATCH = 4
_FOLDS = 3

Source = Accounts | Passports | Book


def search(
    head: str,
    source: Source,
    trials: int,
    study_file: Path,
    start: Recipes,
    seed: int,
    *,
    workers: Workers | None = None,
    say: Callable[[str], None] = print,
) -> tuple[Recipes, float]:
    """Return `start` with the head's best table found so far, and its score; runs until the study has `trials` trials.

    The first trial is `start` itself, so the result is never worse than it on the held-out rows.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(study_file)))
    study = optuna.create_study(study_name=head, storage=storage, direction="maximize", load_if_exists=True)
    given = table_of(getattr(start, head))
    if not study.trials:
        study.enqueue_trial({name: value for name, value in given.items() if name in _space(head)})
    while (done := len(_finished(study))) < trials:
        # Seeded by the trials that are known: going on searches the same points as never having stopped.
        study.sampler = optuna.samplers.TPESampler(seed=seed + done, n_startup_trials=_BATCH * 2)
        asked = [study.ask() for _ in range(min(_BATCH, trials - done))]
        tables = [given | _suggest(trial, head) for trial in asked]
        scores = (workers or InProcess()).map(score_of, tables, head, source, seed)
        for trial, score in zip(asked, scores, strict=True):
            study.tell(trial, score)
            say(f"{head}: trial {trial.number + 1} of {trials}: {score:.5f} (best {study.best_value:.5f})")
    best = given | study.best_params
    return replace(start, **{head: lesson_of(head, best)}), float(study.best_value)


def read_source(head: str, data_dir: Path, seed: int, workers: Workers) -> Source:
    """Return what a head learns from."""
    if head == "home":
        return read_home(data_dir, seed)
    if head == "card":
        return read_card(data_dir, seed)
    accounts = read_accounts(data_dir, seed)
    return accounts if head == "fraud" else make_book(data_dir, accounts, seed, workers=workers)


def score_of(table: dict[str, Any], head: str, source: Source, seed: int) -> float:
    """Return a table's score, higher is better.

    Fraud: AUC and a tenth of the precision at recall 0.8; passports: AUC; both the mean of three folds of the training
    and validation parts, equal rows together. Credit: minus the log loss in the book's validation period.
    """
    # One start: the held-out rows judge, so they must not choose as well.
    lesson = lesson_of(head, table | {"starts": 1})
    if isinstance(source, Book):
        return _credit_score(source, lesson, seed)
    scores = []
    known = source.part != TEST
    if isinstance(source, Accounts):
        known &= ~source.empty
    rows = np.flatnonzero(known)
    labels = source.fraud if isinstance(source, Accounts) else source.bad
    _, group = np.unique(source.encoded[rows], axis=0, return_inverse=True)
    for _, held in GroupKFold(_FOLDS, shuffle=True, random_state=seed).split(rows, groups=group.ravel()):
        part = np.full(len(labels), TEST, dtype=np.int8)
        part[rows] = TRAIN
        part[rows[held]] = VALIDATION
        own = replace(source, part=part)
        if isinstance(own, Accounts):
            trunk = fit_fraud(own, Shape(), lesson, seed)
        else:
            trunk = fit_passport(own, Shape().home if head == "home" else Shape().card, lesson, seed)
        with torch.no_grad():
            given = trunk(as_inputs(source.encoded[rows[held]]))[:, 0].numpy()
        truth = labels[rows[held]]
        extra = PRECISION_WEIGHT * precision_at_recall(truth, given, 0.8) if head == "fraud" else 0.0
        scores.append(float(roc_auc_score(truth, given)) + extra)
    return float(np.mean(scores))


def _credit_score(book: Book, recipe: Any, seed: int) -> float:
    trunk = fit_credit(book, Shape(), recipe, seed)
    rows = book.part == VALIDATION
    with torch.no_grad():
        given = torch.sigmoid(trunk(as_inputs(book.chain[rows][:, CREDIT])))[:, 0].double().numpy()
    wanted, count = book.structural[rows], int(rows.sum())
    # A soft label is two rows, one of each class, that share the row's weight.
    weights = np.concatenate([book.weight[rows] * wanted, book.weight[rows] * (1 - wanted)])
    return -float(log_loss(np.repeat([1, 0], count), np.tile(given, 2), sample_weight=weights))


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def _space(head: str) -> dict[str, optuna.distributions.BaseDistribution]:
    floats, integers = optuna.distributions.FloatDistribution, optuna.distributions.IntDistribution
    space: dict[str, optuna.distributions.BaseDistribution] = {
        "learning_rate": floats(3e-3, 4e-2, log=True),
        "weight_decay": floats(1e-5, 1e-1, log=True),
        "epochs": integers(10, 60, step=10) if head == "card" else integers(100, 600, step=50),
    }
    if head == "credit":
        return space
    return space | {
        "boosting_rounds": integers(50, 400, step=50),
        "boosting_rate": floats(0.02, 0.2, log=True),
        "leaves": integers(7, 47, step=8),
        "trees": integers(0, 200, step=200),
        "made_rows": integers(2, 10, step=2),
        "exchanged": floats(0.05, 0.4),
        "teacher_share": floats(0.3, 1.0),
    }


def _suggest(trial: optuna.Trial, head: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, space in _space(head).items():
        if isinstance(space, optuna.distributions.IntDistribution):
            found[name] = trial.suggest_int(name, space.low, space.high, step=space.step)
        elif isinstance(space, optuna.distributions.FloatDistribution):
            found[name] = trial.suggest_float(name, space.low, space.high, log=space.log)
    return found
