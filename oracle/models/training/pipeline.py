"""`risk-oracle models train`: from a data folder to a model folder."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from oracle.models.export import SETTINGS, export
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.policy import POLICY, Policy
from oracle.models.quantise import check_no_overflow
from oracle.models.registry import DEFAULT_MODEL, FLOAT_WEIGHTS
from oracle.models.training.accounts import Accounts, read_accounts
from oracle.models.training.assemble import Trunks, install_scores, install_terms, unrounded, weigh_passports
from oracle.models.training.book import Book, make_book
from oracle.models.training.borrowers import liquidations_of, read_term_loans
from oracle.models.training.card import write_card
from oracle.models.training.evaluate import judge_book, judge_terms
from oracle.models.training.figures import draw_figures
from oracle.models.training.heads import CARD_LESSON, HOME_LESSON, fit_credit, fit_fraud, fit_passport
from oracle.models.training.measure import extra_baseline, judge, subgroups
from oracle.models.training.passports import Passports, read_card, read_home
from oracle.models.training.reference import write_reference_of
from oracle.models.training.rules import apply_rules
from oracle.models.training.split import TEST, TRAIN
from oracle.models.training.tables import file_of, read_table
from oracle.models.training.tasks import (
    judged_accounts,
    judged_extra,
    judged_liquidations,
    judged_loans,
    judged_passports,
)
from oracle.models.weights import save_float

SEED: Final = 7
"""What the shipped model was trained with."""


def train(
    data_dir: Path,
    out_dir: Path,
    seed: int = SEED,
    *,
    name: str = DEFAULT_MODEL,
    policy: Policy = POLICY,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train, quantise, export and judge a model; returns its metrics, which `out_dir`/metrics.json also holds.

    The same data, seed and releases of the libraries give the same bytes. Raises UnusableData for data that does
    not fit, NotRepresentable when an input could overflow the circuit, CircuitTooLarge for a network beyond 2^12 rows.
    """
    # One thread: the order of a sum is part of its value.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    started = time.monotonic()

    def tell(line: str) -> None:
        say(f"[{time.monotonic() - started:6.1f} s] {line}")

    accounts = read_accounts(data_dir, seed)
    tell(f"accounts: {len(accounts.fraud)} read and encoded, {int(accounts.fraud.sum())} of them fraud")
    book = make_book(data_dir, accounts, seed, tell)
    tell(f"loan book: {len(book.event)} loans, {book.event.mean():.1%} with a credit event")
    home, card = read_home(data_dir, seed), read_card(data_dir, seed)
    network = RiskNetwork()
    shape = network.shape
    credit = fit_credit(book, shape, seed)
    tell("credit trunk fitted")
    home_trunk = fit_passport(home, shape.home, HOME_LESSON, seed)
    card_trunk = fit_passport(card, shape.card, CARD_LESSON, seed)
    tell("passport trunks fitted")
    fraud = fit_fraud(accounts, shape, seed)
    tell("fraud trunk fitted")
    weights = weigh_passports(credit, home_trunk, card_trunk, book)
    trunks = Trunks(credit, fraud, home_trunk, card_trunk, weights)
    torch.manual_seed(seed)
    install_scores(network, trunks, book, accounts, policy)
    tell("quantised and calibrated")
    terms = apply_rules(IntegerNetwork.of(network), book, policy)
    install_terms(network, book, terms, policy, seed)
    tell("terms distilled")
    model_id = export(network, out_dir, name)
    floats = unrounded(network, trunks)
    save_float(floats, out_dir / FLOAT_WEIGHTS)
    tell(f"exported to {out_dir}")
    integers = IntegerNetwork.of(network)
    write_reference_of(out_dir, bytes.fromhex(model_id), integers, book)
    settings = json.loads((out_dir / SETTINGS).read_text())
    metrics: dict[str, Any] = {
        "name": name,
        "model_id": model_id,
        "seed": seed,
        "circuit": {
            "logrows": settings["run_args"]["logrows"],
            "rows": settings["num_rows"],
            "largest_share_of_range_check": round(check_no_overflow(network), 4),
        },
        "passport_weights": [round(weight, 4) for weight in weights],
    } | judge_all(data_dir, seed, integers, floats, accounts, book, home, card)
    metrics["book"] = judge_book(integers, floats, book, policy)
    metrics["terms"] = judge_terms(integers, book, terms)
    draw_figures(out_dir, integers, accounts, book, home, card)
    (out_dir / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    (out_dir / "card.md").write_text(write_card(name, metrics, policy))
    tell("judged on unseen data; card written")
    return metrics


def judge_all(
    data_dir: Path,
    seed: int,
    integers: IntegerNetwork,
    floats: RiskNetwork,
    accounts: Accounts,
    book: Book,
    home: Passports,
    card: Passports,
) -> dict[str, Any]:
    """Return the figures of every task but the book, on the unseen parts; learned baselines from the training parts."""
    found: dict[str, Any] = {}
    judged = {
        "fraud": (judged_accounts(read_table(data_dir, "fraud"), file_of(data_dir, "fraud")), accounts.part),
        "hmeq": (judged_passports(home), home.part),
        "uci": (judged_passports(card), card.part),
    }
    loans = read_term_loans(data_dir, seed)
    judged["rocifi"] = (judged_loans(loans), np.array([loan.part for loan in loans], dtype=np.int8))
    for task, (rows, part) in judged.items():
        found[task] = judge(rows.only(part == TEST), integers, floats, fitted_on=rows.only(part == TRAIN))
    repeat = judged_liquidations(read_table(data_dir, "liquidations"), file_of(data_dir, "liquidations"))
    part = liquidations_of(read_table(data_dir, "liquidations"), seed).part[repeat.kept]
    found["repeat-liquidation"] = judge(
        repeat.only(part == TEST), integers, floats, fitted_on=repeat.only(part == TRAIN)
    )
    extra = judged_extra(read_table(data_dir, "fraud_extra"), file_of(data_dir, "fraud_extra"))
    threshold = found["fraud"]["quantised"]["threshold_at_fpr_1"]
    found["fraud-extra"] = judge(extra, integers, floats, fraud_threshold=threshold)
    rows, part = judged["fraud"]
    found["fraud-extra"]["baselines"] = extra_baseline(extra, rows.only(part == TRAIN), rows.only(part == TEST))
    found["subgroups"] = subgroups(data_dir, integers, judged["uci"][0], card.part == TEST)
    return found
