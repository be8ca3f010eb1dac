"""Private passports from public credit tables, encoded as a borrower's opening is: home owners and card holders."""

import math
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.assessment.features import PRIVATE_FEATURES, Feature
from oracle.passports.encoding import encode_group
from oracle.passports.schema import GROUPS, Group
from oracle.training.checks import UnusableData, check_apart, refuse_leaks
from oracle.training.split import split_of
from oracle.training.tables import read_table

Codes = npt.NDArray[np.int64]

HOME_COLUMN_OF: Final[dict[str, tuple[str, float]]] = {
    "employment_years": ("YOJ", 1.0),
    "oldest_account_years": ("CLAGE", 12.0),
    "delinquent_accounts": ("DELINQ", 1.0),
    "derogatory_reports": ("DEROG", 1.0),
    "recent_inquiries": ("NINQ", 1.0),
    "debt_to_income": ("DEBTINC", 100.0),
    "open_accounts": ("CLNO", 1.0),
    "credit_requested": ("LOAN", 1.0),
    "mortgage_due": ("MORTDUE", 1.0),
    "property_value": ("VALUE", 1.0),
}
"""Feature to column and divisor (months to years, percent to a ratio)."""

_TWD_A_USD = 32.0
_DELAYS = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
_PAYMENTS = tuple(f"PAY_AMT{month}" for month in range(1, 7))
_PAID_IN_FULL = -1


@dataclass(frozen=True, slots=True)
class Passports:
    """One group's columns: `encoded` (n, columns) with its presence flag first, `bad` (n,) 0 or 1, `part` (n,)."""

    encoded: Codes
    bad: Codes
    part: npt.NDArray[np.int8]
    columns: slice

    def private(self) -> Codes:
        """Return rows (n, 24) of all private features, the other group absent."""
        rows = np.zeros((len(self.encoded), len(PRIVATE_FEATURES)), dtype=np.int64)
        rows[:, self.columns] = self.encoded
        return rows


def read_home(data_dir: Path, seed: int) -> Passports:
    """Read home equity applicants (HMEQ): `bad` is a default or a serious delinquency."""
    return home_passports(read_table(data_dir, "home"), seed)


def read_card(data_dir: Path, seed: int) -> Passports:
    """Read card clients (UCI, Yeh and Lien) without their demographics: `bad` is a default next month."""
    return card_passports(read_table(data_dir, "card"), seed)


def home_passports(frame: pd.DataFrame, seed: int) -> Passports:
    """Encode home equity applicants; what is missing is unknown, as in a passport that does not state it.

    That something is not stated says much in this table, as it would of a borrower who may choose.
    """
    refuse_leaks((column for column, _ in HOME_COLUMN_OF.values()), "the home equity table")
    values = {name: frame[column].to_numpy(dtype=float) / divisor for name, (column, divisor) in HOME_COLUMN_OF.items()}
    return _passports(values, frame["BAD"], GROUPS["home"], seed)


def card_passports(frame: pd.DataFrame, seed: int) -> Passports:
    """Encode card clients; raises UnusableData for a limit that is not positive."""
    refuse_leaks((*_DELAYS, *_PAYMENTS, "LIMIT_BAL", "BILL_AMT1"), "the card table")
    limit = frame["LIMIT_BAL"].to_numpy(dtype=float)
    if (limit <= 0).any():
        raise UnusableData("LIMIT_BAL must be positive in every row: utilisation is a share of it")
    delays = frame[list(_DELAYS)].to_numpy(dtype=float)
    late = delays.clip(min=0)
    values = {
        "card_months_behind": late[:, 0],
        "card_months_behind_before": late[:, 1],
        "card_late_months": (late > 0).sum(axis=1).astype(float),
        "card_longest_delay": late.max(axis=1),
        "card_full_payments": (delays == _PAID_IN_FULL).sum(axis=1).astype(float),
        "card_utilisation": frame["BILL_AMT1"].to_numpy(dtype=float) / limit,
        "card_payments": frame[list(_PAYMENTS)].to_numpy(dtype=float).sum(axis=1) / limit,
        "card_limit": limit / _TWD_A_USD,
    }
    return _passports(values, frame["default_next_month"], GROUPS["card"], seed)


def _passports(values: dict[str, npt.NDArray[np.float64]], bad: "pd.Series[int]", group: Group, seed: int) -> Passports:
    if {field.name for field in group.fields} != values.keys():
        raise ValueError("the passport's schema changed: map its columns again")
    columns = {name: [_exact(value) for value in column] for name, column in values.items()}
    encoded = np.array(encode_group(group, columns), dtype=np.int64).T.copy()
    part = split_of((row.tobytes() for row in encoded), seed)
    check_apart((row.tobytes() for row in encoded), part, "applicants (by their features)")
    return Passports(encoded, np.asarray(bad, dtype=np.int64), part, group.block)


def _exact(value: float) -> Decimal | None:
    return None if math.isnan(value) else Decimal(repr(float(value)))


def encode_column(feature: Feature, values: npt.NDArray[np.float64]) -> Codes:
    """Return a feature's encoded integers (n,) for values in its unit, each distinct value encoded once."""
    distinct, inverse = np.unique(values, return_inverse=True)
    codes = np.array([feature.encode(Decimal(repr(float(value)))) for value in distinct], dtype=np.int64)
    return np.asarray(codes[inverse])
