"""Rows that stand in a judged table more than once: told, and refused where they stand on two sides of its split."""

from typing import Final

import pandas as pd

from oracle.training.checks import UnusableData, plain_name

_SPLIT_NAMES: Final = ("split", "part", "partition", "fold", "subset", "dataset")


def repeat_notes(whole: pd.DataFrame, key: str | None) -> tuple[str, ...]:
    """Return a note for rows that copy an earlier row, and for rows that repeat an earlier one's `key`."""
    notes = []
    count = len(whole)
    if copies := int(_as_text(whole).duplicated().sum()):
        notes.append(f"{copies} of {count} rows are whole copies of an earlier row: each counts as often as it stands")
    if key is not None and key in whole and (again := int(whole[key].dropna().astype(str).duplicated().sum())):
        notes.append(f"{again} of {count} rows repeat the {key} of an earlier row: each counts as often as it stands")
    return tuple(notes)


def refuse_straddling(whole: pd.DataFrame, wallets: pd.Series | None, where: str) -> None:
    """Raise UnusableData when the table has a column for its split and one wallet, or row, stands on two sides of it.

    `wallets` (n,) say whose each row is; without, rows that are equal in every other column are one.
    """
    for column in (name for name in whole if plain_name(str(name)) in _SPLIT_NAMES):
        if wallets is not None:
            keys, what = wallets.to_numpy(), "wallets"
        else:
            keys, what = _as_text(whole.drop(columns=[column])).agg("\t".join, axis=1).to_numpy(), "distinct rows"
        sides = pd.Series(whole[column].astype(str).to_numpy()).groupby(keys).nunique()
        if (sides > 1).any():
            raise UnusableData(
                f"{where}: {int((sides > 1).sum())} of {len(sides)} {what} stand on more than one side of the split in"
                f" column {column!r}: a model would be judged on what it has seen; drop the duplicates or split by them"
            )


def _as_text(whole: pd.DataFrame) -> pd.DataFrame:
    # A cell may be anything (a list has no hash); NaN equals NaN here.
    return whole.astype(str)
