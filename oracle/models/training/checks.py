"""What a table must not hold: labels among the features, other units, NaN, one class, the same wallet on two sides."""

from collections.abc import Hashable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.assessment.errors import OracleError


class UnusableData(OracleError):
    """A data set is missing, lacks a column, or holds what a model must not learn from."""


_ERC20: Final = "names scam tokens, or is missing for frauds alone: an artefact of collection"
_AFTERWARDS: Final = "is known only after the outcome, or for one outcome alone"
_DEMOGRAPHIC: Final = "is a protected attribute, or close to one"

LEAKS: Final[dict[str, str]] = {
    **dict.fromkeys(("FLAG", "BAD", "bad", "default_next_month", "defaulted", "outcome"), "is the label"),
    **dict.fromkeys(("liquidated_60_days", "ever_liquidated", "activity_60_days"), "is the label, or looks forward"),
    **dict.fromkeys(
        ("issue_ts", "maturity_ts", "principal_usd", "ltv_pct", "repaid_usd", "total_payments_usd"), _AFTERWARDS
    ),
    **dict.fromkeys(("awaiting_interest_usd", "liquidation_type", "liquidation_ts", "loan_status"), _AFTERWARDS),
    **dict.fromkeys(("liq_threshold_pct", "n_liquidation", "unique_actions_used"), _AFTERWARDS),
    "Time Diff between first and last (Mins)": "is the life span, which goes on after the fraud was reported",
    "ERC20_most_rec_token_type": _ERC20,
    **dict.fromkeys(("SEX", "AGE", "MARRIAGE", "EDUCATION", "sex", "age", "marriage", "education"), _DEMOGRAPHIC),
}
"""Columns of the public sets that a feature must not be read from, and why; see also _LEAKING_STARTS."""

_LEAKING_STARTS: Final = {"ERC20": _ERC20, "Total ERC20": _ERC20, "n_liq": _AFTERWARDS}


def refuse_leaks(columns: Iterable[str], where: str) -> None:
    """Raise UnusableData when a column that features are read from is on the leak list, naming it and the reason."""
    for column in columns:
        if (reason := leak_of(column)) is not None:
            raise UnusableData(f"{where}: column {column!r} {reason}: it must not be a feature; read another column")


def leak_of(column: str) -> str | None:
    """Return why a feature must not be read from a column; None for one that is not on the leak list."""
    starts = (why for start, why in _LEAKING_STARTS.items() if column.startswith(start))
    return LEAKS.get(column, next(starts, None))


def check_apart(keys: Iterable[Hashable], part: npt.NDArray[np.int8], what: str) -> None:
    """Raise UnusableData when one key (a wallet, or a row's features) stands in more than one part of the split."""
    sides = pd.Series(part).groupby(pd.factorize(pd.Series(list(keys), dtype=object))[0]).nunique()
    if (sides > 1).any():
        raise UnusableData(
            f"{int((sides > 1).sum())} of {len(sides)} {what} stand in more than one of training, validation and test:"
            " the model would be judged on what it has seen; drop the duplicates or split by them"
        )


def check_classes(labels: npt.NDArray[np.int64], part: npt.NDArray[np.int8], what: str) -> None:
    """Raise UnusableData when a part of the split has rows of one class only."""
    for number, name in enumerate(("training", "validation", "test")):
        own = labels[part == number]
        if own.size == 0 or own.min() == own.max():
            raise UnusableData(
                f"{what}: the {name} part has {own.size} rows and {int(own.sum())} of class 1: both classes are needed"
                " in each part; give more rows or another seed"
            )


