"""`risk-oracle passport new | show | commit | verify`: nothing is overwritten, nothing secret is printed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.request import FIELD_MODULUS
from oracle.passports.opening import Opening
from oracle.passports.private_files import read_opening
from oracle.passports.schema import SCHEMA_HASH
from oracle.passports.uses import Uses
from tests.support.commanding import command
from tests.support.passports import CARD, HOME, content_of


@pytest.fixture(autouse=True)
def _own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def passport(tmp_path: Path) -> Path:
    path = tmp_path / "passport.json"
    made = command("passport", "new", path, "--from", "-", answers=json.dumps(content_of()))
    assert made.code == 0, made.error
    return path


@pytest.fixture
def opening(passport: Path) -> Path:
    path = passport.with_name("opening.json")
    assert command("passport", "commit", passport, path).code == 0
    return path


def test_new__asked_field_by_field__says_unit_and_range_and_asks_again(tmp_path: Path) -> None:
    answers = ["n", "y", "9", "soon", "1", "", "2.5", "2", "1", "0", "0.27", "1.5", "8765"]
    made = command("passport", "new", tmp_path / "p.json", "--json", answers="\n".join(answers) + "\n")
    # The runner echoes what is typed.
    assert json.loads(made.output[made.output.index("{") :]) == {"file": str(tmp_path / "p.json"), "groups": ["card"]}
    assert "months, 0 to 8" in made.error
    assert made.error.count("expected a whole number within 0..8 (months)") == 2
    found = json.loads((tmp_path / "p.json").read_text())
    assert found["home"] is None
    assert list(found["card"].values()) == [1, None, 2, 1, 0, 0.27, 1.5, 8765]
    assert (tmp_path / "p.json").stat().st_mode & 0o777 == 0o600


def test_new__questions_broken_off__writes_nothing(tmp_path: Path) -> None:
    assert command("passport", "new", tmp_path / "p.json", answers="y\n7\n").code == 1
    assert list(tmp_path.glob("*.json")) == []


def test_new__file_is_there__is_kept_before_anything_is_asked(passport: Path) -> None:
    before = passport.read_bytes()
    refused = command("passport", "new", passport, answers="")
    assert refused.code == 2
    assert "--force" in refused.error
    assert passport.read_bytes() == before
    replaced = command(
        "passport", "new", passport, "--force", "--from", "-", answers=json.dumps(content_of(HOME, None))
    )
    assert replaced.code == 0
    assert json.loads(passport.read_text())["card"] is None


def test_new__from_json_out_of_range__names_each_field_and_writes_nothing(tmp_path: Path) -> None:
    wrong = content_of(HOME | {"debt_to_income": 31.25}, CARD | {"card_limit": -77777})
    refused = command("passport", "new", tmp_path / "p.json", "--from", "-", answers=json.dumps(wrong))
    assert refused.code == 2
    assert "home.debt_to_income is outside its range: expected a number within 0..1 (ratio)" in refused.error
    assert "card.card_limit is outside its range: expected a number within 0..100000 (USD)" in refused.error
    assert not re.search(r"31\.25|77777", refused.error)
    assert list(tmp_path.glob("*.json")) == []


def test_show__opening__has_units_and_encoding_and_never_the_salt(opening: Path) -> None:
    held = read_opening(opening)
    shown = command("passport", "show", opening)
    told = command("passport", "show", opening, "--json").json
    salt = json.loads(opening.read_text())["salt"][2:]
    for text in (shown.output, shown.error, json.dumps(told)):
        assert salt not in text
        assert not any(str(part) in text or f"{part:08x}" in text for part in held.opening.salt)
    assert re.search(r"employment_years +7.5 years +192 +read as 7.5 years \(linear\)", shown.output)
    assert told["schema_hash"] == f"0x{SCHEMA_HASH.hex()}"
    codes = {name: field["encoded"] for group in told["groups"].values() for name, field in group.items()} | told[
        "flags"
    ]
    assert [codes[feature.name] for feature in PRIVATE_FEATURES] == list(held.opening.encoded)
    assert told["commitment"] in shown.output


def test_show__unknown_field_and_group__say_what_the_model_reads(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    command(
        "passport", "new", path, "--from", "-", answers=json.dumps(content_of(HOME | {"property_value": None}, None))
    )
    shown = command("passport", "show", path).output
    assert re.search(r"property_value +unknown +0 +not stated, and the model is told so", shown)
    assert "Card holder: unknown, all of it 0" in shown


def test_show__file_that_others_may_read__is_warned_of(passport: Path) -> None:
    assert "warning" not in command("passport", "show", passport).error
    passport.chmod(0o644)
    assert f"chmod 600 {passport}" in command("passport", "show", passport).error


def test_commit__twice__draws_another_salt_and_says_only_the_commitment(passport: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    told = [command("passport", "commit", passport, file, "--json") for file in files]
    openings = [read_opening(file).opening for file in files]
    assert openings[0].encoded == openings[1].encoded
    assert openings[0].salt != openings[1].salt
    for one, opening, file in zip(told, openings, files, strict=True):
        assert int(one.json["commitment"], 16) == int(one.json["commitment_decimal"]) == opening.commitment
        assert not any(str(part) in one.output for part in opening.salt)
        assert file.stat().st_mode & 0o777 == 0o600


def test_commit__to_an_opening__makes_a_fresh_one_of_its_passport(opening: Path, tmp_path: Path) -> None:
    assert command("passport", "commit", opening, tmp_path / "next.json").code == 0
    first, then = read_opening(opening), read_opening(tmp_path / "next.json")
    assert first.passport == then.passport
    assert first.opening.commitment != then.opening.commitment


def test_commit__opening_is_there__is_never_lost(passport: Path, opening: Path) -> None:
    before = opening.read_bytes()
    assert command("passport", "commit", passport, opening).code == 2
    assert opening.read_bytes() == before


@pytest.mark.parametrize("write", [lambda one: f"0x{one.commitment:064x}", lambda one: str(one.commitment)])
def test_verify__its_own_commitment__holds(write: Any, opening: Path) -> None:
    held = read_opening(opening).opening
    told = command("passport", "verify", opening, "--commitment", write(held), "--json").json
    assert told["holds"] is True
    assert [claim["name"] for claim in told["claims"]] == ["file", "mode", "opening", "fresh", "commitment"]


def test_verify__what_does_not_hold__is_named_and_ends_with_1(opening: Path, passport: Path) -> None:
    other = command("passport", "verify", opening, "--commitment", "0x" + "0" * 63 + "1")
    assert other.code == 1
    assert re.search(r"FAILS +commitment", other.output)
    bare = command("passport", "verify", passport, "--commitment", "1")
    assert (bare.code, "opens nothing" in bare.output) == (1, True)
    opening.chmod(0o640)
    assert re.search(r"FAILS +mode", command("passport", "verify", opening).output)
    edited = json.loads(opening.read_text())
    edited["passport"]["home"]["employment_years"] = 39
    opening.write_text(json.dumps(edited))
    assert re.search(r"FAILS +file .*the file was edited", command("passport", "verify", opening).output)


def test_verify__commitment_that_is_none__is_refused(opening: Path) -> None:
    for text in (str(FIELD_MODULUS), f"0x{FIELD_MODULUS:064x}"):
        refused = command("passport", "verify", opening, "--commitment", text)
        assert (refused.code, "below the field's order" in refused.error) == (2, True)
    assert "64 hex digits" in command("passport", "verify", opening, "--commitment", "0x12").error


def test_uses__second_request__is_told_and_kept_for_the_owner_alone(tmp_path: Path, opening: Path) -> None:
    held, uses = read_opening(opening).opening, Uses(tmp_path / "uses")
    assert uses.add(held, "https://a 1") == []
    assert uses.add(held, "https://a 1") == []
    assert uses.add(held, "https://a 2") == ["https://a 1"]
    assert uses.of(held) == ["https://a 1", "https://a 2"]
    assert uses.of(Opening(held.encoded, held.salt, 5)) == []
    [file] = (tmp_path / "uses").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(str(part) in file.read_text() for part in held.salt)


def test_verify__opening_used_twice__is_not_fresh(opening: Path) -> None:
    held = read_opening(opening).opening
    Uses().add(held, "https://a 1")
    assert command("passport", "verify", opening).code == 0
    Uses().add(held, "https://a 2")
    told = command("passport", "verify", opening)
    assert told.code == 1
    assert re.search(r"FAILS +fresh .*2 requests, which are linkable: https://a 1, https://a 2", told.output)
