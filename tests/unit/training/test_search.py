"""Search and tracking: a stopped study goes on as if it had not been; recipes and runs are stored as they were."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from oracle.assessment.errors import ConfigurationFault
from oracle.cli import app
from oracle.training.recipes import RECIPES, read_recipes, table_of, write_recipes
from oracle.training.search import score_of, search
from oracle.training.split import TEST
from oracle.training.tracking import EXPERIMENT, numbers_of, track
from tests.unit.training.books import book


def test_search__stopped_and_started_again__finds_what_one_run_finds(tmp_path: Path) -> None:
    given, start = book(), read_recipes()
    quiet: list[str] = []
    whole, score = search("credit", given, 8, tmp_path / "whole", start, 7, say=quiet.append)
    search("credit", given, 4, tmp_path / "halves", start, 7, say=quiet.append)
    again, other = search("credit", given, 8, tmp_path / "halves", start, 7, say=quiet.append)
    assert (again, other) == (whole, score)
    assert len(quiet) == 8 + 4 + 4
    # The first trial is where it started from.
    assert score >= score_of(table_of(start.credit), "credit", given, 7)
    assert whole.fraud == start.fraud


def test_score__test_part_changed__is_the_same() -> None:
    given = book()
    hidden = replace(given, structural=np.where(given.part == TEST, 0.5, given.structural))
    table = table_of(read_recipes().credit)
    assert score_of(table, "credit", given, 7) == score_of(table, "credit", hidden, 7)


def test_recipes__written__are_read_as_they_were(tmp_path: Path) -> None:
    start = read_recipes()
    changed = replace(start, credit=replace(start.credit, epochs=11, learning_rate=0.0123))
    write_recipes(changed, tmp_path / "recipes.toml")
    assert read_recipes(tmp_path / "recipes.toml") == changed
    write_recipes(start, tmp_path / "same.toml")
    assert (tmp_path / "same.toml").read_text() == RECIPES.read_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[fraud]", "[fraught]", "has the tables"),
        ("epochs = ", "epoch = ", "unknown keys"),
        ("epochs = ", "epochs = 0.", "epochs is 0"),
        ("teacher_share = ", "teacher_share = -", "expected a number of at least 0"),
        ("[fraud]", "[fraud", "cannot be read as TOML"),
    ],
)
def test_recipes__wrong__names_the_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "recipes.toml"
    path.write_text(RECIPES.read_text().replace(old, new))
    with pytest.raises(ConfigurationFault, match=message):
        read_recipes(path)


def test_track__folder__holds_the_run(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card")
    metrics = {"fraud": {"quantised": {"auc": 0.97, "auc_interval": [0.9, 0.98]}}, "rows": 7, "name": "m", "ok": True}
    store = tmp_path / "runs"
    run = track(str(store), "first", {"seed": 7}, metrics, [card])
    client = MlflowClient(tracking_uri=store.as_uri())
    found = client.get_run(run)
    assert found.data.params == {"seed": "7"}
    assert found.data.metrics == {"fraud.quantised.auc": 0.97, "rows": 7.0}
    assert found.info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run)] == ["card.md"]
    second = track(str(store), "second", {"seed": 8}, {})
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    assert {one.info.run_id for one in client.search_runs([experiment.experiment_id])} == {run, second}


def test_track__folder_cannot_be_written__says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationFault, match="MLflow cannot store the run"):
        track(str(tmp_path / "file" / "runs"), "first", {}, {})


def test_numbers_of__nested__leaves_out_what_is_no_number() -> None:
    assert dict(numbers_of({"a": {"b": 1, "c": None, "d": [1, 2]}, "e": "x", "f": False})) == {"a.b": 1.0}


def test_search_command__unknown_head__lists_what_there_is(tmp_path: Path) -> None:
    arguments = ["models", "search", "--head", "weather", "--data", str(tmp_path), "--out", str(tmp_path / "r.toml")]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ConfigurationFault)
    assert "no head 'weather': expected fraud | home | card | credit" in str(result.exception)


def test_train_command__no_data_named__says_what_is_missing() -> None:
    result = CliRunner().invoke(app, ["models", "train", "--seed", "3"])
    assert "training needs data and out" in str(result.exception)
