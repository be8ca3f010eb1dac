"""Read the data sets, refusing a folder or file that lacks what training needs."""

import tomllib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.training.checks import UnusableData, as_numbers, check_table, leak_of, refuse_leaks
from oracle.training.files import read_rows, spellings_of

COLUMNS: Final = "columns.toml"
"""In a data folder, or beside a file: for each task (or data set), the names that its columns have there."""

_TASKS: Final[dict[str, tuple[str, ...]]] = {
    "hmeq": ("home",),
    "uci": ("card", "instalments"),
    "rocifi": ("loans",),
    "fraud-extra": ("fraud_extra",),
    "repeat-liquidation": ("liquidations",),
}
# A task's name stands for the data sets that are read from its file.

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

KEYS: Final = {"fraud": "Address", "fraud_extra": "Address", "loans": "borrower", "liquidations": "liquidatee"}
"""The column that says whose a row is, where the set has one."""
_TEXT: Final = ("Address", "borrower", "outcome", "liquidatee", "user", "symbol", "date")
# What a column is called in other files of the same folder.
_OTHER_NAMES: Final = {"liquidations": {"liquidatee": "user"}}


def read_table(data_dir: Path, name: str) -> pd.DataFrame:
    """Return the needed columns of a data set of the folder; raises UnusableData naming file, column and fault.

    A folder whose columns have other names says so in its COLUMNS file.
    """
    return read_file(file_of(data_dir, name), name, own_names(data_dir / COLUMNS, name))


def file_of(data_dir: Path, name: str) -> Path:
    """Return where a data set lies in the data folder: as Parquet, or as CSV where there is no Parquet."""
    usual = data_dir / _FILES[name][0]
    return next((file for file in spellings_of(usual) if file.is_file()), usual)


def data_files(data_dir: Path) -> list[Path]:
    """Return the files that training reads, as far as they are there."""
    paths = {file_of(data_dir, name) for name in _FILES} | {data_dir / COLUMNS}
    return sorted(path for path in paths if path.is_file())


def read_file(path: Path, name: str, own_names: dict[str, str] | None = None) -> pd.DataFrame:
    """Return the needed columns of a file of the same schema as a data set, checked as far as its schema says.

    `own_names` maps columns of the schema to the file's. Raises UnusableData, also for one that gives the label away.
    """
    if not path.is_file():
        raise UnusableData(f"{path} is missing: expected a file like {_FILES[name][0]} of the data folder")
    return needed_columns(read_rows(path), name, path, own_names)


def needed_columns(frame: pd.DataFrame, name: str, path: Path, own_names: dict[str, str] | None = None) -> pd.DataFrame:
    """Return what a data set needs of a table that was read from `path`; see read_file."""
    columns = _FILES[name][1]
    if own_names:
        refuse_leaks((own for column, own in own_names.items() if leak_of(column) is None), str(path))
        if absent := sorted(set(own_names.values()) - set(frame.columns)):
            raise UnusableData(f"{path} lacks the columns {absent} that {COLUMNS} names")
        frame = frame.drop(columns=[column for column in own_names if column in frame and column != own_names[column]])
        frame = frame.rename(columns={own: column for column, own in own_names.items()})
    frame = frame.rename(
        columns={
            other: column
            for column, other in _OTHER_NAMES.get(name, {}).items()
            if other in frame.columns and column not in frame.columns
        }
    )
    if missing := [column for column in columns if column not in frame.columns]:
        raise UnusableData(f"{path} lacks the columns {missing}")
    if frame.empty:
        raise UnusableData(f"{path} has no rows")
    frame = frame[list(columns)]
    if (key := KEYS.get(name)) is not None and (absent_keys := frame[key].isna().to_numpy(dtype=bool)).any():
        row = int(np.flatnonzero(absent_keys)[0]) + 1
        raise UnusableData(f"{path}: column {key!r} is empty in row {row} (the first is 1): whose row is it?")
    frame = as_numbers(frame, [column for column in columns if column not in _TEXT], str(path))
    check_table(frame, name, str(path))
    return frame


def columns_beside(file: Path, given: Path) -> Path:
    """Return the COLUMNS file that belongs to a data file: beside it, in the folder `given`, or in the one above."""
    places = [file.parent, *([given] if given.is_dir() else []), file.parent.parent]
    found = [place / COLUMNS for place in places if (place / COLUMNS).is_file()]
    return found[0] if found else file.parent / COLUMNS


def own_names(path: Path, name: str) -> dict[str, str]:
    """Return the columns of a data set that a COLUMNS file renames, by the schema's name; none without the file.

    Raises UnusableData for a file that names unknown tasks or columns.
    """
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise UnusableData(f"{path} cannot be read as TOML: {error}") from error
    if unknown := sorted(content.keys() - _FILES.keys() - _TASKS.keys()):
        raise UnusableData(f"{path} names unknown tasks or data sets {unknown}; known: {', '.join([*_TASKS, *_FILES])}")
    own: dict[str, str] = {}
    for section in (*(task for task, sets in _TASKS.items() if name in sets), name):
        columns = {column for one in _TASKS.get(section, (section,)) for column in _FILES[one][1]}
        table = content.get(section, {})
        if unknown := sorted(table.keys() - columns):
            raise UnusableData(f"{path}: [{section}] has no columns {unknown}; it has {', '.join(sorted(columns))}")
        own |= {column: given for column, given in table.items() if column in _FILES[name][1]}
    return own


def read_demographics(data_dir: Path) -> dict[str, npt.NDArray[np.bool_]]:
    """Return which card clients (n,) belong to which group; never features, only for the card's subgroup table."""
    frame = read_rows(file_of(data_dir, "card"))
    age = frame["AGE"]
    groups = {
        "men": frame["SEX"] == 1,
        "women": frame["SEX"] == 2,
        "to 30 years": age <= 30,
        "31 to 45 years": (age > 30) & (age <= 45),
        "over 45 years": age > 45,
    }
    return {name: mask.to_numpy(dtype=bool) for name, mask in groups.items()}
