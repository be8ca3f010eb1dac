"""Keys: deterministic, checked to the bit, bound to their model."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from oracle.models.export import export
from oracle.models.network import RiskNetwork, Shape
from oracle.models.quantise import quantise_
from oracle.models.registry import ShippedModel
from oracle.proving.errors import KeysFault
from oracle.proving.keys import (
    CIRCUIT,
    MANIFEST,
    PROVING_KEY,
    SRS,
    VERIFIER,
    VERIFYING_KEY,
    Keys,
    check_keys,
)
from oracle.proving.making import setup

SMALLER = Shape(card=(6, 5))
"""Random weights fill the columns that training leaves empty, and so need more rows than a trained network."""


@pytest.fixture
def copied(keys: Keys, tmp_path: Path) -> Path:
    copy = tmp_path / "keys"
    shutil.copytree(keys.folder, copy)
    return copy


def test_setup__same_model_and_reference_string__gives_the_same_bytes(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    again = setup(shipped.directory, tmp_path / "again", srs=keys.folder / SRS)
    assert again.sha256 == keys.sha256
    # Under another name it is the same string, and whoever made it can forge proofs.
    assert again.srs_kind() == keys.srs_kind() == "development"
    assert again.is_development
    assert json.loads((again.folder / MANIFEST).read_text())["srs"] == "development"


def test_setup__second_time__touches_nothing(shipped: ShippedModel, copied: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in copied.iterdir()}
    said: list[str] = []
    setup(shipped.directory, copied, say=said.append)
    assert {path.name: path.stat().st_mtime_ns for path in copied.iterdir()} == before
    assert "nothing to do" in said[-1]


def test_setup__corrupt_folder__makes_it_whole_again(shipped: ShippedModel, copied: Path) -> None:
    (copied / VERIFYING_KEY).write_bytes(b"")
    setup(shipped.directory, copied)
    check_keys(copied, shipped.model_id)


def test_setup__other_weights__give_another_id_and_another_verifying_key(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    model_id = export(quantise_(RiskNetwork(SMALLER)), tmp_path / "model", "other")
    other = setup(tmp_path / "model", tmp_path / "keys", srs=keys.folder / SRS)
    assert bytes.fromhex(model_id) == other.model_id != shipped.model_id
    assert other.sha256[VERIFYING_KEY] != keys.sha256[VERIFYING_KEY]
    assert other.sha256[VERIFIER] != keys.sha256[VERIFIER]


def test_export__twice__gives_the_same_bytes(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = quantise_(RiskNetwork(SMALLER))
    ids = [export(network, tmp_path / folder, "twin") for folder in ("one", "two")]
    assert ids[0] == ids[1]
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", [PROVING_KEY, VERIFYING_KEY, CIRCUIT, SRS, VERIFIER])
def test_check_keys__one_bit_flipped__names_file_hashes_and_remedy(keys: Keys, copied: Path, name: str) -> None:
    path = copied / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(KeysFault) as caught:
        check_keys(copied)
    message = str(caught.value)
    assert name in message
    assert keys.sha256[name] in message
    assert "risk-oracle setup" in message


def test_check_keys__file_missing__names_it(copied: Path) -> None:
    (copied / PROVING_KEY).unlink()
    with pytest.raises(KeysFault, match=rf"{PROVING_KEY} is missing.*risk-oracle setup"):
        check_keys(copied)


def test_check_keys__no_folder__says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(KeysFault, match=r"no keys in .*risk-oracle setup"):
        check_keys(tmp_path / "nothing")


def test_check_keys__damaged_manifest__says_so(copied: Path) -> None:
    (copied / MANIFEST).write_text("[]")
    with pytest.raises(KeysFault, match="damaged"):
        check_keys(copied)


def test_check_keys__another_models_keys__shows_both_ids(keys: Keys) -> None:
    with pytest.raises(KeysFault, match=rf"{keys.model_id.hex()}, not of {'ee' * 32}"):
        check_keys(keys.folder, b"\xee" * 32)


def test_setup__unknown_reference_string__lists_the_choices(shipped: ShippedModel, tmp_path: Path) -> None:
    with pytest.raises(KeysFault, match="expected development, production or a path"):
        setup(shipped.directory, tmp_path, srs="imaginary")


def test_setup__not_a_model_folder__says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeysFault, match=r"model\.onnx is missing"):
        setup(tmp_path, tmp_path / "keys")
