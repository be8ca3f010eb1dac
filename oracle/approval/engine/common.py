"""The half of every key that is nobody's: uniform polynomials that anybody draws from the session's name.

A key is a pair (a, b = -a·s + e + …): all parties' b must be upon the same a, and it hides a share only where a is
uniform. Were a what the first party sends, it could send zeros, and read the others' shares in their b.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np

from . import scheme
from .objects import HALF_OF, PUBLIC_KEY, ROTATION_KEYS, SWITCHING_KEY, Kind, Towers

_DOMAIN: Final = b"risk-oracle approval common half 1\0"
_SPARE_WORDS: Final = 16
_BELOW_2_60: Final = np.uint64((1 << 60) - 1)
_NAMES: Final = {PUBLIC_KEY: b"public", SWITCHING_KEY: b"switching", ROTATION_KEYS: b"rotations"}


class Common:
    """The common halves of one session's keys, each drawn when it is first asked for."""

    def __init__(self, session: str) -> None:
        self._seed = _DOMAIN + session.encode() + b"\0"
        self._drawn: dict[Kind, Towers] = {}

    def of(self, kind: Kind) -> Towers:
        """Return the common half of a key of this kind."""
        if kind not in self._drawn:
            half = HALF_OF[kind]
            found = np.empty((half.polynomials * half.towers, scheme.RING_DIMENSION), dtype=np.uint64)
            for row in range(len(found)):
                name = _NAMES[kind] + row.to_bytes(4, "big")
                found[row] = _uniform(self._seed + name, scheme.MODULI[row % half.towers])
            self._drawn[kind] = found.reshape(half.polynomials, half.towers, scheme.RING_DIMENSION)
        return self._drawn[kind]

    def forget(self) -> None:
        """Give up what was drawn: it can be drawn again."""
        self._drawn.clear()


def _uniform(seed: bytes, modulus: int) -> Towers:
    """Return a row of uniform numbers below a modulus just below 2^60: 60 bits each, those above it passed over."""
    words = scheme.RING_DIMENSION + _SPARE_WORDS
    while True:
        drawn = np.frombuffer(hashlib.shake_128(seed).digest(words * 8), dtype="<u8") & _BELOW_2_60
        kept = drawn[drawn < modulus]
        if len(kept) >= scheme.RING_DIMENSION:
            return kept[: scheme.RING_DIMENSION]
        words += _SPARE_WORDS
