"""Read the data sets, refusing a folder or file that lacks what training needs."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.assessment.errors import OracleError

_FILES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "fraud": (
        "eth_fraud_accounts/accounts.parquet",
        (
            "Address",
            "FLAG",
            "Sent tnx",
            "Received Tnx",
            "Avg min between sent tnx",
            "Avg min between received tnx",
            "Time Diff between first and last (Mins)",
            "Unique Received From Addresses",
            "Unique Sent To Addresses",
            "min value received",
            "max value received",
            "avg val received",
            "min val sent",
            "avg val sent",
            "total ether balance",
        ),
    ),
    "loans": (
        "rocifi_loans/loans.parquet",
        (
            "borrower",
            "issue_ts",
            "first_repay_ts",
            "last_repay_ts",
            "liquidation_ts",
            "principal_usd",
            "repaid_usd",
            "loan_status",
            "outcome",
        ),
    ),
    "instalments": (
        "uci_credit_card/clients.parquet",
        ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6", "default_next_month"),
    ),
    "positions_v2": (
        "aave_position_snapshot/steth_borrowers_v2_2023_06.parquet",
        ("user", "collateral", "debt", "ethdebt", "healthf"),
    ),
    "positions_v3": (
        "aave_position_snapshot/steth_borrowers_v3_2023_06.parquet",
        ("user", "collateral", "debt", "ethdebt_calc", "healthf"),
    ),
    "prices": ("aave_market/daily_usd_prices.parquet", ("symbol", "date", "low", "close")),
    "liquidations": (
        "aave_liquidation_events/aave_btc_collateral_2020_2026.parquet",
        ("timestamp", "liquidatee"),
    ),
    "home": (
        "hmeq/loans.parquet",
        ("BAD", "YOJ", "CLAGE", "DELINQ", "DEROG", "NINQ", "DEBTINC", "CLNO", "LOAN", "MORTDUE", "VALUE"),
    ),
    "card": (
        "uci_credit_card/clients.parquet",
        (
            "default_next_month",
            "LIMIT_BAL",
            *("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"),
            "BILL_AMT1",
            *(f"PAY_AMT{month}" for month in range(1, 7)),
        ),
    ),
}


_NOT_IN_EXTRA = ("Sent tnx", "Received Tnx", "Unique Sent To Addresses")
_FILES["fraud_extra"] = (
    "eth_fraud_accounts_extra/accounts_extra.parquet",
    (
        *(column for column in _FILES["fraud"][1] if column not in _NOT_IN_EXTRA),
        "total transactions (including tnx to create contract",
        "total ether received",
    ),
)

_LABELS: Final[dict[str, tuple[str, frozenset[object]]]] = {
    "fraud": ("FLAG", frozenset({0, 1})),
    "fraud_extra": ("FLAG", frozenset({1})),
    "home": ("BAD", frozenset({0, 1})),
    "card": ("default_next_month", frozenset({0, 1})),
}
_MAY_BE_MISSING: Final = {"home": True, "loans": True}
_NOT_NEGATIVE: Final[dict[str, tuple[str, ...]]] = {
    "fraud": ("Sent tnx", "Received Tnx", "Avg min between sent tnx", "Avg min between received tnx"),
    "fraud_extra": ("Avg min between sent tnx", "Avg min between received tnx"),
    "home": ("YOJ", "CLAGE", "DELINQ", "DEROG", "NINQ", "CLNO", "DEBTINC", "LOAN", "MORTDUE", "VALUE"),
    "card": ("LIMIT_BAL",),
}
# (column, smallest median that its unit allows): a table in other units is not scored as if it were in these.
_UNITS: Final[dict[str, tuple[tuple[str, float, str], ...]]] = {
    "home": (("DEBTINC", 2.0, "percent, not a ratio"), ("CLAGE", 24.0, "months, not years")),
    "card": (("LIMIT_BAL", 5_000.0, "Taiwan dollars"),),
}


class UnusableData(OracleError):
    """A data set is missing, lacks a column, or holds what a model must not learn from."""


def read_table(data_dir: Path, name: str) -> pd.DataFrame:
    """Return the needed columns of a data set of the folder; raises UnusableData naming file, column and fault."""
    return read_file(file_of(data_dir, name), name)


def file_of(data_dir: Path, name: str) -> Path:
    """Return where a data set lies in the data folder."""
    return data_dir / _FILES[name][0]


def read_file(path: Path, name: str) -> pd.DataFrame:
    """Return the needed columns of a file of the same schema as a data set, checked as far as its schema says."""
    relative, columns = _FILES[name]
    if not path.is_file():
        raise UnusableData(f"{path} is missing: expected a file like {relative} of the data folder")
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise UnusableData(f"{path} is no Parquet file: {error}") from error
    if missing := [column for column in columns if column not in frame.columns]:
        raise UnusableData(f"{path} lacks the columns {missing}")
    if frame.empty:
        raise UnusableData(f"{path} has no rows")
    frame = frame[list(columns)]
    _check_numbers(frame, name, path)
    _check_labels(frame, name, path)
    return frame


def _check_numbers(frame: pd.DataFrame, name: str, path: Path) -> None:
    if name not in _LABELS:
        return
    for column in frame.select_dtypes("number"):
        values = frame[column].to_numpy(dtype=float)
        if np.isinf(values).any():
            raise UnusableData(f"{path}: column {column!r} holds infinities")
        if np.isnan(values).any() and not _MAY_BE_MISSING.get(name, False):
            raise UnusableData(f"{path}: column {column!r} holds NaN; this set has none: drop or repair those rows")
    for column in _NOT_NEGATIVE.get(name, ()):
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise UnusableData(f"{path}: column {column!r} holds text, expected numbers")
        if (frame[column] < 0).any():
            raise UnusableData(f"{path}: column {column!r} holds negative values, which its unit does not have")
    for column, smallest, unit in _UNITS.get(name, ()):
        if (median := float(frame[column].median())) < smallest:
            raise UnusableData(f"{path}: the median of {column!r} is {median:g}, expected {unit}: check its unit")


def _check_labels(frame: pd.DataFrame, name: str, path: Path) -> None:
    if name not in _LABELS:
        return
    column, allowed = _LABELS[name]
    found = set(frame[column].unique())
    if not found <= allowed:
        raise UnusableData(f"{path}: label {column!r} holds {sorted(found)}, expected {sorted(map(str, allowed))}")
    if found != allowed:
        raise UnusableData(f"{path}: label {column!r} is {sorted(found)} in every row: an empty class cannot be judged")


def read_demographics(data_dir: Path) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which card clients (n,) belong to which group; never features, only for the card's subgroup table."""
    frame = pd.read_parquet(file_of(data_dir, "card"), columns=["SEX", "AGE"])
    age = frame["AGE"]
    groups = {
        "men": frame["SEX"] == 1,
        "women": frame["SEX"] == 2,
        "to 30 years": age <= 30,
        "31 to 45 years": (age > 30) & (age <= 45),
        "over 45 years": age > 45,
    }
    return {name: mask.to_numpy(dtype=bool) for name, mask in groups.items()}
