"""A judgement leaves out the rows that the model was trained on, or says that they are among the judged."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oracle.models import registry
from oracle.models.registry import ModelFault, ShippedModel
from oracle.training.evaluation import evaluate, unseen_rows
from oracle.training.passports import home_passports
from oracle.training.seen import SEEN, read_seen, was_seen, write_seen
from oracle.training.split import TEST
from oracle.training.tasks import load

DATA = Path(__file__).parents[3].parent / "shared" / "data"
SEED = 7
# A column and its usual size.
COLUMNS = {"YOJ": 9, "CLAGE": 180, "DELINQ": 2, "DEROG": 2, "NINQ": 3, "DEBTINC": 35, "CLNO": 20}
COLUMNS |= {"LOAN": 20_000, "MORTDUE": 70_000, "VALUE": 100_000}


def applicants(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({column: (size * rng.uniform(0.2, 2, rows)).round(2) for column, size in COLUMNS.items()})
    return frame.assign(BAD=rng.integers(0, 2, rows))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model's folder."""
    return Path(shutil.copytree(registry.load().directory, tmp_path / "model"))


def of(folder: Path) -> ShippedModel:
    return registry.load(str(folder))


def stored(frame: pd.DataFrame, tmp_path: Path, name: str = "rows") -> Path:
    frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / f"{name}.csv"


def test_evaluate__rows_that_were_trained_on__are_left_out_and_counted(tmp_path: Path, folder: Path) -> None:
    known, strange = applicants(120), applicants(80, seed=1)
    write_seen(folder, np.unique(load("hmeq", stored(known, tmp_path, "known")).fingerprints))
    both = stored(pd.concat([strange, known]), tmp_path)
    alone = evaluate("hmeq", stored(strange, tmp_path, "strange"), of(folder))
    found = evaluate("hmeq", both, of(folder))
    assert (found["rows"], found["rows_trained_on"], found["judged"]) == (80, 120, "rows not trained on")
    assert found["notes"][0] == "120 of 200 rows were trained on, and are left out"
    assert found["quantised"] == alone["quantised"]
    assert alone["rows_trained_on"] == 0
    # What learns beside the model has the rows that the model had.
    assert "gradient_boosting_auc" in found["baselines"]


def test_evaluate__all_rows_asked_for_or_nothing_else_left__says_that_figures_flatter(
    tmp_path: Path, folder: Path
) -> None:
    frame = applicants(120)
    rows = load("hmeq", stored(frame, tmp_path))
    write_seen(folder, np.unique(rows.fingerprints))
    found = evaluate("hmeq", stored(frame, tmp_path), of(folder))
    assert (found["rows"], found["rows_trained_on"], found["judged"]) == (120, 120, "all rows")
    assert "flatter the model" in found["notes"][0]
    write_seen(folder, np.unique(rows.fingerprints[:60]))
    chosen, others, told = unseen_rows(rows, of(folder), all_rows=True)
    assert len(chosen.labels) == 120
    assert others is None
    assert "60 of 120 rows were trained on, and are judged as well" in told["note"]


def test_evaluate__model_without_fingerprints__says_that_it_does_not_know(tmp_path: Path, folder: Path) -> None:
    (folder / SEEN).unlink()
    found = evaluate("hmeq", stored(applicants(), tmp_path), of(folder))
    assert found["rows_trained_on"] is None
    assert "does not say which rows it was trained on" in found["notes"][0]
    (folder / SEEN).write_bytes(b"torn!")
    with pytest.raises(ModelFault, match="is damaged"):
        read_seen(folder)


def test_was_seen__wallet_in_other_case_or_features_at_another_address__is_seen(tmp_path: Path) -> None:
    flow = ["Sent tnx", "Received Tnx", "Avg min between sent tnx", "Avg min between received tnx"]
    flow += ["Unique Received From Addresses", "Unique Sent To Addresses", "min value received", "max value received"]
    flow += ["avg val received", "min val sent", "avg val sent", "total ether balance"]
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({column: rng.lognormal(2, 2, 30).round(3) for column in flow})
    frame = frame.assign(Address=[f"0x{row + 10:040x}" for row in range(30)], FLAG=[0, 1] * 15)
    seen = np.unique(load("fraud", stored(frame, tmp_path, "a")).fingerprints)
    shouted = frame.assign(Address=frame["Address"].str.upper(), **{"Sent tnx": frame["Sent tnx"] * 7 + 3})
    moved = frame.assign(Address=[f"0x{row + 1000:040x}" for row in range(30)])
    other = moved.assign(**{column: frame[column] * 7 + 3 for column in flow})
    for name, table, expected in (("b", shouted, True), ("c", moved, True), ("d", other, False)):
        assert was_seen(load("fraud", stored(table, tmp_path, name)), seen).tolist() == [expected] * 30, name


@pytest.mark.skipif(not (DATA / "hmeq").is_dir(), reason=f"the data sets are not here: {DATA}")
def test_shipped_model__on_its_own_table__the_held_out_rows_are_those_of_the_split() -> None:
    model, seen = registry.load(), read_seen(registry.load().directory)
    assert seen is not None
    rows = load("hmeq", DATA)
    frame = pd.read_parquet(DATA / "hmeq" / "loans.parquet")
    test = int((home_passports(frame, SEED).part == TEST).sum())
    assert int((~was_seen(rows, seen)).sum()) == test == model.metrics["hmeq"]["rows"]
