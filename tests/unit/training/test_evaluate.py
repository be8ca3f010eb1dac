"""`models evaluate` and the settings of `models train`: right files give the stated object, wrong ones an error."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from oracle.assessment.errors import ConfigurationFault
from oracle.cli import app
from oracle.commands.models import read_train_config
from oracle.models import registry
from oracle.models.kept_policy import save_policy
from oracle.models.policy import POLICY, Policy
from oracle.training import evaluation
from oracle.training.checks import UnusableData
from oracle.training.evaluation import evaluate

FLOW = (
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
)


def accounts(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({column: rng.lognormal(2, 2, rows).round(3) for column in FLOW})
    frame["Address"] = [f"0x{row:040x}" for row in range(rows)]
    frame["FLAG"] = rng.integers(0, 2, rows)
    frame.loc[0, ["Sent tnx", "Received Tnx"]] = 0
    return frame


def stored(frame: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "accounts.parquet"
    frame.to_parquet(path)
    return path


def test_evaluate__accounts__gives_the_stated_object(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["models", "evaluate", "--task", "fraud", "--data", str(stored(accounts(), tmp_path)), "--json"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.output.strip().splitlines()[-1])
    assert (found["task"], found["rows"]) == ("fraud", 120)
    for kind in ("float", "quantised"):
        assert {
            "auc",
            "auc_interval",
            "brier",
            "calibration_error",
            "precision_at_recall_80",
            "recall_at_fpr_1",
        } <= set(found[kind])
        low, high = found[kind]["auc_interval"]
        assert low <= found[kind]["auc"] <= high
    assert found["populations"]["with_flow"]["rows"] == 119
    assert "base_rate_brier" in found["baselines"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(columns="avg val sent"), r"lacks the columns \['avg val sent'\]"),
        (lambda frame: frame.assign(FLAG=1), "an empty class cannot be judged"),
        (lambda frame: frame.assign(FLAG=frame["FLAG"] + 1), "label 'FLAG' holds"),
        (lambda frame: frame.assign(**{"min val sent": np.nan}), "'min val sent' holds NaN"),
        (lambda frame: frame.assign(**{"avg val sent": np.inf}), "'avg val sent' holds infinities"),
        (lambda frame: frame.assign(**{"Sent tnx": -1.0}), "'Sent tnx' holds negative values"),
        (
            lambda frame: frame.assign(**{"Sent tnx": "many"}),
            r"'Sent tnx' holds text, expected numbers: 'many' in row 1 ",
        ),
        (lambda frame: frame.iloc[:0], "has no rows"),
        (
            lambda frame: frame.assign(**{"min val sent": [*frame["min val sent"].astype(str)[:7], "?", *["1"] * 112]}),
            r"'min val sent' holds text, expected numbers: '\?' in row 8 ",
        ),
        (lambda frame: frame.assign(Address=[None, *frame["Address"][1:]]), "'Address' is empty in row 1"),
        (
            lambda frame: frame.assign(split=["a", "b"] * 60, Address="0x1"),
            "1 of 1 wallets stand on more than one side",
        ),
    ],
)
def test_evaluate__bad_table__says_what_is_wrong(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    with pytest.raises(UnusableData, match=message):
        evaluate("fraud", stored(change(accounts()), tmp_path), registry.load())


def test_evaluate__home_table_in_ratios__names_the_unit(tmp_path: Path) -> None:
    columns = ("YOJ", "CLAGE", "DELINQ", "DEROG", "NINQ", "CLNO", "LOAN", "MORTDUE", "VALUE")
    frame = pd.DataFrame({column: [100.0, 200.0] for column in columns} | {"DEBTINC": [0.3, 0.4], "BAD": [0, 1]})
    with pytest.raises(UnusableData, match=r"median of .DEBTINC. is 0\.35, expected percent"):
        evaluate("hmeq", stored(frame, tmp_path), registry.load())


def test_evaluate__unknown_task_or_file__lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UnusableData, match="no task 'weather': expected one of fraud"):
        evaluate("weather", tmp_path, registry.load())
    with pytest.raises(UnusableData, match="is missing"):
        evaluate("uci", tmp_path / "nothing.parquet", registry.load())
    text = tmp_path / "text.parquet"
    text.write_text("no parquet")
    with pytest.raises(UnusableData, match="no Parquet file"):
        evaluate("uci", text, registry.load())
    with pytest.raises(UnusableData, match="no folder of data sets"):
        evaluate("book", tmp_path, registry.load())


def test_models__list_show_compare__tell_about_the_shipped_one() -> None:
    runner, model = CliRunner(), registry.load()
    assert model.model_id.hex() in runner.invoke(app, ["models", "list"]).output
    assert "# Model card" in runner.invoke(app, ["models", "show"]).output
    compared = runner.invoke(app, ["models", "compare", model.name, model.name]).output
    assert "both are the same model" in compared
    assert "fraud auc" in compared


def test_train_config__right__gives_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text('data = "d"\nout = "o"\nseed = 3\n[policy]\nmargin = 0.03\n')
    found = read_train_config(path)
    assert (found["data"], found["seed"], found["policy"].margin) == ("d", 3, 0.03)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ("seed = -1", "seed is -1, expected 0 to"),
        ('seed = "seven"', "seed is 'seven', expected int"),
        ("[policy]\nmargin = 7.0", "policy.margin is 7.0, expected a fraction"),
        ("[policy]\ngreed = 0.1", "unknown policy 'greed'"),
        ("data = ", "cannot be read as TOML"),
    ],
)
def test_train_config__wrong__names_the_key(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(content)
    with pytest.raises(ConfigurationFault, match=message):
        read_train_config(path)


def test_evaluate__book_of_a_model_with_its_own_policy__is_drawn_and_judged_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(registry.load().directory, tmp_path / "model")
    own = replace(POLICY, liquidation_bonus=0.15, duration_cap_default=0.1)
    save_policy(own, tmp_path / "model")
    met: list[Policy] = []
    monkeypatch.setattr(evaluation, "_data_folder", lambda path: path)
    monkeypatch.setattr(evaluation, "read_accounts", lambda *given: None)
    monkeypatch.setattr(evaluation, "make_book", lambda *given, policy, **named: met.append(policy))
    monkeypatch.setattr(evaluation, "judge_book", lambda *given: met.append(given[-1]) or {})
    evaluate("book", tmp_path, registry.load(tmp_path / "model"))
    assert met == [own, own]


def test_train_config__threshold_between_the_networks_levels__is_accepted_and_contradictions_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "train.toml"
    path.write_text("[policy]\nmedium_default = 0.12\n")
    assert read_train_config(path)["policy"].default_points()[3][0] == 0.12
    path.write_text("[policy]\nmedium_default = 0.30\n")
    with pytest.raises(ConfigurationFault, match=r"medium_default is 0\.3, expected at least"):
        read_train_config(path)
