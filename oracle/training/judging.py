"""Every judgement of a finished model, as pieces of work that can run anywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from oracle.models.anomaly import AnomalyModel
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.policy import Policy
from oracle.training.accounts import Accounts
from oracle.training.anomaly import judge_anomaly
from oracle.training.book import Book
from oracle.training.borrowers import liquidations_of
from oracle.training.checks import leak_of
from oracle.training.evaluate import judge_book, judge_confidence, judge_terms
from oracle.training.files import read_rows
from oracle.training.judged import Judged
from oracle.training.measure import extra_baseline, judge, subgroups
from oracle.training.passports import Passports
from oracle.training.rules import Terms
from oracle.training.split import TEST, TRAIN
from oracle.training.statistics import precision_at_recall
from oracle.training.tables import file_of, read_table
from oracle.training.tasks import (
    judged_accounts,
    judged_extra,
    judged_liquidations,
    judged_loans,
    judged_passports,
    loans_by_borrower,
)

JUDGED = ("fraud", "hmeq", "uci", "rocifi", "repeat-liquidation", "book", "terms", "confidence", "anomaly", "subgroups")


@dataclass(frozen=True)
class Learned:
    """What was trained, and the data that it is judged on."""

    integers: IntegerNetwork
    floats: RiskNetwork
    anomaly: AnomalyModel
    accounts: Accounts
    book: Book
    home: Passports
    card: Passports
    terms: Terms


def judge_one(task: str, learned: Learned, data_dir: Path, policy: Policy, seed: int) -> dict[str, Any]:
    """Return the figures of one of JUDGED, on unseen rows; learned baselines are fitted on the training rows."""
    integers, floats, book = learned.integers, learned.floats, learned.book
    if task == "book":
        return judge_book(integers, floats, book, policy)
    if task == "terms":
        return judge_terms(integers, book, learned.terms)
    if task == "confidence":
        return judge_confidence(integers, book, policy)
    if task == "anomaly":
        return judge_anomaly(learned.anomaly, learned.accounts)
    if task == "subgroups":
        return subgroups(data_dir, integers, judged_passports(learned.card), learned.card.part == TEST)
    if task == "fraud":
        rows, part = _accounts(data_dir), learned.accounts.part
        found = judge(rows.only(part == TEST), integers, floats, fitted_on=rows.only(part == TRAIN))
        found["baselines"] |= _every_column(file_of(data_dir, "fraud"), part)
        return found | {"extra": _judge_extra(learned, data_dir, found["quantised"]["threshold_at_fpr_1"])}
    if task in ("hmeq", "uci"):
        passports = learned.home if task == "hmeq" else learned.card
        rows = judged_passports(passports)
        unseen, known = rows.only(passports.part == TEST), rows.only(passports.part == TRAIN)
        return judge(unseen, integers, floats, fitted_on=known)
    if task == "rocifi":
        loans, borrowers = loans_by_borrower(read_table(data_dir, "loans"), seed)
        rows, part = judged_loans(loans, borrowers), np.array([loan.part for loan in loans], dtype=np.int8)
    else:
        frame = read_table(data_dir, "liquidations")
        rows = judged_liquidations(frame, file_of(data_dir, "liquidations"))
        part = liquidations_of(frame, seed).part[rows.kept]
    later, before = rows.by_time(part)
    found = judge(rows.only(part == TEST), integers, floats, fitted_on=rows.only(part == TRAIN))
    return found | {"by_time": judge(later, integers, floats, fitted_on=before)}


def _accounts(data_dir: Path) -> Judged:
    return judged_accounts(read_table(data_dir, "fraud"), read_rows(file_of(data_dir, "fraud")))


def _judge_extra(learned: Learned, data_dir: Path, threshold: float) -> dict[str, Any]:
    rows = _accounts(data_dir)
    part = learned.accounts.part
    extra = judged_extra(read_table(data_dir, "fraud_extra"), file_of(data_dir, "fraud_extra"))
    found = judge(extra, learned.integers, learned.floats, fraud_threshold=threshold)
    return found | {"baselines": extra_baseline(extra, rows.only(part == TRAIN), rows.only(part == TEST))}


def _every_column(path: Path, part: npt.NDArray[np.int8]) -> dict[str, Any]:
    """Return what boosting reaches on all columns off the leak list: what other features could be worth."""
    frame = read_rows(path)
    labels = frame["FLAG"].to_numpy(dtype=np.int64)
    columns = [column for column in frame.select_dtypes("number") if leak_of(str(column)) is None]
    values = frame[columns].to_numpy(dtype=float)
    known, unseen = part == TRAIN, part == TEST
    boosted = HistGradientBoostingClassifier(random_state=0, max_iter=100).fit(values[known], labels[known])
    given = boosted.predict_proba(values[unseen])[:, 1]
    return {
        "gradient_boosting_on_every_column_auc": round(float(roc_auc_score(labels[unseen], given)), 4),
        "gradient_boosting_on_every_column_precision_at_recall_80": round(
            precision_at_recall(labels[unseen], given, 0.8), 4
        ),
    }
