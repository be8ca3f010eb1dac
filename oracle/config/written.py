"""A settings file as text: what was chosen, and every other setting beside it as a comment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oracle.config.reference import SettingRow

_PLAIN = ("integer", "number", "true or false")


def commented(known: list[SettingRow], chosen: Mapping[str, Any], title: str) -> str:
    """Return a TOML file with the chosen values by their keys (`chain.chain_id`); the others are told in comments.

    A key with `_file` appended chooses the file of a secret. Raises ValueError for a key that is no setting.
    """
    left, lines = dict(chosen), [f"# {title}", "# What is a comment has its default. All is in docs/settings.md."]
    section = ""
    for row in known:
        if "[]" in row.key:
            continue
        table, _, key = row.key.partition(".")
        if table != section:
            section = table
            # A table of comments alone would be one without what is required in it.
            begun = any(name.partition(".")[0] == table for name in chosen) or table != "signer"
            lines += ["", f"[{table}]" if begun else f"# [{table}]"]
        lines += [f"# {row.description}"] if row.description else []
        given = [name for name in (row.key, f"{row.key}_file") if name in left]
        lines += [f"{name.partition('.')[2]} = {toml(left.pop(name))}" for name in given] or [_left_out(key, row)]
    if left:
        raise ValueError(f"no settings: {', '.join(left)}")
    return "\n".join(lines) + "\n"


def toml(value: Any) -> str:
    """Return a value as TOML writes it: a number, a truth, a text, or a list of them."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case str() | Path():
            text = str(value)
            if any(not one.isprintable() for one in text):
                raise ValueError(f"{text!r} holds what no line of a file can")
            escaped = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'
    raise TypeError(f"no TOML value: {value!r}")


def _left_out(key: str, row: SettingRow) -> str:
    if row.type == "list of tables":
        return f"# [[{row.key}]]"
    if row.default is None or row.default == "none":
        return f"# {key} = …" if row.type in _PLAIN else f'# {key} = "…"'
    return f"# {key} = {row.default}" if row.type in _PLAIN else f'# {key} = "{row.default}"'
