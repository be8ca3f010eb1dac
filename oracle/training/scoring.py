"""`risk-oracle models score`: a model's answer for each row of a table of features, in the features' own units."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import pandas as pd

from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES, SALT_ELEMENTS, Feature
from oracle.assessment.outputs import Category, Scores
from oracle.models.inference import Model
from oracle.models.kept_policy import policy_of
from oracle.models.registry import ShippedModel
from oracle.training.checks import UnusableData

ANSWERS: Final = (
    "category",
    "score",
    "probability_of_default",
    "fraud_likelihood",
    "interest_rate",
    "duration_days",
    "maximum_ltv",
    "confidence",
    "thin",
)
"""What each row gets: a word, fractions of one, days, and whether the confidence is below the policy's."""

_BASIS_POINTS: Final = 10_000


def score_rows(frame: pd.DataFrame, file: Path, model: ShippedModel) -> pd.DataFrame:
    """Return a table (n, …) with ANSWERS in place of its features; its other columns stay.

    Each of the 32 chain features is a column, in the unit of the table in `oracle/assessment/features.py`; an empty
    cell is an absent value. The private features may be there too, all or none. Raises UnusableData that names file,
    column and row.
    """
    chain, private = _encoded(frame, FEATURES, file), _encoded_private(frame, file)
    opened = Model.open(model)
    thin_below = policy_of(model.directory, opened.exact).thin_below
    # Rows with the same private features go through the network at once.
    by_private: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(private):
        by_private.setdefault(row, []).append(place)
    answers = {
        place: _answer(one.scores, thin_below)
        for row, places in by_private.items()
        for place, one in zip(places, opened.infer_many([chain[place] for place in places], row), strict=True)
    }
    names = {*(feature.name for feature in (*FEATURES, *PRIVATE_FEATURES)), *ANSWERS}
    kept = frame[[column for column in frame.columns if column not in names]].reset_index(drop=True)
    return pd.concat(
        [kept, pd.DataFrame([answers[place] for place in range(len(frame))], columns=list(ANSWERS))], axis=1
    )


def write_rows(frame: pd.DataFrame, out: Path) -> None:
    """Write a table as CSV or Parquet, by the name's ending; raises UnusableData for another."""
    name = out.name.casefold()
    if not name.endswith((".csv", ".csv.gz", ".parquet")):
        raise UnusableData(f"{out}: expected a name that ends in .csv, .csv.gz or .parquet")
    out.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        frame.to_parquet(out, index=False)
    else:
        frame.to_csv(out, index=False)


def _answer(scores: Scores, thin_below: float) -> tuple[object, ...]:
    confidence = scores.confidence_bps / _BASIS_POINTS
    return (
        Category(scores.category).name.lower(),
        scores.score_bps / _BASIS_POINTS,
        scores.probability_of_default_bps / _BASIS_POINTS,
        scores.fraud_likelihood_bps / _BASIS_POINTS,
        scores.interest_rate_bps / _BASIS_POINTS,
        scores.duration_days,
        scores.maximum_ltv_bps / _BASIS_POINTS,
        confidence,
        confidence < thin_below,
    )


def _encoded(frame: pd.DataFrame, features: tuple[Feature, ...], file: Path) -> list[tuple[int, ...]]:
    if missing := [feature.name for feature in features if feature.name not in frame.columns]:
        raise UnusableData(
            f"{file} lacks the columns {', '.join(missing)}: each feature is a column, an absent value an empty cell"
        )
    if frame.empty:
        raise UnusableData(f"{file} has no rows")
    columns = [
        [feature.encode(_value(cell, feature, row, file)) for row, cell in enumerate(frame[feature.name], 1)]
        for feature in features
    ]
    return list(zip(*columns, strict=True))


def _encoded_private(frame: pd.DataFrame, file: Path) -> list[tuple[int, ...]]:
    if not any(feature.name in frame.columns for feature in PRIVATE_FEATURES):
        return [NEUTRAL_PRIVATE] * len(frame)
    return [(*row, *(0,) * SALT_ELEMENTS) for row in _encoded(frame, PRIVATE_FEATURES, file)]


def _value(cell: Any, feature: Feature, row: int, file: Path) -> Decimal | None:
    if pd.isna(cell):
        return None
    try:
        value = Decimal(str(cell).strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise UnusableData(f"{file}: column {feature.name!r} holds {cell!r} in row {row}, expected {feature.unit}")
    return value
