"""The models of the encrypted card approval: additive, on levels, rounded to integers, judged by person."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from oracle.approval.fields import BY_NAME, FIELDS, PROTECTED, Answer, Field
from oracle.approval.model import CardModel
from oracle.training.checks import UnusableData
from oracle.training.statistics import INTERVAL

Floats = npt.NDArray[np.float64]

MODELS: Final = {
    "reference": tuple(field.name for field in FIELDS),
    "fair": tuple(field.name for field in FIELDS if field.name not in PROTECTED),
}
SCALE: Final = 256
FOLDS: Final = 5
# Chosen on other folds than those that judge.
_ROUNDS: Final = 60
_RATE: Final = 0.05
_STRENGTH: Final = 0.3
_SHARE_OF_REGRESSION: Final = 1 / 3
_DRAWS: Final = 500
_COLUMNS: Final = {"account_months": "account_months_at_least"}


def read_applicants(data: Path) -> pd.DataFrame:
    """Return the card table; raises UnusableData where a column is missing."""
    file = data / "credit_card_approval" / "applicants.parquet"
    frame = pd.read_parquet(file)
    if missing := sorted({_COLUMNS.get(field.name, field.name) for field in FIELDS} - set(frame.columns)):
        raise UnusableData(f"{file} lacks {', '.join(missing)}")
    return frame


def people_of(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return a number for each row's person: rows that agree in all but label and account are one person's."""
    personal = frame.drop(columns=["rejected", "account_months_at_least"])
    groups = personal.groupby(list(personal.columns), dropna=False, sort=False).ngroup()
    return np.asarray(groups, dtype=np.int64)


def answers_of(row: Mapping[str, Any]) -> dict[str, Answer]:
    """Return a row of the table as the three forms' answers; what the table does not know is each field's base."""
    found: dict[str, Answer] = {}
    for field in FIELDS:
        value = row[_COLUMNS.get(field.name, field.name)]
        if pd.isna(value):
            found[field.name] = None if field.unknown is not None else _base_answer(field)
        elif field.labels:
            found[field.name] = str(value)
        else:
            found[field.name] = float(value) if field.edges else bool(value)
    return found


def _base_answer(field: Field) -> Answer:
    return field.edges[field.base - 1] if field.base else field.least


