"""What a table must not hold: labels among the features, other units, NaN, one class, the same wallet on two sides."""

import re
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
    **dict.fromkeys(("SEX", "AGE", "MARRIAGE", "EDUCATION", "PERSONAL_STATUS_AND_SEX", "FOREIGN"), _DEMOGRAPHIC),
    **dict.fromkeys(("gender", "birth_date", "date_of_birth", "birth_year", "year_of_birth"), _DEMOGRAPHIC),
    **dict.fromkeys(("marital_status", "marital", "personal_status", "personal_status_sex"), _DEMOGRAPHIC),
    **dict.fromkeys(("foreign_worker", "is_foreign", "foreigner", "nationality", "citizenship"), _DEMOGRAPHIC),
    **dict.fromkeys(("country_of_birth", "ethnicity", "race", "religion"), _DEMOGRAPHIC),
}
"""Columns that a feature must not be read from, and why; matched as plain_name spells; see also _LEAKING_STARTS."""

_LEAKING_STARTS: Final = {"ERC20": _ERC20, "Total ERC20": _ERC20, "n_liq": _AFTERWARDS}


def refuse_leaks(columns: Iterable[str], where: str) -> None:
    """Raise UnusableData when a column that features are read from is on the leak list, naming it and the reason."""
    for column in columns:
        if (reason := leak_of(column)) is not None:
            raise UnusableData(f"{where}: column {column!r} {reason}: it must not be a feature; read another column")


def leak_of(column: str) -> str | None:
    """Return why a feature must not be read from a column, however it is spelt; None for one off the leak list."""
    plain = plain_name(column)
    starts = (why for start, why in _LEAKING_STARTS.items() if plain.startswith(plain_name(start)))
    return _PLAIN_LEAKS.get(plain, next(starts, None))


def plain_name(column: str) -> str:
    """Return a column's name without regard to case, spaces, hyphens, dots and underscores."""
    return "_".join(part for part in re.split(r"[\s_.-]+", column.casefold()) if part)


_PLAIN_LEAKS: Final = {plain_name(column): why for column, why in LEAKS.items()}


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
OUTCOMES: Final = ("repaid", "liquidated_maturity", "liquidated_price", "open", "partial")
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
_COINS: Final = (1e-6, 1e3, "whole coins, not wei or gwei")
_COUNT: Final = (1.0, 1e4, "a count, not a share")
# Half of the accounts with more than one transaction wait shorter, by 2 to 30 times, in each collection and class; in
# seconds each collection and class has at least one of the two medians beyond its bound.
_FLOW_UNITS: Final[dict[str, tuple[float, float, str]]] = {
    "Avg min between sent tnx": (1.0, 5e3, "minutes, not seconds"),
    "Avg min between received tnx": (1.0, 1.2e4, "minutes, not seconds"),
    "Unique Received From Addresses": _COUNT,
    "min value received": _COINS,
    "max value received": _COINS,
    "avg val received": _COINS,
    "min val sent": _COINS,
    "avg val sent": _COINS,
    "total ether balance": _COINS,
}
# Column: the smallest and largest median that its unit allows, of the sizes of what is not zero: a table in other units
# is not scored as if in these.
_UNITS: Final[dict[str, dict[str, tuple[float, float, str]]]] = {
    "fraud": _FLOW_UNITS | dict.fromkeys(("Sent tnx", "Received Tnx", "Unique Sent To Addresses"), _COUNT),
    "fraud_extra": _FLOW_UNITS
    | {
        "total transactions (including tnx to create contract": _COUNT,
        "total ether received": (1e-6, 1e4, "whole coins, not wei or gwei"),
    },
    "loans": {"issue_ts": _SECONDS, "first_repay_ts": _SECONDS, "principal_usd": (0.0, 1e7, "US dollars")},
    "liquidations": {"timestamp": _SECONDS},
    "positions_v2": {"healthf": (0.5, 1e3, "a ratio, not 18 decimals")},
    "positions_v3": {"healthf": (0.5, 1e3, "a ratio, not 18 decimals")},
    "home": {"DEBTINC": (2.0, 200.0, "percent, not a ratio"), "CLAGE": (24.0, 2_000.0, "months, not years")},
    "card": {"LIMIT_BAL": (5_000.0, 1e8, "Taiwan dollars")},
}


