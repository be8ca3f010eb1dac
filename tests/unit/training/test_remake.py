"""A model's circuit made anew: the same answers and figures, another id where the circuit was an older one."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from oracle.cli import app
from oracle.models import registry
from oracle.models.export import SETTINGS, WEIGHTS
from oracle.models.kept_policy import policy_of
from oracle.models.reference import load_reference
from oracle.models.weights import load_weights
from oracle.training.card import write_card
from oracle.training.remake import CARD, METRICS

FOLDER = registry.load().directory


def test_export__of_the_shipped_model__gives_its_bytes(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["models", "export", "--out", str(tmp_path / "again"), "--json"])
    assert json.loads(done.stdout)["model_id"] == f"0x{registry.load().model_id.hex()}"
    files = _files(FOLDER)
    assert _files(tmp_path / "again") == files
    for name in files:
        assert (tmp_path / "again" / name).read_bytes() == (FOLDER / name).read_bytes(), name


def _files(folder: Path) -> list[Path]:
    """Return the paths of all files below a folder, those of the open circuit too."""
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def test_export__of_an_older_circuit__is_a_whole_model_again_and_says_whose_weights_it_has(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(FOLDER, old)
    metrics = json.loads((old / METRICS).read_text())
    before = metrics["model_id"]
    (old / METRICS).write_text(json.dumps({**metrics, "model_id": "ab" * 32, "circuit": {"rows": 1}}))
    (old / "reference.json").write_text((old / "reference.json").read_text().replace(before, "ab" * 32))
    (old / SETTINGS).write_text("{}")
    done = CliRunner().invoke(app, ["models", "export", "--model", str(old), "--out", str(new)])
    assert done.exit_code == 0, done.output
    made = registry.load(new)
    assert made.model_id == registry.load().model_id
    assert made.metrics == metrics
    assert load_reference(made) is not None
    assert before in (new / CARD).read_text()


@pytest.mark.parametrize(("file", "words"), [(WEIGHTS, "holds no weights"), (METRICS, "holds no figures")])
def test_export__of_a_folder_that_training_did_not_write__says_what_is_missing(
    file: str, words: str, tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "model")
    (tmp_path / "model" / file).unlink()
    done = CliRunner().invoke(
        app, ["models", "export", "--model", str(tmp_path / "model"), "--out", str(tmp_path / "o")]
    )
    assert done.exit_code != 0
    assert words in " ".join(str(done.exception or done.output).split())


def test_export__into_the_models_own_folder__is_refused() -> None:
    done = CliRunner().invoke(app, ["models", "export", "--out", str(FOLDER)])
    assert done.exit_code != 0
    assert "own folder" in str(done.exception or done.output)


def test_card__of_the_shipped_model__is_what_its_figures_say() -> None:
    model = registry.load()
    policy = policy_of(model.directory, load_weights(model.directory / WEIGHTS))
    assert (model.directory / CARD).read_text() == write_card(model.name, model.metrics, policy)
