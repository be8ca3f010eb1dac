"""Keys, ciphertexts and shares as bytes: nothing but their coefficients.

OpenFHE's own deserialiser trusts what it reads: a flipped bit of a pointer or a size ends the process. So a message
carries no structure of OpenFHE's. Its bytes are the coefficients of each polynomial, 64 bits little-endian, tower by
tower, and are put into the frame of an object of the same kind that was made here. What a stranger can choose is a
number below its modulus, no more. Of a key half is the session's own (see common): a message carries the other half.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import openfhe

from . import scheme

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Towers = npt.NDArray[np.uint64]
"""Polynomials × towers × coefficients."""

_RUN_BYTES: Final = scheme.RING_DIMENSION * 8
_SIZE_PREFIX: Final = scheme.RING_DIMENSION.to_bytes(8, "little")
_MODULI: Final = np.array(scheme.MODULI, dtype=np.uint64)[:, None]


class Kind(NamedTuple):
    """What an object is, how many polynomials it has, of how many towers, and OpenFHE's reader of it."""

    name: str
    polynomials: int
    towers: int
    reader: str = ""

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.polynomials * self.towers * _RUN_BYTES


_ALL: Final = scheme.TOWERS
_FEW: Final = scheme.TOWERS_OF_RESULT
_TURNS: Final = len(scheme.ROTATIONS)

PUBLIC_KEY: Final = Kind("public key", 2, _ALL, "DeserializePublicKeyString")
KEY_SHARE: Final = Kind("key share", 1, _ALL, "DeserializePrivateKeyString")
# A pair of polynomials for each tower that is switched.
SWITCHING_KEY: Final = Kind("switching key", 2 * _ALL, _ALL, "DeserializeEvalKeyString")
ROTATION_KEYS: Final = Kind("rotation keys", 2 * _ALL * _TURNS, _ALL, "DeserializeEvalKeyMapString")
CIPHERTEXT: Final = Kind("ciphertext", 2, _ALL, "DeserializeCiphertextString")
RESULT: Final = Kind("result", 2, _FEW, "DeserializeCiphertextString")
SHARE: Final = Kind("share", 1, _FEW, "DeserializeCiphertextString")

PUBLIC_HALF: Final = Kind("public key's half", 1, _ALL)
SWITCHING_HALF: Final = Kind("switching key's half", _ALL, _ALL)
ROTATION_HALVES: Final = Kind("rotation keys' halves", _ALL * _TURNS, _ALL)
HALF_OF: Final = {PUBLIC_KEY: PUBLIC_HALF, SWITCHING_KEY: SWITCHING_HALF, ROTATION_KEYS: ROTATION_HALVES}


class BadObject(ValueError):
    """Bytes that are not what they are said to be."""


def checked(kind: Kind, raw: bytes, name: str) -> Towers:
    """Return the coefficients in these bytes; raises BadObject, which says what of `name` is wrong."""
    if len(raw) != kind.size:
        raise BadObject(f"{name} has {len(raw)} bytes, a {kind.name} has {kind.size}")
    towers = np.frombuffer(raw, dtype="<u8").reshape(kind.polynomials, kind.towers, scheme.RING_DIMENSION)
    largest = towers.max(axis=2, keepdims=True)
    if bool((largest >= _MODULI[: kind.towers]).any()):
        raise BadObject(f"{name} has a coefficient that is not below its modulus")
    if not bool(largest.any()):
        raise BadObject(f"{name} is zero throughout: it would hide nothing")
    return towers


def total(parts: Iterable[Towers]) -> Towers:
    """Return the sum of coefficients that are below their moduli, below them again."""
    return functools.reduce(_plus, parts)


def _plus(one: Towers, other: Towers) -> Towers:
    found: Towers = one + other
    # What is below its modulus already wraps to a number near 2^64: the smaller of the two is the right one.
    np.minimum(found, found - _MODULI[: found.shape[1]], out=found)
    return found