_LABELS: Final[dict[str, tuple[str, frozenset[object]]]] = {
    "fraud": ("FLAG", frozenset({0, 1})),
    "fraud_extra": ("FLAG", frozenset({1})),
    "home": ("BAD", frozenset({0, 1})),
    "card": ("default_next_month", frozenset({0, 1})),
    "instalments": ("default_next_month", frozenset({0, 1})),
}
_MAY_BE_MISSING: Final = ("home", "loans")
_NOT_NEGATIVE: Final[dict[str, tuple[str, ...]]] = {
    "fraud": ("Sent tnx", "Received Tnx", "Avg min between sent tnx", "Avg min between received tnx"),
    "fraud_extra": ("Avg min between sent tnx", "Avg min between received tnx"),
    "loans": ("principal_usd", "repaid_usd"),
    "positions_v2": ("collateral", "debt", "healthf"),
    "positions_v3": ("collateral", "debt", "healthf"),
    "prices": ("low", "close"),
    "home": ("YOJ", "CLAGE", "DELINQ", "DEROG", "NINQ", "CLNO", "DEBTINC", "LOAN", "MORTDUE", "VALUE"),
    "card": ("LIMIT_BAL",),
}
_SECONDS: Final = (1.2e9, 4e9, "Unix seconds, not milliseconds or days")
_COINS: Final = (0.0, 1e9, "whole coins, not wei")
# Column: the smallest and largest median that its unit allows: a table in other units is not scored as if in these.
_UNITS: Final[dict[str, dict[str, tuple[float, float, str]]]] = {
    "fraud": {
        "max value received": (0.0, 1e9, "whole coins, not wei"),
        "avg val sent": (0.0, 1e9, "whole coins, not wei"),
    },
    "fraud_extra": {"max value received": (0.0, 1e9, "whole coins, not wei")},
    "loans": {"issue_ts": _SECONDS, "first_repay_ts": _SECONDS, "principal_usd": (0.0, 1e7, "US dollars")},
    "liquidations": {"timestamp": _SECONDS},
    "positions_v2": {"healthf": (0.5, 1e3, "a ratio, not 18 decimals")},
    "positions_v3": {"healthf": (0.5, 1e3, "a ratio, not 18 decimals")},
    "home": {"DEBTINC": (2.0, 200.0, "percent, not a ratio"), "CLAGE": (24.0, 2_000.0, "months, not years")},
    "card": {"LIMIT_BAL": (5_000.0, 1e8, "Taiwan dollars")},
}


def check_table(frame: pd.DataFrame, name: str, where: str) -> None:
    """Raise UnusableData for NaN, infinities, negative values, wrong units or labels of a known data set."""
    _check_numbers(frame, name, where)
    _check_units(frame, name, where)
    _check_labels(frame, name, where)


def _check_numbers(frame: pd.DataFrame, name: str, where: str) -> None:
    for column in frame.select_dtypes("number"):
        values = frame[column].to_numpy(dtype=float)
        if np.isinf(values).any():
            raise UnusableData(f"{where}: column {column!r} holds infinities")
        if np.isnan(values).any() and name not in _MAY_BE_MISSING:
            raise UnusableData(f"{where}: column {column!r} holds NaN; this set has none: drop or repair those rows")
    for column in _NOT_NEGATIVE.get(name, ()):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise UnusableData(f"{where}: column {column!r} holds text, expected numbers")
        if (frame[column] < 0).any():
            raise UnusableData(f"{where}: column {column!r} holds negative values, which its unit does not have")


def _check_units(frame: pd.DataFrame, name: str, where: str) -> None:
    for column, (smallest, largest, unit) in _UNITS.get(name, {}).items():
        median = float(frame[column].median())
        if not np.isnan(median) and not smallest <= median <= largest:
            raise UnusableData(f"{where}: the median of {column!r} is {median:g}, expected {unit}: check its unit")


def _check_labels(frame: pd.DataFrame, name: str, where: str) -> None:
    if name not in _LABELS:
        return
    column, allowed = _LABELS[name]
    found = set(frame[column].unique())
    if not found <= allowed:
        raise UnusableData(f"{where}: label {column!r} holds {sorted(found)}, expected {sorted(map(str, allowed))}")
    if found != allowed:
        raise UnusableData(
            f"{where}: label {column!r} is {sorted(found)} in every row: an empty class cannot be judged"
        )
