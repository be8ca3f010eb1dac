"""Ceremonies: which reference strings nobody can forge proofs with, told by the SHA-256 of the file for each size.

Keys are as good as the reference string that they were made from: whoever made that alone knows a secret with which
false proofs pass. So a key folder's string counts for a public chain only when its hash is pinned: in `ceremony.toml`,
which ships with this package, or in a file of the same form that the operator names (`risk-oracle setup --ceremony
FILE`, `model.ceremony` in the settings, RISK_ORACLE_MODEL__CEREMONY):

    name = "our-own-ceremony"

    [sha256]
    12 = "64 hex digits: the SHA-256 of the file for 2^12 rows"

Whoever names such a file says that they trust that ceremony as much as the shipped one: every command tells it, and the
daemon logs `own_ceremony_trusted` as a warning at each start. Whatever is pinned nowhere is a development string.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from oracle.proving.errors import KeysFault

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LARGEST_K: Final = 28
"""The two-adicity of BN254's scalar field: no circuit has more than 2^28 rows."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A ceremony: the SHA-256, in hex, of its file for each size k; `url`, with `{k}` in it, where it has a host."""

    name: str
    sha256: Mapping[int, str]
    url: str | None = None

    def pins(self, k: int, sha256: str) -> bool:
        """Whether a file with this hash is the ceremony's for 2^k rows."""
        return self.sha256.get(k) == sha256

    def size_of(self, sha256: str) -> int | None:
        """Return the k that a file with this hash is for, None when it is not the ceremony's."""
        return next((k for k, pinned in self.sha256.items() if pinned == sha256), None)

    def how_to_get(self, k: int) -> str:
        """Return where the file for 2^k rows is and how to know it, in words."""
        if (pinned := self.sha256.get(k)) is None:
            return f"ceremony {self.name} pins no file for 2^{k} rows (it has k = {', '.join(map(str, self.sha256))})"
        host = "the file" if self.url is None else self.url.format(k=k)
        return f"ceremony {self.name}, 2^{k} rows: {host}, SHA-256 {pinned}"


@cache
def shipped_ceremony() -> Ceremony:
    """Return the public ceremony that this package pins."""
    return _ceremony(tomllib.loads((files("oracle.proving") / "ceremony.toml").read_text()), "ceremony.toml")


def read_ceremony(file: Path) -> Ceremony:
    """Return the ceremony that an operator's file pins; raises KeysFault that says what is wrong with the file."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KeysFault(f"ceremony file {file} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise KeysFault(f"ceremony file {file} is not valid TOML: {error}") from error
    ceremony = _ceremony(content, str(file))
    if ceremony.name == shipped_ceremony().name:
        raise KeysFault(f"ceremony file {file}: {ceremony.name} is the shipped ceremony's name: give yours another")
    return ceremony


def ceremony_of(k: int, sha256: str, own: Ceremony | None = None) -> Ceremony | None:
    """Return the ceremony that a reference string of 2^k rows is of: the shipped one, the operator's `own`, or None."""
    return next((one for one in (shipped_ceremony(), own) if one is not None and one.pins(k, sha256)), None)


def _ceremony(content: dict[str, Any], where: str) -> Ceremony:
    expected = f'ceremony file {where}: expected name = "…" and a table [sha256] of size = "64 hex digits"'
    name, table, url = content.pop("name", None), content.pop("sha256", None), content.pop("url", None)
    if content:
        raise KeysFault(f"{expected}; {', '.join(content)} is not known")
    if not isinstance(name, str) or not name or not isinstance(table, dict) or not table:
        raise KeysFault(expected)
    if url is not None and not isinstance(url, str):
        raise KeysFault(f"{expected}; url is a text")
    for size, pinned in table.items():
        if not size.isdecimal() or not 1 <= int(size) <= _LARGEST_K:
            raise KeysFault(f"{expected}; size {size!r} is no number from 1 to {_LARGEST_K}")
        if not isinstance(pinned, str) or not _SHA256.fullmatch(pinned.lower()):
            raise KeysFault(f"{expected}; that of size {size} is {pinned!r}")
    return Ceremony(name, {int(size): pinned.lower() for size, pinned in table.items()}, url)
