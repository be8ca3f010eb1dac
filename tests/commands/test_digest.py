"""`risk-oracle contracts digest`: an entry for the release, of the ceremony's keys and a build of theirs alone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.commands.digest import digest
from oracle.devnet.machinery.artifacts import BUILD
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import load
from oracle.proving.ceremony import shipped_ceremony
from oracle.proving.errors import KeysFault
from oracle.proving.keys import MANIFEST, SRS, VERIFIER, VERIFYING_KEY, Keys, read_keys
from oracle.proving.known_verifiers import parse, released_verifiers
from oracle.proving.reference_string import sha256_of

MODEL = load("credit-v1")


@pytest.fixture
def keys() -> Keys:
    folder = REPOSITORY / "build" / "keys" / MODEL.name
    if not (folder / MANIFEST).is_file() or read_keys(folder).model_id != MODEL.model_id:
        pytest.skip("the shipped model's keys are not made: run `make setup`")
    return read_keys(folder)


@pytest.fixture
def of_the_ceremony(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> Keys:
    """The keys here, as if the shipped ceremony had pinned their reference string."""
    ceremony = replace(shipped_ceremony(), sha256={keys.logrows: keys.sha256[SRS]})
    monkeypatch.setattr("oracle.proving.ceremony.shipped_ceremony", lambda: ceremony)
    return keys


def test_digest__keys_of_the_ceremony__gives_an_entry_that_is_read_again(of_the_ceremony: Keys) -> None:
    text = digest(MODEL, of_the_ceremony.folder, BUILD)
    [entry] = parse(text).values()
    artifact = BUILD / "verifiers" / MODEL.name / "Verifier.sol" / "Halo2Verifier.json"
    code = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"][2:])
    assert entry.model_id == MODEL.model_id
    assert entry.code_hash == keccak(code)
    assert entry.k == of_the_ceremony.logrows
    assert entry.verifying_key_sha256 == of_the_ceremony.sha256[VERIFYING_KEY]
    assert 'ceremony = "perpetual-powers-of-tau"' in text


def test_digest__development_keys__are_refused(keys: Keys) -> None:
    with pytest.raises(KeysFault, match=r"development reference string: only keys of the ceremony .*--srs production"):
        digest(MODEL, keys.folder, BUILD)


def test_digest__build_of_another_verifier_or_none__is_refused(of_the_ceremony: Keys, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"no build of the verifier .*make contracts"):
        digest(MODEL, of_the_ceremony.folder, tmp_path)
    copy = tmp_path / "keys"
    shutil.copytree(of_the_ceremony.folder, copy)
    (copy / VERIFIER).write_text((copy / VERIFIER).read_text() + "\n")
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["sha256"][VERIFIER] = sha256_of(copy / VERIFIER)
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ConfigurationFault, match="compiled from another verifier"):
        digest(MODEL, copy, BUILD)


def test_released_verifiers__table_of_this_release__is_read() -> None:
    assert all(entry.k in shipped_ceremony().sha256 for entry in released_verifiers().values())


@pytest.mark.parametrize(
    "text", ['[[verifier]]\nmodel_id = "00"', "[verifier]\nk = 1", '[[verifier]]\nmodel_id = "zz"']
)
def test_parse__damaged_table__says_so(text: str) -> None:
    with pytest.raises(KeysFault, match="is damaged"):
        parse(text)
