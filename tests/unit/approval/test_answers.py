"""Answers from a file that may change, or from whoever is asked: each fits its field before anything is made of it."""

import json
from pathlib import Path

import pytest

from oracle.approval.answers import AnswersFile, AskedAnswers
from oracle.approval.errors import InvalidAnswer
from oracle.approval.model import load_model


def test_file__when_one_answer_is_for_all__then_each_application_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "bank.json"
    file.write_text('{"account_months": 7}')
    assert AnswersFile(file).of(1) == AnswersFile(file).of(99) == {"account_months": 7}


def test_file__when_by_number__then_one_that_comes_later_is_found_and_its_state_is_another(tmp_path: Path) -> None:
    source = AnswersFile(tmp_path / "bank.json")
    assert source.state is None
    source.file.write_text('{"1": {"account_months": 7}}')
    before = source.state
    with pytest.raises(InvalidAnswer, match="has no answers for application 2"):
        source.of(2)
    source.file.write_text('{"1": {"account_months": 7}, "2": {"account_months": null}}')
    assert source.of(2) == {"account_months": None}
    assert source.state != before


@pytest.mark.parametrize("text", ["", "[]", "7", '{"1": 7}', '{"account_months": [7]}', '{"account_months": {"a": 1}}'])
def test_file__when_it_is_none__then_it_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "bank.json").write_text(text)
    with pytest.raises(InvalidAnswer, match=r"bank\.json"):
        AnswersFile(tmp_path / "bank.json").of(1)


def test_asked__when_an_answer_does_not_fit__then_it_is_asked_again() -> None:
    typed = iter(["perhaps", "yes", "many", "900"])
    told: list[str] = []
    source = AskedAnswers(load_model(), "agency", lambda _: next(typed), told.append)
    assert source.of(4) == {"employed": True, "years_employed": 900.0}
    assert told[0] == "application 4"
    assert any("yes or no" in line for line in told)
    assert any("is a number" in line for line in told)
    assert any("outside the table" in line for line in told)


def test_asked__when_nobody_employs_the_applicant__then_no_years_are_asked() -> None:
    source = AskedAnswers(load_model(), "agency", lambda _: "no", lambda _: None)
    assert source.of(1) == {"employed": False}


def test_asked__when_every_question_is_shown__then_it_names_what_fits() -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        label = question.partition("(")[2].split(",")[0].rstrip(")")
        return "yes" if "yes or no" in question else "50000" if "annual_income" in question else label

    model = load_model()
    answers = AskedAnswers(model, "applicant", ask, lambda _: None).of(1)
    assert len(asked) == len([field for field in model.fields if field.party == "applicant"])
    assert model.levels_of(json.loads(json.dumps(dict(answers))), "applicant")[1] == []
