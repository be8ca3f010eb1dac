"""The fifteen fields of an application: who is asked for each, and into which levels its answers fall.

Labels and ranges are those of the public card table. Labels that the table holds fewer than ten times share a level.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from oracle.approval.errors import InvalidAnswer

APPLICANT: Final = "applicant"
BANK: Final = "bank"
AGENCY: Final = "agency"
PARTIES: Final = (APPLICANT, BANK, AGENCY)
"""The parties that hold data and a share of the key, in the order in which the key is made."""

Answer = bool | int | float | str | None


@dataclass(frozen=True)
class Field:
    """One question. `levels` are its answers' names; the `base` level weighs nothing, by definition.

    A number's level is found by `edges`, the lower ends of all levels but the first; `least` and `most` are the
    table's. A label's level is found in `labels`. `unknown` is the level of an answer that is not known.
    """

    name: str
    party: str
    levels: tuple[str, ...]
    base: int
    edges: tuple[float, ...] = ()
    least: float = 0
    most: float = 1
    labels: tuple[tuple[str, int], ...] = ()
    unknown: int | None = None

    def level_of(self, answer: Answer) -> tuple[int, str | None]:
        """Return an answer's level, and what was changed to find it, if anything; raises InvalidAnswer."""
        if answer is None:
            if self.unknown is None:
                raise InvalidAnswer(f"{self.name} needs an answer")
            return self.unknown, None
        if self.labels:
            return self._label(answer)
        if not self.edges:
            if not isinstance(answer, bool):
                raise InvalidAnswer(f"{self.name} is yes or no, not {answer!r}")
            return int(answer), None
        # Only a number that is none differs from itself.
        if isinstance(answer, bool) or not isinstance(answer, int | float) or answer != answer:
            raise InvalidAnswer(f"{self.name} is a number, not {answer!r}")
        value = min(max(answer, self.least), self.most)
        told = None if value == answer else f"{self.name}: {answer:g} is outside the table, taken as {value:g}"
        return bisect_right(self.edges, value), told

    def _label(self, answer: Answer) -> tuple[int, str | None]:
        known = dict(self.labels)
        if not isinstance(answer, str):
            raise InvalidAnswer(f"{self.name} is one of {', '.join(known)}, not {answer!r}")
        if answer in known:
            return known[answer], None
        level = self.base if self.unknown is None else self.unknown
        return level, f"{self.name}: {answer!r} is not in the table, taken as {self.levels[level]}"


def _yes_no(name: str, party: str, base: int) -> Field:
    return Field(name, party, ("no", "yes"), base)


def _number(
    name: str, party: str, edges: tuple[float, ...], base: int, ends: tuple[float, float], unknown: int | None = None
) -> Field:
    names = [f"0-{edges[0]:g}", *(f"{low:g}-{high:g}" for low, high in pairwise(edges))]
    levels = (*names, f"{edges[-1]:g}+", *(() if unknown is None else ("unknown",)))
    return Field(name, party, levels, base, edges, *ends, unknown=unknown)


def _choice(name: str, groups: tuple[tuple[str, ...], ...], unknown: str | None = None) -> Field:
    levels = tuple(group[0] if len(group) == 1 else " / ".join(group) for group in groups)
    labels = tuple((label, level) for level, group in enumerate(groups) for label in group)
    if unknown is None:
        return Field(name, APPLICANT, levels, 0, labels=labels)
    return Field(name, APPLICANT, (*levels, unknown), 0, labels=labels, unknown=len(levels))


FIELDS: Final = (
    _yes_no("own_car", APPLICANT, 0),
    _yes_no("own_property", APPLICANT, 0),
    _yes_no("mobile_phone", APPLICANT, 1),
    _number("num_children", APPLICANT, (1, 2), 0, (0, 14)),
    _number("household_size", APPLICANT, (2, 3, 4), 1, (1, 15)),
    _number("annual_income", APPLICANT, (90_000, 120_000, 150_000, 180_000, 225_000), 2, (37_800, 1_575_000)),
    _number("age_years", APPLICANT, (27, 33, 40, 47, 55), 2, (21, 68)),
    _choice("income_type", (("Working",), ("Commercial associate",), ("Pensioner",), ("State servant",))),
    _choice(
        "education_type",
        (
            ("Secondary / secondary special",),
            ("Higher education", "Academic degree"),
            ("Incomplete higher",),
            ("Lower secondary",),
        ),
    ),
    _choice(
        "family_status",
        (("Married",), ("Single / not married",), ("Civil marriage",), ("Separated",), ("Widow",)),
    ),
    _choice(
        "occupation_type",
        (
            ("Laborers",),
            ("Core staff",),
            ("Sales staff",),
            ("Managers",),
            ("Drivers",),
            ("High skill tech staff",),
            ("Medicine staff",),
            ("Accountants",),
            ("Security staff",),
            ("Cleaning staff",),
            ("Cooking staff",),
            ("Private service staff",),
            ("Low-skill Laborers", "Secretaries", "Waiters/barmen staff", "HR staff", "Realty agents"),
        ),
        unknown="unknown",
    ),
    _choice(
        "housing_type",
        (
            ("House / apartment",),
            ("With parents",),
            ("Municipal apartment",),
            ("Rented apartment",),
            ("Office apartment", "Co-op apartment"),
        ),
    ),
    _number("account_months", BANK, (6, 12, 18, 24, 36, 48), 4, (0, 60), unknown=7),
    _yes_no("employed", AGENCY, 1),
    # The levels of the original application.
    _number("years_employed", AGENCY, (2, 5, 8, 11, 18), 1, (0.2, 40.76)),
)

BY_NAME: Final = {field.name: field for field in FIELDS}
PROTECTED: Final = ("age_years", "family_status", "num_children", "household_size")
"""What the `fair` model is not told."""
