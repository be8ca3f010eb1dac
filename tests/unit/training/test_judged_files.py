"""`models evaluate` on files in any form, order and state: the same rows, the same figures, or a sentence."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.integer import IntegerNetwork
from oracle.models.weights import load_float, load_weights
from oracle.training import measure
from oracle.training.accounts import COLUMN_OF
from oracle.training.checks import UnusableData
from oracle.training.evaluation import evaluate
from oracle.training.measure import folds_of, judge
from oracle.training.tasks import load


def accounts(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({column: rng.lognormal(2, 2, rows).round(3) for column in COLUMN_OF.values()})
    frame["Address"] = [f"0x{row:040x}" for row in range(rows)]
    frame["FLAG"] = rng.integers(0, 2, rows)
    frame.loc[0, ["Sent tnx", "Received Tnx"]] = 0
    return frame


def term_loans(borrowers: int = 30) -> pd.DataFrame:
    """Three loans of each borrower, a month apart, each third failed; all in the source's columns."""
    count = 3 * borrowers
    issued = 1.66e9 + np.arange(count) % 3 * 40 * 86_400.0
    failed = np.arange(count) // 3 % 3 == 0
    return pd.DataFrame(
        {
            "loan_id": [f"loan-{row}" for row in range(count)],
            "borrower": [f"0x{row // 3 + 1:040x}" for row in range(count)],
            "issue_ts": issued,
            "first_repay_ts": np.where(failed, np.nan, issued + 86_400),
            "last_repay_ts": np.where(failed, np.nan, issued + 86_400),
            "liquidation_ts": np.where(failed, issued + 35 * 86_400, np.nan),
            "principal_usd": 10.0,
            "repaid_usd": np.where(failed, np.nan, 10.0),
            "loan_status": 4.0,
            "outcome": np.where(failed, "liquidated_maturity", "repaid"),
        }
    )


def liquidations(rows: int = 60) -> pd.DataFrame:
    """Wallets that are liquidated on two days 5 or 200 days apart, in turn."""
    wallet = np.arange(rows) // 2
    wait = np.where(wallet % 2 == 0, 5, 200) * (np.arange(rows) % 2)
    return pd.DataFrame(
        {"timestamp": 1_640_000_000 + (wallet + wait) * 86_400, "liquidatee": [f"0x{w}" for w in wallet]}
    )


