"""Every judgement of a finished model, as pieces of work that can run anywhere."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oracle.models.anomaly import AnomalyModel
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.policy import Policy
from oracle.models.training.accounts import Accounts
from oracle.models.training.anomaly import judge_anomaly
from oracle.models.training.book import Book
from oracle.models.training.borrowers import liquidations_of, read_term_loans
from oracle.models.training.evaluate import judge_book, judge_confidence, judge_terms
from oracle.models.training.measure import extra_baseline, judge, subgroups
from oracle.models.training.passports import Passports
from oracle.models.training.rules import Terms
from oracle.models.training.split import TEST, TRAIN
from oracle.models.training.tables import file_of, read_table
from oracle.models.training.tasks import (
    judged_accounts,
    judged_extra,
    judged_liquidations,
    judged_loans,
    judged_passports,
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
        rows, part = judged_accounts(read_table(data_dir, "fraud"), file_of(data_dir, "fraud")), learned.accounts.part
        found = judge(rows.only(part == TEST), integers, floats, fitted_on=rows.only(part == TRAIN))
        return found | {"extra": _judge_extra(learned, data_dir, found["quantised"]["threshold_at_fpr_1"])}
    if task in ("hmeq", "uci"):
        passports = learned.home if task == "hmeq" else learned.card
        rows = judged_passports(passports)
        unseen, known = rows.only(passports.part == TEST), rows.only(passports.part == TRAIN)
        return judge(unseen, integers, floats, fitted_on=known)
    if task == "rocifi":
        loans = read_term_loans(data_dir, seed)
        rows, part = judged_loans(loans), np.array([loan.part for loan in loans], dtype=np.int8)
    else:
        frame = read_table(data_dir, "liquidations")
        rows = judged_liquidations(frame, file_of(data_dir, "liquidations"))
        part = liquidations_of(frame, seed).part[rows.kept]
    later, before = rows.by_time(part)
    found = judge(rows.only(part == TEST), integers, floats, fitted_on=rows.only(part == TRAIN))
    return found | {"by_time": judge(later, integers, floats, fitted_on=before)}


def _judge_extra(learned: Learned, data_dir: Path, threshold: float) -> dict[str, Any]:
    rows = judged_accounts(read_table(data_dir, "fraud"), file_of(data_dir, "fraud"))
    part = learned.accounts.part
    extra = judged_extra(read_table(data_dir, "fraud_extra"), file_of(data_dir, "fraud_extra"))
    found = judge(extra, learned.integers, learned.floats, fraud_threshold=threshold)
    return found | {"baselines": extra_baseline(extra, rows.only(part == TRAIN), rows.only(part == TEST))}
