"""Keys, ciphertexts and shares as bytes: nothing but their coefficients.

OpenFHE's own deserialiser trusts what it reads: a flipped bit of a pointer or a size ends the process. So a message
carries no structure of OpenFHE's. Its bytes are the coefficients of each polynomial, 64 bits little-endian, tower by
tower, and are put into the frame of an object of the same kind that was made here. What a stranger can choose is a
number below its modulus, no more.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import openfhe

from . import scheme

_RUN_BYTES: Final = scheme.RING_DIMENSION * 8
_SIZE_PREFIX: Final = scheme.RING_DIMENSION.to_bytes(8, "little")


class Kind(NamedTuple):
    """What an object is, how many polynomials it has, of how many towers, and OpenFHE's reader of it."""

    name: str
    polynomials: int
    towers: int
    reader: str

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.polynomials * self.towers * _RUN_BYTES


_ALL: Final = scheme.TOWERS
_FEW: Final = scheme.TOWERS_OF_RESULT
_A_KEY: Final = 2 * _ALL  # a pair of polynomials for each tower that is switched

PUBLIC_KEY: Final = Kind("public key", 2, _ALL, "DeserializePublicKeyString")
KEY_SHARE: Final = Kind("key share", 1, _ALL, "DeserializePrivateKeyString")
SWITCHING_KEY: Final = Kind("switching key", _A_KEY, _ALL, "DeserializeEvalKeyString")
ROTATION_KEYS: Final = Kind("rotation keys", _A_KEY * len(scheme.ROTATIONS), _ALL, "DeserializeEvalKeyMapString")
CIPHERTEXT: Final = Kind("ciphertext", 2, _ALL, "DeserializeCiphertextString")
RESULT: Final = Kind("result", 2, _FEW, "DeserializeCiphertextString")
SHARE: Final = Kind("share", 1, _FEW, "DeserializeCiphertextString")


class BadObject(ValueError):
    """Bytes that are not what they are said to be."""


class Objects:
    """Bytes to objects and back, in one context."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._own: Any = None
        self._frames: dict[Kind, tuple[bytes, list[int]]] = {}
        self._places: dict[tuple[Kind, int], list[int]] = {}

    def pack(self, kind: Kind, thing: Any) -> bytes:
        """Return an object's coefficients."""
        raw = bytes(openfhe.Serialize(thing, openfhe.BINARY))
        places = self._places.get((kind, len(raw)))
        if places is None:
            places = self._places[kind, len(raw)] = _runs(raw, kind)
        return b"".join([raw[place : place + _RUN_BYTES] for place in places])

    def unpack(self, kind: Kind, raw: bytes, name: str) -> Any:
        """Return the object of these coefficients; raises BadObject, which says what of `name` is wrong."""
        if len(raw) != kind.size:
            raise BadObject(f"{name} has {len(raw)} bytes, a {kind.name} has {kind.size}")
        towers = np.frombuffer(raw, dtype="<u8").reshape(kind.polynomials, kind.towers, scheme.RING_DIMENSION)
        moduli = np.array(scheme.MODULI[: kind.towers], dtype=np.uint64)[None, :, None]
        if bool((towers >= moduli).any()):
            raise BadObject(f"{name} has a coefficient that is not below its modulus")
        if not raw.strip(b"\0"):
            raise BadObject(f"{name} is zero throughout: it would hide nothing")
        frame, places = self._frame(kind)
        pieces, end = [], 0
        for number, place in enumerate(places):
            pieces += [frame[end:place], raw[number * _RUN_BYTES : (number + 1) * _RUN_BYTES]]
            end = place + _RUN_BYTES
        return getattr(openfhe, kind.reader)(b"".join([*pieces, frame[end:]]), openfhe.BINARY)

    def _frame(self, kind: Kind) -> tuple[bytes, list[int]]:
        if kind not in self._frames:
            raw = bytes(openfhe.Serialize(self._example(kind), openfhe.BINARY))
            self._frames[kind] = raw, _runs(raw, kind)
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
