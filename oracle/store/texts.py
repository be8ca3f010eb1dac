"""Texts as Postgres can hold them: strangers (contracts, endpoints, resolvers) write parts of what is stored."""

import json
import re
from typing import Any, Final

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LONGEST: Final = 2_000


def storable(text: str) -> str:
    """Return a text without NUL, and with a replacement character for what is half of a character."""
    return _LONE_SURROGATE.sub("\ufffd", text.replace("\x00", ""))


def brief(text: str, longest: int = _LONGEST) -> str:
    """Return words for people, cut where nobody reads on."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text) - longest:,} characters more)"


class StorableText(StrDumperUnknown):
    """Sends every text to the server as it can be held."""

    def dump(self, obj: str) -> Buffer | None:
        """Return the bytes of a text."""
        return super().dump(storable(obj))


def to_json(value: Any) -> str:
    """Return a value as JSON that a JSONB column can hold."""
    text = json.dumps(value)
    # Both are rare, and stand as escapes: only then is every text looked at.
    return json.dumps(_storable(value)) if "\\u0000" in text or "\\ud" in text else text


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {_storable(key): _storable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(entry) for entry in value]
    return value
