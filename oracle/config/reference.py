"""Every setting as a row: its key, variable, type, default and meaning; for the command line and the documentation."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from oracle.config.errors import section_of

_NAMES: Final = {
    str: "text",
    int: "integer",
    float: "number",
    Decimal: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting; `variable` sets it (for a key of a list's entries: the whole list, as JSON)."""

    key: str
    variable: str
    type: str
    required: bool
    default: str | None
    description: str


def rows(root: type[BaseModel], prefix: str) -> list[SettingRow]:
    """Return every setting of a root, in the order of its sections; `prefix` is that of the variables."""
    return list(_rows(root, prefix, ()))


def _rows(model: type[BaseModel], prefix: str, path: tuple[str, ...]) -> Iterator[SettingRow]:
    for name, field in model.model_fields.items():
        here = (*path, name)
        section = section_of(field.annotation)
        if section is None:
            required = field.is_required()
            key = ".".join(here[:2]) + "".join(f"[].{part}" for part in here[2:])
            variable = prefix + "__".join(here[:2]).upper()
            yield SettingRow(key, variable, _type(field), required, _default(field), field.description or "")
            continue
        if len(here) == 2:
            variable = prefix + "__".join(here).upper()
            yield SettingRow(".".join(here), variable, "list of tables", False, "none", field.description or "")
        yield from _rows(section, prefix, here)


def _type(field: FieldInfo) -> str:
    return " or ".join(dict.fromkeys(_named(field.annotation)))


def _named(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if annotation is NoneType:
        return
    if origin is Annotated:
        yield from _named(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for one in get_args(annotation):
            yield from _named(one)
    elif origin is Literal:
        yield from map(str, get_args(annotation))
    elif origin is tuple:
        yield "list of " + "".join(_named(get_args(annotation)[0]))
    else:
        yield _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    if value is None or value == ():
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
