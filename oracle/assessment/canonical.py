"""The canonical encoding of a wallet's history: one sequence of bytes for one history, and its hash.

JSON in ASCII, keys sorted, no spaces, sets as sorted lists, integers in full, nothing else: two operators, or an
auditor a year later, compare 32 bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.history import WalletHistory


def plain(history: WalletHistory) -> dict[str, Any]:
    """Return a history as nested dictionaries, lists, integers, texts and nulls, as it is stored."""
    converted: dict[str, Any] = _plain(asdict(history), "history")
    return converted


def encode(stored: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of a history in its plain form, fresh or from the database."""
    return json.dumps(_plain(stored, "history"), sort_keys=True, separators=(",", ":")).encode("ascii")


def history_hash(stored: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical bytes, 0x and hex digits."""
    return "0x" + hashlib.sha256(encode(stored)).hexdigest()


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(entry, f"{path}.{key}") for key, entry in value.items()}
    if isinstance(value, frozenset):
        return sorted(_plain(entry, path) for entry in value)
    if isinstance(value, list | tuple):
        return [_plain(entry, path) for entry in value]
    # A float would print differently elsewhere.
    if value is None or isinstance(value, int | str):
        return value
    raise InvalidFeature(f"{path} is {value!r}: expected integers, texts and collections of them only")
