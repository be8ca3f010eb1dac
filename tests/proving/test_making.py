"""Making keys: what a reference string is follows from its hash, and a failed run leaves what was there."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import ezkl
import pytest

from oracle.models.registry import ShippedModel
from oracle.proving import making, reference_string
from oracle.proving.ceremony import Ceremony, shipped_ceremony
from oracle.proving.circuit import Circuit
from oracle.proving.errors import KeysFault, ProvingFailed
from oracle.proving.keys import CIRCUIT, FILES, MANIFEST, PROVING_KEY, SRS, VERIFYING_KEY, Keys, check_keys, read_keys
from oracle.proving.making import setup


@pytest.fixture
def copied(keys: Keys, tmp_path: Path) -> Path:
    copy = tmp_path / "copied"
    shutil.copytree(keys.folder, copy)
    return copy


@pytest.fixture
def pinned(keys: Keys) -> Ceremony:
    """A ceremony of the tests' own, of which the keys' reference string is."""
    return Ceremony("rehearsal", {keys.logrows: keys.sha256[SRS], 11: "11" * 32})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def no_keys_yet(*_: object) -> None:
    raise ProvingFailed("no keys for you")


def test_setup__file_of_the_operators_ceremony__counts_where_that_is_named_and_nowhere_else(
    shipped: ShippedModel, keys: Keys, pinned: Ceremony, tmp_path: Path
) -> None:
    said: list[str] = []
    made = setup(shipped.directory, tmp_path / "own", keys.folder / SRS, said.append, pinned)
    assert made.sha256 == keys.sha256
    assert made.ceremony(pinned) is pinned
    assert made.srs_kind(pinned) == json.loads((made.folder / MANIFEST).read_text())["srs"] == "rehearsal"
    assert any("ceremony rehearsal" in line for line in said)
    assert made.is_development


def test_setup__file_that_is_no_ceremonys__says_so_with_both_hashes(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    disguised, said = tmp_path / "kzg12.srs", list[str]()
    shutil.copyfile(keys.folder / SRS, disguised)
    made = setup(shipped.directory, tmp_path / "keys", disguised, said.append)
    assert made.is_development
    text = "\n".join(said)
    assert "whoever made it can forge proofs" in text
    assert keys.sha256[SRS] in text
    assert shipped_ceremony().sha256[12] in text


def test_read_keys__folder_that_calls_itself_production_or_file__is_development_all_the_same(copied: Path) -> None:
    for label in ("production", "file", "rehearsal"):
        content = json.loads((copied / MANIFEST).read_text()) | {"srs": label}
        (copied / MANIFEST).write_text(json.dumps(content))
        assert check_keys(copied).is_development, label


def test_setup__file_of_the_ceremony_for_another_size__says_which_is_needed(
    shipped: ShippedModel, keys: Keys, pinned: Ceremony, tmp_path: Path
) -> None:
    other = replace(pinned, sha256={15: keys.sha256[SRS], 12: "12" * 32})
    with pytest.raises(KeysFault, match=rf"rehearsal's for 2\^15 rows; this model needs 2\^12: .*{'12' * 32}"):
        setup(shipped.directory, tmp_path / "keys", keys.folder / SRS, ceremony=other)
    assert not (tmp_path / "keys").exists()


def test_setup__production_without_the_host_over_a_development_folder__leaves_the_keys_and_says_the_way_out(
    shipped: ShippedModel, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    before = contents(copied)
    with pytest.raises(KeysFault) as caught:
        setup(shipped.directory, copied, "production")
    said = str(caught.value)
    for words in (
        "could not be fetched",
        "kzg12.srs",
        shipped_ceremony().sha256[12],
        "--srs FILE",
        "Nothing was chang",
    ):
        assert words in said
    assert "tampered" not in said
    assert contents(copied) == before
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


def test_setup__production_without_the_host_and_without_keys__leaves_nothing_half_made(
    shipped: ShippedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(KeysFault, match="could not be fetched"):
        setup(shipped.directory, tmp_path / "keys" / "credit-v1", "production")
    assert list((tmp_path / "keys").iterdir()) == []


def served(content: bytes) -> Callable[[Circuit, Path], Awaitable[None]]:
    """Stand in for the ceremony's host, which cannot be reached here."""

    def write(target: Path) -> None:
        assert not target.exists(), "EZKL takes what is there for the ceremony's, and deletes it"
        target.write_bytes(content)

    async def fetch(_: Circuit, target: Path) -> None:
        write(target)

    return fetch


