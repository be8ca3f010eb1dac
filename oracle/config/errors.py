"""Faults of settings in words: which key, what is wrong with it, what was probably meant."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Return one line a fault; no line holds the value of a secret."""
    return [
        line
        for fault in error.errors()
        for line in _lines(fault["type"], tuple(map(str, fault["loc"])), fault["msg"], root)
    ]


def _lines(kind: str, location: tuple[str, ...], message: str, root: type[BaseModel]) -> Iterator[str]:
    key = ".".join(location)
    if kind == "missing":
        yield from (f"{one}: is required and not set{_described(one, root)}" for one in _required(key, root))
    elif kind == "extra_forbidden":
        yield f"{key}: is not a setting{_nearest(key, _siblings(location, root))}"
    else:
        # What concerns several sections has no key.
        yield f"{key}: ".removeprefix(": ") + message.removeprefix("Value error, ") + _described(key, root)


def _required(key: str, root: type[BaseModel]) -> list[str]:
    """Return what a missing key asks for: itself, or everything that the missing section needs."""
    section = None if "." in key else section_of(root.model_fields[key].annotation)
    fields = {} if section is None else section.model_fields
    return [f"{key}.{name}" for name, field in fields.items() if field.is_required()] or [key]


def _siblings(location: tuple[str, ...], root: type[BaseModel]) -> list[str]:
    """Return what can stand where an unknown key stands, and every full key in case it was put elsewhere."""
    parent = "".join(f"{part}." for part in location[:-1])
    depth, path = len(_without_indices(location)), _without_indices(location[:-1])
    keys = [key.split(".") for key, _ in known_keys(root)]
    beside = {parent + parts[depth - 1] for parts in keys if parts[: depth - 1] == path and len(parts) >= depth}
    return [*sorted(beside), *(".".join(parts) for parts in keys)]


def _without_indices(location: tuple[str, ...]) -> list[str]:
    return [part for part in location if not part.isdigit()]


def unknown_environment(name: str, root: type[BaseModel], prefix: str) -> str:
    """Return the line for an environment variable that no setting has."""
    # Without the prefix: it would make everything look alike.
    written = name.removeprefix(prefix)
    ending = "_FILE" if written.endswith("_FILE") else ""
    names = {key.replace(".", "__").upper(): key for key, _ in known_keys(root)}
    # Many leave the section out.
    alone = {full.rpartition("__")[2]: full for full in reversed(names)}
    for candidates in (dict.fromkeys(names), alone):
        if near := difflib.get_close_matches(written.removesuffix(ending), candidates, n=1):
            return f"{name}: is not a setting; did you mean {prefix}{candidates[near[0]] or near[0]}{ending}?"
    return f"{name}: is not a setting; remove it"


def known_keys(root: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every settable key, dotted, with its description."""
    for name, field in root.model_fields.items():
        key = f"{path}{name}"
        section = section_of(field.annotation)
        if section is None:
            yield key, field.description or ""
        else:
            yield from known_keys(section, f"{key}.")


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the table that a setting's type stands for, also an optional one; None for a plain value."""
    candidates = (annotation, *get_args(annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _described(key: str, root: type[BaseModel]) -> str:
    description = dict(known_keys(root)).get(".".join(_without_indices(tuple(key.split(".")))), "")
    return f" ({description})" if description else ""


def _nearest(key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return f"; did you mean {near[0]}?" if near else "; remove it"
