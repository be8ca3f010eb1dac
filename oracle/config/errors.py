"""Faults of settings in words: which key, what is wrong with it, what was probably meant."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Return one line a fault; no line holds the value of a secret."""
    return [_line(fault["type"], tuple(map(str, fault["loc"])), fault["msg"], root) for fault in error.errors()]


def _line(kind: str, location: tuple[str, ...], message: str, root: type[BaseModel]) -> str:
    key = ".".join(location)
    if kind == "missing":
        return f"{key}: is required and not set{_described(key, root)}"
    if kind == "extra_forbidden":
        return f"{key}: is not a setting{_nearest(key, _siblings(location, root))}"
    return f"{key}: {message.removeprefix('Value error, ')}{_described(key, root)}"


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
    names = [key.replace(".", "__").upper() for key, _ in known_keys(root)]
    # Without the prefix: it would make everything look alike.
    return f"{name}: is not a setting{_nearest(name.removeprefix(prefix), names, prefix)}"


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


def _nearest(key: str, names: list[str], prefix: str = "") -> str:
    near = difflib.get_close_matches(key, names, n=1)
    return f"; did you mean {prefix}{near[0]}?" if near else "; remove it"
