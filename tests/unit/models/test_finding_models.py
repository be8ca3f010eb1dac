"""Models by id and their keys: in this package, in an operator's folder, and what is said when they are in neither."""

import json
import shutil
from pathlib import Path

import pytest

from oracle.models import registry
from oracle.models.folder import MANIFEST
from oracle.models.registry import ModelFault
from oracle.proving import keys as key_files
from oracle.proving.errors import KeysFault
from oracle.proving.key_folders import find_keys


def key_folder(folder: Path, model_id: bytes) -> Path:
    """Write the manifest of a key folder; finding one reads nothing else."""
    folder.mkdir(parents=True)
    content = {
        "model_id": model_id.hex(),
        "logrows": 12,
        "srs": "development",
        "output_scales": [50] * 10,
        "sha256": dict.fromkeys(key_files.FILES, "00" * 32),
    }
    (folder / key_files.MANIFEST).write_text(json.dumps(content))
    return folder


def test_find__shipped_model__is_found_without_an_operators_folder() -> None:
    shipped = registry.load()
    assert registry.find(shipped.model_id) == shipped


def test_find__model_in_the_operators_folder__is_found_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = registry.load()
    shutil.copytree(shipped.directory, tmp_path / "mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / MANIFEST).write_text("{")
    monkeypatch.setattr(registry, "SHIPPED", tmp_path / "nothing")
    assert registry.find(shipped.model_id, tmp_path).directory == tmp_path / "mine"
    (tmp_path / "mine" / "weights.json").write_text("{}")
    with pytest.raises(ModelFault, match=r"weights.json was altered"):
        registry.find(shipped.model_id, tmp_path)


def test_find__unknown_id__names_what_is_here_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelFault) as refused:
        registry.find(b"\x07" * 32, tmp_path)
    said = str(refused.value)
    assert f"model 0x{'07' * 32} is not here" in said
    assert f"credit-v1 (0x{registry.load().model_id.hex()})" in said
    assert "model.directory" in said
    assert "risk-oracle setup --model" in said


def test_load__name_in_the_operators_folder__is_that_folder(tmp_path: Path) -> None:
    shutil.copytree(registry.load().directory, tmp_path / "mine")
    assert registry.load("mine", tmp_path).directory == tmp_path / "mine"
    with pytest.raises(ModelFault, match=r"no model 'other'.*credit-v1, mine"):
        registry.load("other", tmp_path)


def test_find_keys__one_folder_or_the_one_above__gives_the_models_own(tmp_path: Path) -> None:
    first, second = key_folder(tmp_path / "a", bytes(32)), key_folder(tmp_path / "b", b"\x01" * 32)
    assert find_keys(first, bytes(32)) == first
    assert find_keys(tmp_path, b"\x01" * 32) == second


def test_find_keys__two_folders_with_different_keys_of_the_model__takes_neither_by_its_name(tmp_path: Path) -> None:
    first, second = key_folder(tmp_path / "a", bytes(32)), key_folder(tmp_path / "b", bytes(32))
    assert find_keys(tmp_path, bytes(32)) == first
    manifest = second / key_files.MANIFEST
    content = json.loads(manifest.read_text())
    content["sha256"][key_files.VERIFYING_KEY] = "ff" * 32
    manifest.write_text(json.dumps(content))
    with pytest.raises(KeysFault, match=rf"{first} and {second} hold different keys .* model\.keys"):
        find_keys(tmp_path, bytes(32))
    # What `setup` is making beside is no folder of keys yet.
    shutil.move(second, tmp_path / ".b.new-1")
    assert find_keys(tmp_path, bytes(32)) == first


def test_find_keys__of_a_model_without_keys__says_how_to_make_them(tmp_path: Path) -> None:
    own = key_folder(tmp_path / "a", bytes(32))
    with pytest.raises(KeysFault, match=rf"{own} holds the keys of model 0x0000.*model\.keys.*setup --model"):
        find_keys(own, b"\x02" * 32)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / key_files.MANIFEST).write_text("{")
    with pytest.raises(KeysFault, match=r"no keys of model 0x0202.*setup --model NAME.*damaged: .*manifest\.json"):
        find_keys(tmp_path, b"\x02" * 32)
