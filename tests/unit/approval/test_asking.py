"""An applicant who types its form is asked before anything runs, and not again for what it left open."""

from pathlib import Path

import pytest

from oracle.approval.identity import Identity
from oracle.approval.model import load_model
from oracle.approval.session_file import ALL, Session
from oracle.approval.vault import Vault
from tests.support.commanding import Ended, command
from tests.support.lane import ANSWERS

TYPED = {"own_car": "yes", "own_property": "perhaps\nno", "mobile_phone": "y", "annual_income": "lots\n270000"}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    roster = {name: Identity.of_file(tmp_path / f"{name}.key").public for name in ALL}
    made = Session.begin(roster, load_model(), "http://127.0.0.1:9")
    (tmp_path / "session.json").write_text(made.written())
    return made


def apply(folder: Path, *more: str, typed: str = "") -> Ended:
    """Apply at the terminal, where there is no engine: whoever comes so far was asked for all that is asked."""
    words = [folder / "session.json", "--key", folder / "applicant.key", "--folder", folder / "applicant"]
    return command("approval", "apply", *words, "--answers", "ask", "--python", folder / "none", *more, answers=typed)


def test_form__when_typed__then_each_question_is_asked_until_it_fits(tmp_path: Path, session: Session) -> None:
    labels = {field.name: field.labels[0][0] for field in session.model.fields if field.labels}
    lines = [(labels | TYPED)[field.name] for field in session.model.fields if field.party == "applicant"]
    ended = apply(tmp_path, typed="\n".join([*lines, ""]))
    assert "none is not there" in ended.error
    assert "own_property is yes or no, not 'perhaps'" in ended.error
    assert "annual_income is a number, not 'lots'" in ended.error
    assert "(yes or no)" not in ended.output, "questions are no part of what is printed"


def test_form__when_one_was_left_open__then_it_is_not_asked_again(tmp_path: Path, session: Session) -> None:
    vault = Vault(tmp_path / "applicant", session.id, "applicant", Identity.read(tmp_path / "applicant.key"))
    vault.keep_form(1, ANSWERS["applicant"])
    ended = apply(tmp_path)
    assert "own_car" not in ended.error
    assert "none is not there" in ended.error
    anew = apply(tmp_path, "--anew")
    assert "own_car (yes or no)" in anew.error
    assert "none is not there" not in anew.error
    assert vault.form(1) == ANSWERS["applicant"]
