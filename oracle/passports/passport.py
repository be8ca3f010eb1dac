"""A passport: what a borrower states of themselves, exact, within its ranges, and never shown by accident."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, Self

from jsonschema import Draft202012Validator, ValidationError, validators
from pydantic_core import from_json

from oracle.passports.encoding import encode_passport
from oracle.passports.errors import InvalidPassport, WrongSchema
from oracle.passports.schema import GROUPS, SCHEMA, SCHEMA_ID, Field

Values = Mapping[str, Decimal | None]

_SHOWN_NAME = 40
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Passport:
    """Both groups' values by field, in the fields' units; None is unknown, of a field or of a group.

    Raises InvalidPassport with a line for each field that is missing, unknown or outside its range. Its text form holds
    no value.
    """

    home: Values | None = field(repr=False)
    card: Values | None = field(repr=False)

    def __post_init__(self) -> None:
        groups = {name: _exact(self.values(name)) for name in GROUPS}
        if problems := list(_problems({"schema": SCHEMA_ID, **groups})):
            raise InvalidPassport("\n".join(problems[:_MOST_PROBLEMS]))
        for name, values in groups.items():
            object.__setattr__(self, name, values)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Return the passport of a JSON text; raises WrongSchema and InvalidPassport."""
        return cls.of(parse_json(content, "a passport"))

    @classmethod
    def of(cls, content: Any) -> Self:
        """Return the passport of JSON's plain values; raises WrongSchema and InvalidPassport."""
        if not isinstance(content, dict):
            raise InvalidPassport("a passport is a JSON object with schema, home and card")
        check_schema_name(content, "passport")
        if unknown := sorted(content.keys() - {"schema", "home", "card"}):
            raise InvalidPassport(f"{_shown(unknown[0])} is no part of a passport: it has schema, home and card")
        if missing := sorted({"home", "card"} - content.keys()):
            raise InvalidPassport(f"{missing[0]} is missing: give its fields, or null for a group that is unknown")
        return cls(content["home"], content["card"])

    def values(self, group: str) -> Values | None:
        """Return one group's values."""
        values: Values | None = getattr(self, group)
        return values

    def encoded(self) -> tuple[int, ...]:
        """Return the 24 encoded integers, as training encodes the same values."""
        return encode_passport((group, self.values(name)) for name, group in GROUPS.items())

    def as_json(self) -> dict[str, Any]:
        """Return the passport as JSON's plain values."""
        groups: dict[str, Any] = {}
        for name in GROUPS:
            values = self.values(name)
            groups[name] = None if values is None else {key: _plain(value) for key, value in values.items()}
        return {"schema": SCHEMA_ID, **groups}


def parse_json(content: bytes, what: str) -> Any:
    """Return a JSON text's values with exact numbers; raises InvalidPassport for none, or one that repeats a name."""
    try:
        # Bounded in depth and digits: what passes is safe for the parser below.
        from_json(content)
        return json.loads(content, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except ValueError as error:
        raise InvalidPassport(f"{what} must be JSON: {error}") from None


def check_schema_name(content: Mapping[str, Any], what: str) -> None:
    """Raise WrongSchema unless the content names the schema that this release reads."""
    found = content.get("schema")
    if found != SCHEMA_ID:
        said = f"follows {_shown(found)}" if isinstance(found, str) else "names no schema"
        raise WrongSchema(f"the {what} {said}; this release reads {SCHEMA_ID}: make it with `risk-oracle passport new`")


@cache
def _validator() -> Any:
    # Decimals are whole by their value, as the schema means it, not by their type.
    exact = Draft202012Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "integer": _is_whole})
    return validators.extend(Draft202012Validator, type_checker=exact)(SCHEMA)


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite()


def _is_whole(_: object, value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()


def _problems(content: Mapping[str, Any]) -> Iterator[str]:
    # The library's own words hold the value: only where and which rule is taken of it.
    found: list[ValidationError] = list(_validator().iter_errors(content))
    for error in sorted(found, key=lambda error: (list(map(str, error.absolute_path)), str(error.validator))):
        path = [str(part) for part in error.absolute_path]
        yield from _told(path, error)
    if found:
        return
    for group in GROUPS.values():
        for one in group.fields:
            value = (content[group.name] or {}).get(one.name)
            if value is not None and Decimal(repr(float(value))) != value:
                yield f"{one.path} has more digits than a number carries (about 15): round it; {one.expected}"


def _told(path: list[str], error: ValidationError) -> Iterator[str]:
    if not path:
        yield "the passport states nothing: give home, card or both (a request without private data needs no passport)"
        return
    group = GROUPS[path[0]]
    fields = {one.name: one for one in group.fields}
    if len(path) == 2:
        yield _wrong(fields[path[1]], error)
    elif error.validator == "required":
        given: Mapping[str, Any] = error.instance
        # One error comes for each name: tell the one that this error is about.
        name = next(name for name in fields if name not in given and f"'{name}'" in error.message)
        yield f"{group.name}.{name} is missing: give {fields[name].expected}"
    elif error.validator == "additionalProperties":
        given = error.instance
        for name in sorted(map(str, given.keys() - fields.keys())):
            yield f"{group.name}.{_shown(name)} is no field of {SCHEMA_ID}: expected {', '.join(fields)}"
    else:
        yield f"{group.name} must be an object with its fields, or null for a group that is unknown"


def _wrong(one: Field, error: ValidationError) -> str:
    kind = {"type": "is not of its kind"}.get(str(error.validator), "is outside its range")
    return f"{one.path} {kind}: expected {one.expected}"


def _exact(values: Any) -> Any:
    """Return a group's numbers as decimals; what is none stays as it is, for the schema to refuse."""
    if not isinstance(values, Mapping):
        return values
    return {name: Decimal(repr(value)) if type(value) in (int, float) else value for name, value in values.items()}


def _plain(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _shown(text: Any) -> str:
    shown = str(text)
    return repr(shown if len(shown) <= _SHOWN_NAME else f"{shown[:_SHOWN_NAME]}…")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # One reader takes the first, another the last: nobody could say what was committed to.
        raise ValueError("a name is given twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")