def train_card_model(frame: pd.DataFrame, name: str, out: Path) -> dict[str, Any]:
    """Fit a model on the whole table, write it, and return its figures, measured on folds that were kept back.

    The threshold denies as many as the table.
    """
    levels = levels_of(frame, MODELS[name])
    labels = frame["rejected"].to_numpy(dtype=np.int64)
    people = people_of(frame)
    folds = fold_of(people)
    scores, boosted, denied = np.zeros(len(frame)), np.zeros(len(frame)), np.zeros(len(frame), dtype=bool)
    for fold in range(FOLDS):
        fitted, kept = folds != fold, folds == fold
        model = fit(name, levels[fitted], labels[fitted])
        margins = np.array([model.margin(row) for row in _rows(levels[kept])])
        scores[kept], denied[kept] = -margins, margins < 0
        trees = HistGradientBoostingClassifier(max_iter=80, learning_rate=0.05, max_depth=3, random_state=0)
        trees.fit(levels_raw(frame, MODELS[name])[fitted], labels[fitted])
        boosted[kept] = trees.predict_proba(levels_raw(frame, MODELS[name])[kept])[:, 1]
    model = fit(name, levels, labels)
    metrics = {
        "name": name,
        "model": model.digest,
        "rows": len(frame),
        "people": int(people.max()) + 1,
        "rejected": round(float(labels.mean()), 4),
        "auc": _auc(labels, scores, folds),
        "auc_interval": _interval(labels, scores, folds, people),
        "boosting_auc": _auc(labels, boosted, folds),
        "boosting_auc_interval": _interval(labels, boosted, folds, people),
        "difference_interval": _interval(labels, scores, folds, people, boosted),
        "denied": round(float(denied.mean()), 4),
        "rejected_among_denied": round(float(labels[denied].mean()), 4),
    }
    out.mkdir(parents=True, exist_ok=True)
    known = {
        "name": name,
        "scale": model.scale,
        "intercept": model.intercept,
        "weights": {field: list(row) for field, row in model.weights.items()},
        "figures": metrics,
    }
    (out / f"{name}.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return metrics


def levels_of(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return each row's level of each field."""
    whole = CardModel("levels", 1, 0, {name: (0,) * len(BY_NAME[name].levels) for name in names})
    return pd.DataFrame(
        [
            whole.levels_of(answers_of({str(name): value for name, value in row.items()}))[0]
            for row in frame.to_dict("records")
        ]
    )


def levels_raw(frame: pd.DataFrame, names: tuple[str, ...]) -> Floats:
    """Return what gradient boosting is given: numbers as they are, labels by number, missing where missing."""
    columns = []
    for name in names:
        column = frame[_COLUMNS.get(name, name)]
        field = BY_NAME[name]
        columns.append(column.map(dict(field.labels)) if field.labels else column)
    return np.column_stack([column.to_numpy(dtype=float) for column in columns])


def fold_of(people: npt.NDArray[np.int64], folds: int = FOLDS) -> npt.NDArray[np.int64]:
    """Return each row's fold: a person's rows share one, and it depends on nothing but the person's number."""
    shares = [hashlib.sha256(int(person).to_bytes(8, "little")).digest()[0] for person in people]
    return np.array(shares, dtype=np.int64) % folds


def fit(name: str, levels: pd.DataFrame, labels: npt.NDArray[np.int64]) -> CardModel:
    """Return the integer model of these rows: two additive models of the log-odds, a weight for each level, averaged.

    Boosted trees of one split each find the few steps that matter, and cut a field's levels in their order, a label's
    by how often the table has it. A regression with a coefficient for each level lets every field have its say.
    """
    names = [str(field) for field in levels.columns]
    codes = _codes(levels)
    trees = HistGradientBoostingClassifier(
        max_iter=_ROUNDS, learning_rate=_RATE, max_depth=1, early_stopping=False, random_state=0
    ).fit(codes, labels)
    line = LogisticRegression(C=_STRENGTH, max_iter=2_000).fit(_ones(levels), labels)
    rows = {field: _weights(trees, line, place, names) for place, field in enumerate(names)}
    margins = np.array([CardModel(name, SCALE, 0, rows).margin(row) for row in _rows(levels)])
    threshold = int(np.floor(np.quantile(margins, float(labels.mean()))))
    return CardModel(name, SCALE, -threshold, rows)


def _rows(levels: pd.DataFrame) -> list[dict[str, int]]:
    return [{str(name): int(level) for name, level in row.items()} for row in levels.to_dict("records")]


def _codes(levels: pd.DataFrame) -> Floats:
    """Return levels as numbers in their order; a number that is not known has no place in it."""
    codes = levels.to_numpy(dtype=float, copy=True)
    for column, name in enumerate(levels.columns):
        if BY_NAME[name].edges and BY_NAME[name].unknown is not None:
            codes[codes[:, column] == BY_NAME[name].unknown, column] = np.nan
    return codes


def _ones(levels: pd.DataFrame) -> Floats:
    """Return a column for each level that is not its field's base, with a one where a row has it."""
    lanes = [
        (str(name), level)
        for name in levels.columns
        for level in range(len(BY_NAME[name].levels))
        if level != BY_NAME[name].base
    ]
    return np.column_stack([(levels[name] == level).to_numpy(dtype=float) for name, level in lanes])


def _weights(
    trees: HistGradientBoostingClassifier, line: LogisticRegression, place: int, names: Sequence[str]
) -> tuple[int, ...]:
    """Return what each level of a field adds to the margin: both are sums over fields, so it is so in any row."""
    field = BY_NAME[names[place]]
    rows = pd.DataFrame([{name: BY_NAME[name].base for name in names}] * len(field.levels))
    rows[field.name] = range(len(field.levels))
    by_trees, by_line = trees.decision_function(_codes(rows)), line.decision_function(_ones(rows))
    scores = (1 - _SHARE_OF_REGRESSION) * by_trees + _SHARE_OF_REGRESSION * by_line
    return tuple(-round(float(score - scores[field.base]) * SCALE) for score in scores)


def _auc(labels: npt.NDArray[np.int64], scores: Floats, folds: npt.NDArray[np.int64]) -> float:
    """Return the mean of the folds' AUC: scores of different folds are different models' and do not compare."""
    kept = [folds == fold for fold in np.unique(folds)]
    found = [roc_auc_score(labels[rows], scores[rows]) for rows in kept if 0 < labels[rows].sum() < rows.sum()]
    return round(float(np.mean(found)), 4)


def _interval(
    labels: npt.NDArray[np.int64],
    scores: Floats,
    folds: npt.NDArray[np.int64],
    people: npt.NDArray[np.int64],
    other: Floats | None = None,
) -> list[float]:
    """Return the 95 % bootstrap interval over people of the AUC, or of its difference to another's."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(people == person) for person in range(int(people.max()) + 1)]
    found = []
    for _ in range(_DRAWS):
        rows = np.concatenate([members[index] for index in rng.integers(0, len(members), len(members))])
        value = _auc(labels[rows], scores[rows], folds[rows])
        found.append(value if other is None else value - _auc(labels[rows], other[rows], folds[rows]))
    low, high = np.percentile(found, INTERVAL)
    return [round(float(low), 4), round(float(high), 4)]