class Objects:
    """Bytes to objects and back, in one context."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._own: Any = None
        self._frames: dict[Kind, list[memoryview]] = {}
        self._places: dict[tuple[Kind, int], list[int]] = {}

    def pack(self, kind: Kind, thing: Any) -> bytes:
        """Return an object's coefficients."""
        return b"".join(self._rows(kind, thing))

    def pack_half(self, kind: Kind, thing: Any) -> bytes:
        """Return the coefficients of that half of a key which is its party's own."""
        rows = self._rows(kind, thing)
        length = kind.towers if kind == PUBLIC_KEY else kind.towers**2
        first = 0 if kind == PUBLIC_KEY else 1
        halves = [rows[begin : begin + length] for begin in range(0, len(rows), length)]
        return b"".join([row for half in halves[first::2] for row in half])

    def unpack(self, kind: Kind, raw: bytes, name: str) -> Any:
        """Return the object of these coefficients; raises BadObject, which says what of `name` is wrong."""
        return self.build(kind, checked(kind, raw, name))

    def build(self, kind: Kind, towers: Towers) -> Any:
        """Return the object of coefficients that were checked."""
        return self._read(kind, list(towers.reshape(-1, scheme.RING_DIMENSION)))

    def build_key(self, kind: Kind, common: Towers, own: Towers) -> Any:
        """Return a key of the session's half and its party's own, which was checked."""
        length = 1 if kind == PUBLIC_KEY else kind.towers
        pair = (own, common) if kind == PUBLIC_KEY else (common, own)
        rows = [
            row
            for begin in range(0, len(own), length)
            for half in pair
            for polynomial in half[begin : begin + length]
            for row in polynomial
        ]
        return self._read(kind, rows)

    def _read(self, kind: Kind, rows: Sequence[Towers]) -> Any:
        frame = self._frame(kind)
        pieces: list[Any] = [frame[0]]
        for row, between in zip(rows, frame[1:], strict=True):
            pieces += [row, between]
        return getattr(openfhe, kind.reader)(b"".join(pieces), openfhe.BINARY)

    def _rows(self, kind: Kind, thing: Any) -> list[memoryview]:
        raw = openfhe.Serialize(thing, openfhe.BINARY)
        places = self._places.get((kind, len(raw)))
        if places is None:
            places = self._places[kind, len(raw)] = _runs(raw, kind)
        view = memoryview(raw)
        return [view[place : place + _RUN_BYTES] for place in places]

    def _frame(self, kind: Kind) -> list[memoryview]:
        """Return what stands before, between and after the coefficients."""
        if kind not in self._frames:
            raw = openfhe.Serialize(self._example(kind), openfhe.BINARY)
            ends = [0, *(place + _RUN_BYTES for place in _runs(raw, kind))]
            begins = [*(end - _RUN_BYTES for end in ends[1:]), len(raw)]
            # Copies: a view would keep the example's coefficients with it.
            self._frames[kind] = [memoryview(raw[end:begin]) for end, begin in zip(ends, begins, strict=True)]
        return self._frames[kind]

    def _example(self, kind: Kind) -> Any:
        context = self._context
        if self._own is None:
            self._own = context.KeyGen()
            self._own.publicKey.SetKeyTag(scheme.TAG)
            self._own.secretKey.SetKeyTag(scheme.TAG)
        public, secret = self._own.publicKey, self._own.secretKey
        if kind == PUBLIC_KEY:
            return public
        if kind == KEY_SHARE:
            return secret
        if kind == SWITCHING_KEY:
            return context.KeySwitchGen(secret, secret)
        if kind == ROTATION_KEYS:
            context.EvalAtIndexKeyGen(secret, list(scheme.ROTATIONS))
            found = context.GetEvalAutomorphismKeyMap(scheme.TAG)
            context.ClearEvalAutomorphismKeys()
            return found
        example = context.Encrypt(public, context.MakePackedPlaintext([1]))
        if kind == CIPHERTEXT:
            return example
        result = context.Compress(example, scheme.TOWERS_OF_RESULT)
        return result if kind == RESULT else context.MultipartyDecryptMain([result], secret)[0]


def _runs(raw: bytes, kind: Kind) -> list[int]:
    """Return where the coefficients of an object that was made here begin: after the size of each, all below 2^60."""
    found: list[int] = []
    place = 0
    while (place := raw.find(_SIZE_PREFIX, place)) >= 0:
        begin = place + len(_SIZE_PREFIX)
        words = np.frombuffer(raw, "<u8", min(scheme.RING_DIMENSION, (len(raw) - begin) // 8), begin)
        # The same eight bytes stand in the parameters, where no long row of large numbers below 2^60 follows.
        if len(words) == scheme.RING_DIMENSION and not (words >> 60).any() and float((words >> 48 > 0).mean()) > 0.9:
            found.append(begin)
            place = begin + _RUN_BYTES
        else:
            place += 1
    if len(found) != kind.polynomials * kind.towers:
        raise RuntimeError(f"this build of OpenFHE writes a {kind.name} in another form: {len(found)} polynomials")
    return found
