"""Secrets that everybody on the machine can read: in files of their own, and in the settings file itself."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from oracle.config.errors import section_of

# Endpoints may hold a key, and often do not; these are nothing but secrets.
_ALWAYS_SECRET: Final = ("key", "password")
_PASSWORD_IN_URL: Final = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def told_of_file(path: Path, what: str) -> str | None:
    """Return the warning for a secret's file that others may read or write, None when they may not."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None  # that it cannot be read is told elsewhere
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return None
    return (
        f"{what}: everybody on this machine can read the file {path} (mode {stat.S_IMODE(mode):04o}): "
        f"chmod o-rwx {path}"
    )


def exposed_files(values: dict[str, Any], root: type[BaseModel]) -> Iterator[str]:
    """Yield a warning for each `<key>_file` of a secret that others may read."""
    for section, key, value in _entries(values):
        setting = key.removesuffix("_file")
        if setting != key and _is_secret(root, section, setting):
            told = told_of_file(Path(str(value)), f"{section}.{key}")
            if told is not None:
                yield told


def exposed_in_file(values: dict[str, Any], root: type[BaseModel], file: Path) -> Iterator[str]:
    """Yield a warning for each secret that stands in the settings file itself, when others may read that."""
    for section, key, value in _entries(values):
        certain = key.endswith(_ALWAYS_SECRET) or _PASSWORD_IN_URL.search(str(value))
        if certain and _is_secret(root, section, key):
            told = told_of_file(file, f"{section}.{key}")
            if told is not None:
                yield f"{told}, or give {key}_file instead"


def _entries(values: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for section, table in values.items():
        if isinstance(table, dict):
            yield from ((section, key, value) for key, value in table.items())


def _is_secret(root: type[BaseModel], section: str, key: str) -> bool:
    field = root.model_fields.get(section)
    model = None if field is None else section_of(field.annotation)
    known = {} if model is None else model.model_fields
    return key in known and SecretStr.__name__ in repr(known[key].annotation)
