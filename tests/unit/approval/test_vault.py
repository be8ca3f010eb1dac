"""What a party keeps: the share that fits the keys that were accepted, locked, for one process at a time."""

from pathlib import Path

import pytest

from oracle.approval.errors import VaultFault
from oracle.approval.identity import Identity
from oracle.approval.vault import Vault, held

SESSION = "a" * 32
BANK, AGENCY = Identity(b"1" * 32), Identity(b"2" * 32)


def half(public: bytes) -> str:
    import hashlib

    return hashlib.sha256(public).hexdigest()


def test_share__when_keys_were_made_twice__then_that_of_the_accepted_ones_is_kept_and_no_other(tmp_path: Path) -> None:
    vault = Vault(tmp_path, SESSION, "bank", BANK)
    vault.keep_share(b"first share", b"first half")
    vault.keep_share(b"second share", b"second half")
    assert vault.share(half(b"first half")) == b"first share"
    assert [file.name for file in tmp_path.iterdir()] == [f"{SESSION}.share"]
    assert Vault(tmp_path, SESSION, "bank", BANK).share(half(b"first half")) == b"first share"
    with pytest.raises(VaultFault, match="does not open"):
        vault.share(half(b"second half"))


def test_share__when_it_is_not_there__then_both_that_were_made_stay(tmp_path: Path) -> None:
    vault = Vault(tmp_path, SESSION, "bank", BANK)
    vault.keep_share(b"a share", b"a half")
    with pytest.raises(VaultFault, match="made with another folder"):
        vault.share(half(b"another"))
    assert vault.share(half(b"a half")) == b"a share"


def test_share__when_another_key_file_is_used__then_it_does_not_open(tmp_path: Path) -> None:
    Vault(tmp_path, SESSION, "bank", BANK).keep_share(b"a share", b"a half")
    for other in (Vault(tmp_path, SESSION, "bank", AGENCY), Vault(tmp_path, SESSION, "agency", BANK)):
        with pytest.raises(VaultFault, match="another party's key file, or changed bytes"):
            other.share(half(b"a half"))


def test_form__when_kept__then_it_is_read_again_and_stands_nowhere_in_the_clear(tmp_path: Path) -> None:
    vault = Vault(tmp_path, SESSION, "bank", BANK)
    assert vault.form(3) is None
    vault.keep_form(12, {"account_months": 7})
    vault.keep_form(3, {"account_months": 31_415})
    assert vault.forms() == [3, 12]
    assert vault.form(3) == {"account_months": 31_415}
    assert all(b"31415" not in file.read_bytes() for file in tmp_path.iterdir())
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())
    vault.drop_form(3)
    vault.drop_form(3)
    assert vault.forms() == [12]


def test_joint_keys__when_kept__then_they_are_the_same_and_a_cut_file_gives_others(tmp_path: Path) -> None:
    vault = Vault(tmp_path, SESSION, "bank", BANK)
    assert vault.joint() is None
    kept = {"public": b"public", "multiplication": b"product", "rotations": b"turns"}
    vault.keep_joint(kept)
    assert vault.joint() == kept
    file = tmp_path / f"{SESSION}.joint"
    for size in (0, 5, len(file.read_bytes()) - 1):
        file.write_bytes(file.read_bytes()[:size])
        assert vault.joint() != kept


def test_blinds__when_drawn_twice__then_those_that_were_pledged_are_kept_locked_and_no_others(tmp_path: Path) -> None:
    vault = Vault(tmp_path, SESSION, "bank", BANK)
    pledges = ["c" * 64, "d" * 64]
    for first in (1, 9):
        for pledge in pledges:
            vault.keep_blinds(first, pledge, {"blinds": b"blinds", "masks": b"masks", "sums": pledge.encode()})
    assert all(pledge.encode() not in file.read_bytes() for file in tmp_path.iterdir() for pledge in pledges)
    assert vault.blinds(1, pledges[0])["sums"] == pledges[0].encode()
    with pytest.raises(VaultFault, match="name the folder that has them"):
        vault.blinds(1, pledges[1])
    vault.drop_blinds(1)
    with pytest.raises(VaultFault, match="are not there"):
        vault.blinds(1, pledges[0])
    assert vault.blinds(9, pledges[1]) == {"blinds": b"blinds", "masks": b"masks", "sums": pledges[1].encode()}
    # Another's file under this name does not open.
    Vault(tmp_path, SESSION, "agency", BANK).keep_blinds(9, pledges[0], dict.fromkeys(("blinds", "masks", "sums"), b""))
    with pytest.raises(VaultFault, match="does not open"):
        vault.blinds(9, pledges[0])


def test_share__when_the_server_shows_another_result_after_a_start__then_no_second_one_is_given(tmp_path: Path) -> None:
    for _ in range(2):
        vault = Vault(tmp_path, SESSION, "bank", BANK)
        for number in (1, 2, 11):
            vault.give_once(number, f"{number:064x}")
            with pytest.raises(VaultFault, match=f"another result of application {number} before"):
                vault.give_once(number, "f" * 64)
    assert len((tmp_path / f"{SESSION}.given").read_text().splitlines()) == 3


def test_folder__when_one_holds_it__then_another_is_refused_until_it_lets_go(tmp_path: Path) -> None:
    with (
        held(tmp_path / "bank"),
        pytest.raises(VaultFault, match="another process works with"),
        held(tmp_path / "bank"),
    ):
        pass
    with held(tmp_path / "bank"):
        assert (tmp_path / "bank").stat().st_mode & 0o077 == 0