def as_numbers(frame: pd.DataFrame, columns: Iterable[str], where: str) -> pd.DataFrame:
    """Return the table with `columns` as numbers; raises UnusableData naming the column, row and value that is none."""
    for column in columns:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_extension_array_dtype(values):
            continue
        if pd.api.types.is_datetime64_any_dtype(values):
            raise UnusableData(f"{where}: column {column!r} holds dates, expected numbers")
        found = pd.to_numeric(values, errors="coerce")
        if (wrong := (found.isna() & values.notna()).to_numpy(dtype=bool)).any():
            row = int(np.flatnonzero(wrong)[0])
            raise UnusableData(
                f"{where}: column {column!r} holds text, expected numbers: {str(values.iloc[row])[:40]!r} in row"
                f" {row + 1} (the first is 1)"
            )
        frame = frame.assign(**{column: found.to_numpy(dtype=float, na_value=np.nan)})
    return frame


def check_table(frame: pd.DataFrame, name: str, where: str) -> None:
    """Raise UnusableData for NaN, infinities, negative values, wrong units or labels of a known data set."""
    _check_numbers(frame, name, where)
    _check_units(frame, name, where)
    _check_labels(frame, name, where)


def _check_numbers(frame: pd.DataFrame, name: str, where: str) -> None:
    for column in frame.select_dtypes("number"):
        values = frame[column].to_numpy(dtype=float)
        if np.isinf(values).any():
            raise UnusableData(f"{where}: column {column!r} holds infinities ({_first_row(np.isinf(values))})")
        if np.isnan(values).any() and name not in _MAY_BE_MISSING:
            raise UnusableData(
                f"{where}: column {column!r} holds NaN ({_first_row(np.isnan(values))}); this set has none: drop or"
                " repair those rows"
            )
    for column in _NOT_NEGATIVE.get(name, ()):
        if (negative := (frame[column] < 0).to_numpy(dtype=bool)).any():
            raise UnusableData(
                f"{where}: column {column!r} holds negative values ({_first_row(negative)}), which its unit does not"
                " have"
            )


def _first_row(marked: npt.NDArray[np.bool_]) -> str:
    return f"row {int(np.flatnonzero(marked)[0]) + 1}, where the first is 1"


def _check_units(frame: pd.DataFrame, name: str, where: str) -> None:
    for column, (smallest, largest, unit) in _UNITS.get(name, {}).items():
        sizes = frame[column].abs()
        median = float(sizes[sizes > 0].median())
        if not np.isnan(median) and not smallest <= median <= largest:
            raise UnusableData(f"{where}: the median of {column!r} is {median:g}, expected {unit}: check its unit")


def _check_labels(frame: pd.DataFrame, name: str, where: str) -> None:
    if name == "loans" and not (known := frame["outcome"].isin(OUTCOMES).to_numpy(dtype=bool)).all():
        row = int(np.flatnonzero(~known)[0])
        raise UnusableData(
            f"{where}: label 'outcome' is {str(frame['outcome'].iloc[row])!r} in row {row + 1} (the first is 1),"
            f" expected {', '.join(OUTCOMES)}"
        )
    if name not in _LABELS:
        return
    column, allowed = _LABELS[name]
    found = set(frame[column].unique())
    said = ", ".join(sorted(map(str, found)))
    if not found <= allowed:
        raise UnusableData(f"{where}: label {column!r} holds {said}, expected {', '.join(sorted(map(str, allowed)))}")
    if found != allowed:
        raise UnusableData(f"{where}: label {column!r} is {said} in every row: an empty class cannot be judged")