def applicants(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    months = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
    frame = pd.DataFrame({column: rng.integers(-2, 4, rows) for column in months})
    frame["LIMIT_BAL"] = rng.integers(20_000, 500_000, rows).astype(float)
    for column in ("BILL_AMT1", *(f"PAY_AMT{month}" for month in range(1, 7))):
        frame[column] = rng.integers(0, 50_000, rows).astype(float)
    return frame.assign(default_next_month=rng.integers(0, 2, rows))


def stored(frame: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    frame.to_parquet(path)
    return path


@pytest.mark.parametrize(
    ("task", "frame", "message"),
    [
        ("rocifi", term_loans().query("outcome == 'repaid'"), "each of the 60 judged rows has label 0"),
        ("rocifi", term_loans().assign(principal_usd=0.1, repaid_usd=0.1), "no loan of 1 USD or more"),
        (
            "rocifi",
            term_loans().replace({"outcome": {"repaid": "Repaid"}}),
            "'outcome' is 'Repaid' in row 4 .*expected",
        ),
        ("rocifi", term_loans().assign(outcome=None), "'outcome' is .* in row 1 "),
        ("rocifi", term_loans().assign(issue_ts="yesterday"), "'issue_ts' holds text"),
        ("repeat-liquidation", liquidations().drop_duplicates("liquidatee"), "less than 90 days"),
        (
            "repeat-liquidation",
            liquidations(400).drop_duplicates("liquidatee"),
            "each of the .* judged rows has label 0 .*liquidated again.*: an empty class",
        ),
        ("repeat-liquidation", liquidations().assign(liquidatee=None), "'liquidatee' is empty in row 1"),
        ("uci", applicants().assign(PAY_0="late"), "'PAY_0' holds text, expected numbers: 'late' in row 1 "),
        ("uci", applicants().assign(BILL_AMT1=pd.Timestamp("2005-01-01")), "'BILL_AMT1' holds dates"),
    ],
)
def test_evaluate__other_bad_tables__say_what_is_wrong(
    tmp_path: Path, task: str, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(UnusableData, match=message):
        evaluate(task, stored(frame, tmp_path), registry.load())


@pytest.mark.parametrize(
    ("task", "frame"),
    [
        ("fraud", accounts()),
        ("rocifi", term_loans()),
        ("repeat-liquidation", liquidations()),
        ("uci", applicants()),
    ],
)
def test_load__same_rows_in_another_form_or_order__are_judged_alike(
    tmp_path: Path, task: str, frame: pd.DataFrame
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    shuffled = frame.sample(frac=1, random_state=1)
    shuffled.to_csv(folder / "any.csv")
    shuffled.to_csv(tmp_path / "rows.csv.gz", index=False)
    first = load(task, stored(frame, tmp_path))
    for path in (folder, folder / "any.csv", tmp_path / "rows.csv.gz", stored(shuffled, tmp_path)):
        other = load(task, path)
        for name in ("chain", "private", "labels", "learned", "groups", "together", "starts"):
            assert np.array_equal(getattr(first, name), getattr(other, name)), (path, name)
        assert first.populations.keys() == other.populations.keys()
        assert all(np.array_equal(mask, other.populations[name]) for name, mask in first.populations.items())


def test_load__folder__takes_the_file_of_the_set_and_refuses_to_choose_among_others(tmp_path: Path) -> None:
    (tmp_path / "rocifi_loans").mkdir()
    for name in ("loans", "repayments"):
        term_loans().to_parquet(tmp_path / "rocifi_loans" / f"{name}.parquet")
    for path in (tmp_path, tmp_path / "rocifi_loans"):
        assert any("loans.parquet" in note for note in load("rocifi", path).notes)
    with pytest.raises(UnusableData, match=r"holds 2 data files \(loans.parquet, repayments.parquet\): name the one"):
        load("fraud", tmp_path / "rocifi_loans")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableData, match="holds no data file"):
        load("fraud", tmp_path / "empty")


def test_load__liquidations_of_the_other_collection__calls_the_wallet_user(tmp_path: Path) -> None:
    renamed = stored(liquidations().rename(columns={"liquidatee": "user"}), tmp_path)
    assert (load("repeat-liquidation", renamed).labels.mean()) > 0


def test_load__torn_or_empty_csv__is_refused(tmp_path: Path) -> None:
    for name, content in (("a.csv", b""), ("b.csv.gz", b"no gzip"), ("c.csv", b'"\xff')):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnusableData, match=f"{name} cannot be read as CSV"):
            load("uci", tmp_path / name)


def test_load__repeated_rows__are_told(tmp_path: Path) -> None:
    frame = accounts()
    frame = pd.concat([frame, frame[:3], frame[:2].assign(FLAG=1 - frame["FLAG"][:2])])
    notes = " ".join(load("fraud", stored(frame, tmp_path)).notes)
    assert "3 of 125 rows are whole copies" in notes
    assert "5 of 125 rows repeat the Address" in notes
    assert "repeat" not in " ".join(load("fraud", stored(accounts(), tmp_path)).notes)


def test_refuse_straddling__rows_that_are_nobodys__are_compared_whole(tmp_path: Path) -> None:
    frame = applicants(20)
    twice = pd.concat([frame.assign(split="train"), frame[:2].assign(split="test")])
    with pytest.raises(UnusableData, match="2 of 20 distinct rows stand on more than one side of the split in column"):
        load("uci", stored(twice, tmp_path))
    apart = pd.concat([frame[:15].assign(split="train"), frame[15:].assign(split="test")])
    assert len(load("uci", stored(apart, tmp_path)).labels) == 20


def test_folds__copies_of_a_row_or_rows_of_one_wallet__are_on_one_side(tmp_path: Path) -> None:
    # Every account three times under other addresses, and one address with two sets of features.
    frame = pd.concat([accounts()] * 3).assign(Address=[f"0x{row:040x}" for row in range(360)])
    frame.iloc[0, frame.columns.get_loc("Address")] = frame["Address"].iloc[1]
    tables = {
        "fraud": (frame, lambda rows: rows.learned),
        "uci": (pd.concat([applicants()] * 3), lambda rows: rows.learned),
        "rocifi": (term_loans(), lambda rows: rows.groups[:, None]),
        "repeat-liquidation": (liquidations(400), lambda rows: rows.groups[:, None]),
    }
    for task, (table, key) in tables.items():
        rows = load(task, stored(table, tmp_path))
        folds = folds_of(rows)
        assert len(folds) == 5, task
        assert sorted(np.concatenate([judged for _, judged in folds]).tolist()) == list(range(len(rows.labels)))
        for fitted, judged in folds:
            assert not {row.tobytes() for row in key(rows)[fitted]} & {row.tobytes() for row in key(rows)[judged]}, task
    rows = load("fraud", stored(frame, tmp_path))
    # The shared address joins the copies of two accounts.
    assert sorted(np.unique(rows.together, return_counts=True)[1]) == [3] * 118 + [6]


def test_judge__loans__are_resampled_by_borrower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "baselines", lambda *_: ({}, ()))
    rows = load("rocifi", stored(term_loans(), tmp_path))
    assert rows.groups is not None
    assert (np.unique(rows.groups, return_counts=True)[1] == 3).all()
    model = registry.load().directory
    networks = IntegerNetwork.of(load_weights(model / WEIGHTS)), load_float(model / registry.FLOAT_WEIGHTS)
    by_borrower = judge(rows, *networks)["quantised"]["auc_interval"]
    # Each borrower has one loan without history and two with: whole borrowers resampled keep that mixture.
    assert by_borrower[1] - by_borrower[0] < 0.01
    by_loan = judge(replace(rows, groups=None), *networks)["quantised"]["auc_interval"]
    assert by_loan[1] - by_loan[0] > 0.05


def test_baselines__too_few_of_a_class__are_left_out_with_a_note(tmp_path: Path) -> None:
    frame = accounts().assign(FLAG=[1] * 4 + [0] * 116)
    found = evaluate("fraud", stored(frame, tmp_path), registry.load())
    assert set(found["baselines"]) == {"base_rate_brier"}
    assert any("no learned baseline" in note for note in found["notes"])


def test_evaluate__extra_collection__shows_what_boosting_reached_in_training(tmp_path: Path) -> None:
    frame = accounts().assign(FLAG=1)
    frame["total transactions (including tnx to create contract"] = frame["Sent tnx"] + frame["Received Tnx"]
    frame["total ether received"] = frame["avg val received"] * frame["Received Tnx"]
    frame = frame.drop(columns=["Sent tnx", "Received Tnx", "Unique Sent To Addresses"])
    result = CliRunner().invoke(
        app, ["models", "evaluate", "--task", "fraud-extra", "--data", str(stored(frame, tmp_path)), "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.output.strip().splitlines()[-1])
    known = registry.load().metrics["fraud-extra"]["baselines"]["gradient_boosting_recall_at_fpr_1"]
    assert found["baselines"]["gradient_boosting_recall_at_fpr_1_measured_in_training"] == known
    assert any("not on this file" in note for note in found["notes"])


@pytest.mark.parametrize("seed", ["-1", str(2**32)])
def test_train__seed_that_no_library_takes__is_refused(tmp_path: Path, seed: str) -> None:
    result = CliRunner().invoke(
        app, ["models", "train", "--data", str(tmp_path), "--out", str(tmp_path / "m"), "--seed", seed]
    )
    assert result.exit_code == 2
    assert "--seed" in result.output
