"""The three forms: how each field is asked for, and which answer a browser's words are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from oracle.approval.errors import InvalidAnswer
from oracle.approval.fields import BY_NAME, PARTIES, PROTECTED, Answer, Field
from oracle.approval.model import CardModel

_TITLES: Final = {
    "own_car": ("Owns a car", ""),
    "own_property": ("Owns property", ""),
    "mobile_phone": ("Has a mobile phone", ""),
    "num_children": ("Children", ""),
    "household_size": ("People in the household", ""),
    "annual_income": ("Income", "a year"),
    "age_years": ("Age", "years"),
    "income_type": ("Kind of income", ""),
    "education_type": ("Education", ""),
    "family_status": ("Family status", ""),
    "occupation_type": ("Occupation", ""),
    "housing_type": ("Housing", ""),
    "account_months": ("Age of the account", "months"),
    "employed": ("Is employed", ""),
    "years_employed": ("Years of employment", "years"),
}
UNKNOWN: Final = "unknown:"
"""What precedes a field's name in the name of the box that says that its answer is not known."""


@dataclass(frozen=True)
class Question:
    """A field as a form asks for it; `value` is what stands there at first."""

    field: Field
    value: Answer

    @property
    def sort(self) -> str:
        """`choice`, `yes` or `number`."""
        return "choice" if self.field.labels else "number" if self.field.edges else "yes"

    @property
    def known(self) -> bool:
        """Whether a choice's first answer is one of the table's labels."""
        return self.value in dict(self.field.labels)

    @property
    def title(self) -> str:
        """What is asked."""
        return title_of(self.field.name)

    @property
    def unit(self) -> str:
        """A number's unit, if it has one."""
        return _TITLES[self.field.name][1]

    @property
    def hint(self) -> str:
        """A number's range in the table, and its levels."""
        levels = ", ".join(told_level(level) for level in self.field.levels if level != "unknown")
        return f"{_written(self.field.least)} to {_written(self.field.most)} in the table, in the levels {levels}"

    @property
    def first(self) -> str:
        """A number as it stands in its box at first."""
        return _written(self.value, "") if isinstance(self.value, int | float) else ""


def _written(value: float, thousands: str = ",") -> str:
    text = f"{value:{thousands}.2f}"
    return text.rstrip("0").rstrip(".")


def title_of(name: str) -> str:
    """Return a field's title."""
    return _TITLES[name][0]


def told_level(level: str) -> str:
    """Return a level's name as a reader expects it: 90,000 to 120,000, or 18 and more."""
    low, dash, high = level.partition("-")
    if dash and low.isdigit() and high.isdigit():
        return f"{int(low):,} to {int(high):,}"
    return f"{int(level[:-1]):,} and more" if level.endswith("+") and level[:-1].isdigit() else level


def questions(model: CardModel, values: Mapping[str, Mapping[str, Answer]]) -> dict[str, list[Question]]:
    """Return each party's form."""
    return {
        party: [
            Question(field, values.get(party, {}).get(field.name)) for field in model.fields if field.party == party
        ]
        for party in PARTIES
    }


def left_out(model: CardModel) -> list[str]:
    """Return the titles of the fields that a model is not told."""
    return [title_of(name) for name in BY_NAME if name not in model.weights]


def protected_in(model: CardModel) -> list[str]:
    """Return the titles of the fields that it is told although they are protected."""
    return [title_of(name) for name in PROTECTED if name in model.weights]


def answers_of(model: CardModel, party: str, form: Mapping[str, str]) -> dict[str, Answer]:
    """Return a party's answers from the fields of its form; raises InvalidAnswer where one is missing or no number."""
    found: dict[str, Answer] = {}
    for field in model.fields:
        if field.party == party:
            found[field.name] = _answer(field, form)
    return found


def _answer(field: Field, form: Mapping[str, str]) -> Answer:
    text = form.get(field.name, "").strip()
    if not field.edges and not field.labels:
        return text == "yes"
    if field.unknown is not None and (form.get(UNKNOWN + field.name) == "yes" or (field.labels and not text)):
        return None
    if field.labels and text:
        return text
    # Who is not employed is asked for no years of it.
    if field.name == "years_employed" and form.get("employed") != "yes":
        return None
    if not text:
        raise InvalidAnswer(f"{title_of(field.name)}: the answer is missing")
    try:
        return float(text)
    except ValueError:
        raise InvalidAnswer(f"{title_of(field.name)}: {text[:40]!r} is no number: write it as 130000 or 2.5") from None
