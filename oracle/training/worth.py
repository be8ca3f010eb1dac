"""What a passport is worth: how score, category and terms of unseen applicants move with and without it.

Applicants carry no wallet, so each is put to some fixed wallets, as the tables' judgement puts them to one. Beside them
stands what an invented passport reaches: the best one that is consistent, found by search, whoever holds it.
"""

# ruff: noqa: E501 - a page of text, line by line

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES
from oracle.assessment.outputs import OUTPUTS, Category, Scores, decode_outputs
from oracle.assessment.private import GROUPS, PLACE_OF, STATED
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.training.passports import Passports
from oracle.training.split import TEST
from oracle.training.statistics import INTERVAL
from oracle.training.tasks import neutral_loan

WORTH: Final = "worth.json"

Codes = npt.NDArray[np.int64]

WALLETS: Final[dict[str, dict[str, str]]] = {
    "no history": {},
    "late on every loan": {"late_share": "1"},
    "late on every loan, liquidated twice": {"late_share": "1", "liquidation_risk": "0.6667"},
}
"""What differs from a wallet without history that asks for half its collateral's value for 30 days."""

PAYERS: Final = {"good": 0, "bad": 1}
_TABLES: Final = {"hmeq": "home owners (HMEQ)", "uci": "card holders (UCI)"}
_FIGURES: Final[dict[str, Callable[[list[Scores]], list[float]]]] = {
    "score": lambda answers: [one.score_bps / 100 for one in answers],
    "interest_rate": lambda answers: [one.interest_rate_bps / 100 for one in answers],
    "duration": lambda answers: [float(one.duration_days) for one in answers],
    "maximum_ltv": lambda answers: [one.maximum_ltv_bps / 100 for one in answers],
}
_PRESENT: Final = tuple(PLACE_OF[flag] for flag in GROUPS.values())
_FLAGS: Final = (*GROUPS.values(), *STATED.values())
_RESAMPLES: Final = 300
_GRID: Final = tuple(range(0, ENCODED_ONE + 1, ENCODED_ONE // 16))
_ROUNDS: Final = 6
_STARTS: Final = 4


def worth_of(network: IntegerNetwork, rows: Mapping[str, Passports]) -> dict[str, Any]:
    """Return figures of the unseen rows by table, wallet and payer, and those of an invented passport."""
    found: dict[str, Any] = {}
    for table, passports in rows.items():
        private, bad = passports.private()[passports.part == TEST], passports.bad[passports.part == TEST]
        found[table] = {
            wallet: {
                payer: _moved(network, wallet_of(wallet), private[bad == label]) for payer, label in PAYERS.items()
            }
            for wallet in WALLETS
        }
    return {"tables": found, "invented": invented(network)}


def invented(network: IntegerNetwork) -> dict[str, Any]:
    """Return, for each wallet, the answer without a passport and with the best one that somebody could invent."""
    found = {}
    for wallet in WALLETS:
        chain = wallet_of(wallet)
        best = best_passport(network, chain)
        found[wallet] = {"without": _told(network, chain, np.zeros_like(best)), "with": _told(network, chain, best)}
    return found


def wallet_of(name: str) -> Codes:
    """Return the encoded chain features (32,) of one of WALLETS."""
    chain = neutral_loan()
    for column, feature in enumerate(FEATURES):
        if feature.name in WALLETS[name]:
            chain[column] = feature.encode(Decimal(WALLETS[name][feature.name]))
    return chain


def best_passport(network: IntegerNetwork, chain: Codes) -> Codes:
    """Return the consistent private features (24,) of the highest score that a search by coordinates finds."""
    draw = np.random.default_rng(0)
    best, reached = np.zeros(len(PRIVATE_FEATURES), dtype=np.int64), -1
    starts = [np.full(len(PRIVATE_FEATURES), ENCODED_ONE // 2), *draw.integers(0, ENCODED_ONE + 1, (_STARTS, 24))]
    for start in starts:
        # Present throughout: without the flag nothing else counts, and a search by coordinates would not come back.
        start[[PLACE_OF[flag] for flag in _FLAGS]] = ENCODED_ONE
        row = _consistent(start)
        for _ in range(_ROUNDS):
            before = row.copy()
            for place in (place for place in range(len(PRIVATE_FEATURES)) if place not in _PRESENT):
                tried = np.repeat(row[None], len(_GRID), axis=0)
                tried[:, place] = _GRID
                tried = np.array([_consistent(one) for one in tried])
                scores = _scores(network, chain, tried)
                if scores.max() > _scores(network, chain, row[None])[0]:
                    row = tried[int(scores.argmax())]
            if np.array_equal(row, before):
                break
        if (score := int(_scores(network, chain, row[None])[0])) > reached:
            best, reached = row, score
    return best


def _consistent(row: Codes) -> Codes:
    """Return a row with its flags set or not, and nothing where they are not."""
    row = row.copy()
    for place, feature in enumerate(PRIVATE_FEATURES):
        if feature.unit == "flag":
            row[place] = ENCODED_ONE if row[place] >= ENCODED_ONE // 2 else 0
    for place, feature in enumerate(PRIVATE_FEATURES):
        stated = STATED.get(feature.name)
        if not row[PLACE_OF[GROUPS[feature.group]]] or (stated and not row[PLACE_OF[stated]]):
            row[place] = 0
    return row


def _scores(network: IntegerNetwork, chain: Codes, private: Codes) -> npt.NDArray[np.int64]:
    return np.array([one.score_bps for one in _answers(network, chain, private)], dtype=np.int64)


def _answers(network: IntegerNetwork, chain: Codes, private: Codes) -> list[Scores]:
    rows = network(torch.from_numpy(np.repeat(chain[None], len(private), axis=0)), torch.from_numpy(private))
    return [decode_outputs(row, (OUTPUT_BITS,) * len(OUTPUTS)) for row in rows.tolist()]


def _told(network: IntegerNetwork, chain: Codes, private: Codes) -> dict[str, Any]:
    [one] = _answers(network, chain, private[None])
    return {"category": one.category.name.lower()} | {name: value([one])[0] for name, value in _FIGURES.items()}


def _moved(network: IntegerNetwork, chain: Codes, private: Codes) -> dict[str, Any]:
    """Return rows, the answer without a passport, and means with 95 % bootstrap intervals with each row's own."""
    answers = _answers(network, chain, private)
    draws = np.random.default_rng(0).integers(0, len(answers), (_RESAMPLES, len(answers)))
    given: dict[str, Any] = {}
    for name, value in _FIGURES.items():
        values = np.array(value(answers))
        low, high = np.percentile(values[draws].mean(axis=1), INTERVAL)
        given[name] = [round(float(one), 2) for one in (values.mean(), low, high)]
    given["categories"] = {
        category.name.lower(): round(sum(one.category == category for one in answers) / len(answers), 3)
        for category in Category
    }
    return {"rows": len(answers), "without": _told(network, chain, np.zeros_like(private[0])), "with": given}


def write_page(name: str, worth: dict[str, Any]) -> str:
    """Return the page of the documentation that tells a model's figures."""
    lines = [
        "# What a passport is worth",
        "",
        f"Made by `risk-oracle models worth --data FOLDER --out FOLDER` of model {name} (`{worth['model_id']}`), on applicants that it",
        "was neither trained nor chosen on. They carry no wallet, so each is put to three: one without history that asks for half",
        "its collateral's value for 30 days, and two that differ from it as told. Means with 95 % bootstrap intervals.",
        "",
        "| unseen applicants | wallet | rows | score without → with | low / medium / high with | rate % | days | maximum LTV % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for table, wallets in worth["tables"].items():
        for wallet, payers in wallets.items():
            lines += [_row(f"{_TABLES[table]}, {payer} payers", wallet, found) for payer, found in payers.items()]
    lines += [
        "",
        "## An invented one",
        "",
        "The best consistent passport that a search by coordinates finds, for the same wallets: what anybody can claim whom no",
        "issuer contradicts. It is why a lender takes no commitment without an issuer that it accepts.",
        "",
        "| wallet | score without → invented | category | rate % | maximum LTV % |",
        "|---|---|---|---|---|",
    ]
    for wallet, found in worth["invented"].items():
        before, after = found["without"], found["with"]
        lines.append(
            f"| {wallet} | {before['score']:.1f} → {after['score']:.1f} | {before['category']} → {after['category']} |"
            f" {before['interest_rate']:.1f} → {after['interest_rate']:.1f} |"
            f" {before['maximum_ltv']:.1f} → {after['maximum_ltv']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _row(payers: str, wallet: str, found: dict[str, Any]) -> str:
    before, after = found["without"], found["with"]
    mean, low, high = after["score"]
    shares = " / ".join(f"{share:.0%}" for share in after["categories"].values())
    return (
        f"| {payers} | {wallet} | {found['rows']} | {before['score']:.1f} → {mean:.1f} ({low:.1f} to {high:.1f}) |"
        f" {shares} (without: {before['category']}) |"
        + "".join(
            f" {before[name]:.1f} → {after[name][0]:.1f} |" for name in ("interest_rate", "duration", "maximum_ltv")
        )
    )
