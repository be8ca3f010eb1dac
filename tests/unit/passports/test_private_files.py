"""A borrower's files: for their owner alone, never over another, and an edited one is told from a whole one."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from oracle.assessment.request import FIELD_MODULUS
from oracle.passports.errors import AnotherCommitment, InvalidOpening, InvalidPassport, PassportError, PrivateFileFault
from oracle.passports.opening import commit
from oracle.passports.passport import Passport
from oracle.passports.private_files import LARGEST_BYTES, OpeningFile, others_may_read, read_private, write_private
from tests.support.passports import HOME, SALT, content_of


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    passport = Passport.of(content_of())
    return OpeningFile(passport, commit(passport, SALT)).as_json()


def test_write__new_file__is_its_owners_alone_and_read_again(tmp_path: Path, content: dict[str, Any]) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "opening.json", content)
    finally:
        os.umask(before)
    assert (tmp_path / "opening.json").stat().st_mode & 0o777 == 0o600
    assert not others_may_read(tmp_path / "opening.json")
    found = OpeningFile.parse(read_private(tmp_path / "opening.json"))
    assert found.as_json() == content
    assert os.listdir(tmp_path) == ["opening.json"]


def test_write__file_is_there__stays_as_it_is_unless_replaced(tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "opening.json"
    path.write_text("mine")
    with pytest.raises(PrivateFileFault, match=r"exists: .*--force"):
        write_private(path, content)
    assert path.read_text() == "mine"
    assert os.listdir(tmp_path) == ["opening.json"]
    write_private(path, content, replace=True)
    assert json.loads(path.read_text()) == content
    assert not others_may_read(path)


def test_write__no_such_folder__is_told(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(PrivateFileFault, match="cannot be written: No such file"):
        write_private(tmp_path / "nowhere" / "opening.json", content)


def test_read__missing_or_huge__is_told(tmp_path: Path) -> None:
    with pytest.raises(PrivateFileFault, match="cannot be read: No such file"):
        read_private(tmp_path / "none")
    (tmp_path / "huge").write_bytes(b" " * (LARGEST_BYTES + 1))
    with pytest.raises(PrivateFileFault, match="larger than"):
        read_private(tmp_path / "huge")


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"passport": content_of(HOME | {"employment_years": 39}, None)}, AnotherCommitment, "the file was edited"),
        ({"salt": "0x" + "11" * 20}, AnotherCommitment, "the file was edited"),
        ({"salt": 5}, InvalidPassport, "hex texts"),
        ({"salt": "0x1234"}, PassportError, "40 hex digits"),
        ({"commitment": "0x" + "f" * 64}, InvalidOpening, "below the field's order"),
        ({"commitment": f"0x{FIELD_MODULUS - 1:064x}"}, AnotherCommitment, "the file was edited"),
        ({"schema": "urn:risk-oracle:passport:9"}, PassportError, "this release reads"),
        ({"note": 1}, InvalidPassport, "an opening holds"),
    ],
)
def test_opening__edited__is_refused(
    changed: dict[str, Any], error: type[PassportError], said: str, content: dict[str, Any]
) -> None:
    with pytest.raises(error, match=re.escape(said)):
        OpeningFile.parse(json.dumps(content | changed).encode())
