"""The canonical encoding of a wallet's history: one sequence of bytes for one history, and its hash.

JSON in ASCII, keys sorted, no spaces, sets as sorted lists, integers in full, nothing else: two operators, or an
auditor a year later, compare 32 bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.history import WalletHistory


def plain(history: WalletHistory) -> dict[str, Any]:
    """Return a history as nested dictionaries, lists, integers, texts and nulls, as it is stored."""
    converted: dict[str, Any] = _plain(asdict(history), "history")
    return converted


def restore(stored: Mapping[str, Any]) -> WalletHistory:
    """Return the history that `plain` was given; what an older release did not know yet has its default.

    Raises InvalidFeature for names that this release does not know, or that it needs and are missing.
    """
    history: WalletHistory = _restored(WalletHistory, stored, "history")
    return history


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


def _restored(kind: Any, value: Any, path: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        types = _types(kind)
        if unknown := sorted(value.keys() - types.keys()):
            raise InvalidFeature(f"{path} holds {unknown}, which this release does not know: read the wallet anew")
        try:
            return kind(**{name: _restored(types[name], entry, f"{path}.{name}") for name, entry in value.items()})
        except TypeError as error:
            raise InvalidFeature(f"{path} is incomplete ({error}): read the wallet anew") from error
    if get_origin(kind) is tuple:
        entry, _ = get_args(kind)  # every tuple here is of any length
        return tuple(_restored(entry, one, f"{path}[{place}]") for place, one in enumerate(value))
    return frozenset(value) if get_origin(kind) is frozenset else value


@cache
def _types(kind: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
