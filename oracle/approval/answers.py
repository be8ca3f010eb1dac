"""Where a party's answers come from: a file that its owner may change at any time, or whoever sits at the terminal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oracle.approval.errors import InvalidAnswer
from oracle.approval.fields import Answer, Field
from oracle.approval.model import CardModel


@dataclass(frozen=True)
class AnswersFile:
    """A JSON file: an object of answers by field for every application, or such objects by application number."""

    file: Path

    def of(self, number: int) -> dict[str, Answer]:
        """Return the answers for an application, as the file stands now; raises InvalidAnswer."""
        try:
            known = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidAnswer(f"{self.file} is no file of answers: {error}") from error
        if isinstance(known, dict) and known and all(name.isdecimal() for name in known):
            if str(number) not in known:
                raise InvalidAnswer(f'{self.file} has no answers for application {number}: add "{number}": {{…}}')
            known = known[str(number)]
        if not isinstance(known, dict) or not all(_is_answer(answer) for answer in known.values()):
            raise InvalidAnswer(f"{self.file}: answers are a JSON object, a value for each field")
        return known

    @property
    def state(self) -> tuple[int, int] | None:
        """What changes when the file does."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


@dataclass(frozen=True)
class AskedAnswers:
    """Answers that somebody gives: `ask` shows a question and returns what was typed, `tell` shows what is wrong."""

    model: CardModel
    party: str
    ask: Callable[[str], str]
    tell: Callable[[str], None]

    def of(self, number: int) -> Mapping[str, Answer]:
        """Return the answers for an application; each question is asked until its answer fits."""
        self.tell(f"application {number}")
        return self.form()

    def form(self) -> dict[str, Answer]:
        """Return the answers to a form; each question is asked until its answer fits."""
        found: dict[str, Answer] = {}
        for field in self.model.fields:
            if field.party != self.party or (field.name == "years_employed" and found.get("employed") is False):
                continue
            while field.name not in found:
                try:
                    answer = _typed(field, self.ask(_question(field)).strip())
                    _, note = field.level_of(answer)
                except InvalidAnswer as error:
                    self.tell(str(error))
                    continue
                if note is not None:
                    self.tell(note)
                found[field.name] = answer
        return found

    @property
    def state(self) -> None:
        """Nothing changes by itself."""
        return


Answers = AnswersFile | AskedAnswers


def _question(field: Field) -> str:
    if field.labels:
        return f"{field.name} ({', '.join(label for label, _ in field.labels)})"
    if not field.edges:
        return f"{field.name} (yes or no)"
    unknown = "" if field.unknown is None else ", or nothing where it is not known"
    return f"{field.name} ({field.least:g} to {field.most:g}{unknown})"


def _typed(field: Field, text: str) -> Answer:
    if not text:
        return None
    if field.labels:
        return text
    if not field.edges:
        known = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
        if text.lower() not in known:
            raise InvalidAnswer(f"{field.name} is yes or no, not {text!r}")
        return known[text.lower()]
    try:
        return float(text)
    except ValueError:
        raise InvalidAnswer(f"{field.name} is a number, not {text!r}") from None


def _is_answer(answer: Any) -> bool:
    return answer is None or isinstance(answer, bool | int | float | str)