def test_setup__production_over_a_development_folder__works_at_the_first_try_and_is_kept_afterwards(
    shipped: ShippedModel, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ezkl.gen_srs(str(tmp_path / "ceremony.srs"), 12)
    content = (tmp_path / "ceremony.srs").read_bytes()
    table = {12: reference_string.sha256_of(tmp_path / "ceremony.srs")}
    ceremony = replace(shipped_ceremony(), sha256=table)
    for module in ("ceremony", "making", "reference_string"):
        monkeypatch.setattr(f"oracle.proving.{module}.shipped_ceremony", lambda: ceremony)
    monkeypatch.setattr(reference_string, "_fetch", served(content))
    before = read_keys(copied)
    made = setup(shipped.directory, copied, "production")
    assert made.srs_kind() == "production"
    assert made.sha256[VERIFYING_KEY] != before.sha256[VERIFYING_KEY]
    check_keys(copied, shipped.model_id)

    # Neither the default nor a development file puts forgeable keys in their place; damaged, they come back the same.
    monkeypatch.setattr(reference_string, "_fetch", served(b"the host is gone"))
    assert setup(shipped.directory, copied).sha256 == made.sha256
    with pytest.raises(KeysFault, match=r"holds keys of ceremony .* name another folder"):
        setup(shipped.directory, copied, other_string(tmp_path))
    (copied / PROVING_KEY).write_bytes(b"")
    assert setup(shipped.directory, copied, "production").sha256[VERIFYING_KEY] == made.sha256[VERIFYING_KEY]


def other_string(folder: Path) -> Path:
    ezkl.gen_srs(str(folder / "other.srs"), 12)
    return folder / "other.srs"


def test_setup__host_that_sends_something_else__is_not_believed(
    shipped: ShippedModel, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_string, "_fetch", served(b"captive portal"))
    before = contents(copied)
    with pytest.raises(KeysFault, match=r"what was fetched is not it: its SHA-256 is [0-9a-f]{64}"):
        setup(shipped.directory, copied, "production")
    assert contents(copied) == before


def test_setup__size_that_the_ceremony_has_not__says_which_it_has(
    shipped: ShippedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ceremony = replace(shipped_ceremony(), sha256={11: "11" * 32})
    monkeypatch.setattr("oracle.proving.reference_string.shipped_ceremony", lambda: ceremony)
    with pytest.raises(KeysFault, match=r"pins no file for 2\^12 rows \(it has k = 11\)"):
        setup(shipped.directory, tmp_path / "keys", "production")


def test_setup__a_step_fails__leaves_the_old_keys(
    shipped: ShippedModel, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "write_verifier", no_keys_yet)
    before = contents(copied)
    with pytest.raises(ProvingFailed):
        setup(shipped.directory, copied, other_string(tmp_path))
    assert contents(copied) == before
    assert {path.name for path in tmp_path.iterdir()} == {copied.name, "other.srs"}


def test_setup__damaged_development_folder__keeps_its_reference_string_and_so_its_verifier(
    shipped: ShippedModel, keys: Keys, copied: Path
) -> None:
    (copied / PROVING_KEY).write_bytes(b"")
    (copied / CIRCUIT).unlink()
    said: list[str] = []
    assert setup(shipped.directory, copied, say=said.append).sha256 == keys.sha256
    assert any("used again" in line for line in said)


def test_setup__file_system_that_cannot_exchange_folders__replaces_file_by_file(
    shipped: ShippedModel, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oracle.proving.exchange._swap", lambda *_: False)
    setup(shipped.directory, copied, other_string(tmp_path))
    check_keys(copied, shipped.model_id)
    assert {path.name for path in copied.iterdir()} == {MANIFEST, *FILES}


def test_setup__folder_through_a_link__changes_what_it_leads_to(
    shipped: ShippedModel, copied: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(copied)
    made = setup(shipped.directory, tmp_path / "link", other_string(tmp_path))
    assert (tmp_path / "link").is_symlink()
    assert read_keys(copied).sha256 == made.sha256


def test_setup__folder_with_other_things_in_it__touches_nothing(shipped: ShippedModel, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(KeysFault, match=r"holds more than keys \(thesis\.tex\): name a folder"):
        setup(shipped.directory, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    with pytest.raises(KeysFault, match="is no folder"):
        setup(shipped.directory, tmp_path / "thesis.tex")


def test_setup__what_a_killed_run_left__is_removed_and_that_of_a_running_one_is_not(
    shipped: ShippedModel, copied: Path, keys: Keys
) -> None:
    (copied / CIRCUIT).unlink()
    dead, alive = (copied.with_name(f".{copied.name}.new-{pid}") for pid in (2**22 + 1, os.getppid()))
    for folder in (dead, alive):
        folder.mkdir()
    setup(shipped.directory, copied)
    assert not dead.exists()
    assert alive.exists()


def test_setup__environment_without_a_home__works_all_the_same(
    shipped: ShippedModel, keys: Keys, tmp_path: Path
) -> None:
    program, target = Path(sys.executable).with_name("risk-oracle"), tmp_path / "keys"
    ceremony = tmp_path / "own.toml"
    ceremony.write_text(f'name = "rehearsal"\n[sha256]\n{keys.logrows} = "{keys.sha256[SRS]}"\n')
    command = [str(program), "setup", "--keys", str(target), "--srs", str(keys.folder / SRS)]
    command += ["--ceremony", str(ceremony)]
    done = subprocess.run(command, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_keys(target).sha256 == keys.sha256
    assert f"trusted beside the shipped ceremony: rehearsal, as {ceremony} pins it" in done.stderr
    assert "rehearsal reference string" in done.stdout


def test_setup__production_without_the_host__is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("risk-oracle")
    command = [str(program), "setup", "--keys", str(tmp_path / "keys"), "--srs", "production"]
    environment = {"PATH": "/nowhere", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "could not be fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_setup__disk_that_takes_nothing__is_a_fault_in_words(
    shipped: ShippedModel, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (copied / CIRCUIT).unlink()
    before = contents(copied)
    monkeypatch.setattr(making, "_write_manifest", full)
    with pytest.raises(KeysFault, match=r"could not be written .* No space left on device"):
        setup(shipped.directory, copied)
    assert contents(copied) == before


def test_check_keys__file_that_the_daemons_user_may_not_read__says_so(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("oracle.proving.keys.sha256_of", forbidden)
    with pytest.raises(KeysFault, match=r"cannot be read \(Permission denied\): give the key folder .* daemon's user"):
        check_keys(copied)
