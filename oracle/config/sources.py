"""Where settings come from besides the file itself: environment variables, and files that hold one value each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from oracle.config.errors import section_of, unknown_environment
from oracle.config.foreign import is_foreign


def merge_environment(
    values: dict[str, Any], environment: Mapping[str, str], root: type[BaseModel], prefix: str
) -> list[str]:
    """Put the environment's settings over the file's; return a line for each variable that cannot be used."""
    faults: list[str] = []
    for name, text in sorted(environment.items()):
        if not name.startswith(prefix) or is_foreign(name.removeprefix(prefix), text):
            continue
        section, _, key = name.removeprefix(prefix).lower().partition("__")
        setting = _setting(root, section, key)
        if setting is None:
            faults.append(unknown_environment(name, root, prefix))
            continue
        if setting != key and (plain := name[: -len("_FILE")]) in environment:
            faults.append(f"{name}: {plain} is set as well; keep one of the two")
            continue
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            # One of the two forms only: what the environment says replaces the file's other form.
            table.pop(f"{setting}_file", None)
            table.pop(setting, None)
            is_list = setting == key and get_origin(_fields(root, section)[key].annotation) is tuple
            table[key] = _list(name, text, faults) if is_list else text
    return faults


def read_files(values: dict[str, Any], root: type[BaseModel]) -> list[str]:
    """Replace every `<key>_file` by the content of the file that it names; return a line for each that cannot be.

    A section that is not needed goes without what this user may not read: who looks at requests needs no signer's key.
    """
    faults = []
    for section, table in list(values.items()):
        for key in [key for key in table if _setting(root, section, key) != key] if isinstance(table, dict) else []:
            setting = _setting(root, section, key)
            if setting is None:
                continue
            if setting in table:
                faults.append(f"{section}.{key}: {setting} is set as well; keep one of the two")
            path = str(table.pop(key))
            try:
                table[setting] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                if isinstance(error, PermissionError) and _may_be_absent(root, section):
                    del values[section]
                    break
                faults.append(f"{section}.{key}: cannot read {_shown(path)}: {_why(error)}")
    return faults


def _shown(path: str) -> str:
    # People put the secret itself here by mistake: nothing that could be one is repeated.
    return f"the file {path}" if Path(path).is_absolute() else "a file of that name (the value is not shown)"


def _why(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else "it is not UTF-8 text"


def _list(name: str, text: str, faults: list[str]) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        faults.append(f"{name}: is not a JSON list: {error}")
        return []


def _setting(root: type[BaseModel], section: str, key: str) -> str | None:
    """Return the setting that a key, or a key with _file appended, stands for; None for an unknown one."""
    known = _fields(root, section)
    if key in known:
        return key
    stem = key.removesuffix("_file")
    return stem if stem in known and stem != key else None


def _may_be_absent(root: type[BaseModel], section: str) -> bool:
    return root.model_fields[section].get_default() is None and not root.model_fields[section].is_required()


def _fields(root: type[BaseModel], section: str) -> Mapping[str, FieldInfo]:
    field = root.model_fields.get(section)
    model = None if field is None else section_of(field.annotation)
    return {} if model is None else model.model_fields
