"""The registry refuses every folder that is not what its manifest says."""

import json
import shutil
from pathlib import Path

import pytest

from oracle.models import registry
from oracle.models.export import WEIGHTS
from oracle.models.folder import GRAPH, MANIFEST, SETTINGS
from oracle.models.registry import ModelFault


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    shutil.copytree(registry.load().directory, copy)
    return copy


def rewrite(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_load__shipped_name_or_copied_folder__is_the_same_model(folder: Path) -> None:
    shipped, copied = registry.load(), registry.load(folder)
    assert shipped.model_id == copied.model_id
    assert len(shipped.model_id) == 32
    assert shipped.name in registry.shipped_names()
    assert len(shipped.output_scales) == 10


def test_load__unknown_name__lists_what_there_is() -> None:
    with pytest.raises(ModelFault, match=r"no model 'nope'.*credit-v1"):
        registry.load("nope")


@pytest.mark.parametrize("name", [WEIGHTS, GRAPH, SETTINGS])
def test_load__file_altered__names_it(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelFault, match=rf"{name} was altered"):
        registry.load(folder)


def test_load__file_missing__names_it(folder: Path) -> None:
    (folder / GRAPH).unlink()
    with pytest.raises(ModelFault, match=rf"{GRAPH} is missing"):
        registry.load(folder)


def test_load__other_feature_table__shows_both_hashes(folder: Path) -> None:
    rewrite(folder, feature_spec_hash="ab" * 32)
    with pytest.raises(ModelFault, match=r"another feature table.*abab.*train it again"):
        registry.load(folder)


def test_load__manifest_claims_another_id__refuses(folder: Path) -> None:
    rewrite(folder, model_id="cd" * 32)
    with pytest.raises(ModelFault, match=r"the manifest says cdcd"):
        registry.load(folder)


def test_load__damaged_manifest__says_so(folder: Path) -> None:
    (folder / MANIFEST).write_text("{")
    with pytest.raises(ModelFault, match="damaged"):
        registry.load(folder)


@pytest.mark.parametrize("digits", ["b" * 63, "b" * 65, "", "g" * 64], ids=["63", "65", "none", "no hex"])
def test_load__neutral_commitment_of_another_length__is_refused(folder: Path, digits: str) -> None:
    rewrite(folder, neutral_commitment=f"0x{digits}")
    with pytest.raises(ModelFault, match=r"neutral_commitment .* expected 0x and 64 hex digits"):
        registry.load(folder)


def test_shipped__neutral_commitment__is_written_with_64_hex_digits() -> None:
    for name in registry.shipped_names():
        written = json.loads((registry.load(name).directory / MANIFEST).read_text())["neutral_commitment"]
        assert len(written) == 66
