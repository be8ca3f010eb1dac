"""What the engine does for its party: joint keys, encryption, evaluation, decryption shares and their fusion."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
import openfhe

from . import objects, scheme
from .frames import Parts

LANES: Final = 64
"""Slots of a block; its sum is gathered in the first of them."""
BLOCKS: Final = 32
SLOTS: Final = LANES * BLOCKS
_HALF: Final = scheme.PLAINTEXT_MODULUS // 2
_SHARES: Final = ("share-0", "share-1", "share-2")


class Refusal(ValueError):
    """An order that the engine does not follow."""


class Work:
    """One party's engine, or the server's, which has no share: `do` follows one order."""

    def __init__(self) -> None:
        self._context = scheme.make_context()
        self._objects = objects.Objects(self._context)
        self._share: Any = None
        self._public: Any = None
        self._evaluates = False
        # What this process evaluated by itself; a share is given of nothing else.
        self._evaluated: dict[str, Any] = {}

    def do(self, order: str, fields: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return the answer to an order; raises Refusal or BadObject, after which all is as it was before."""
        method = _ORDERS.get(order)
        if method is None:
            raise Refusal(f"there is no order {order!r}")
        try:
            return method(self, fields, parts)
        except KeyError as missing:
            raise Refusal(f"{order} needs {missing}") from missing

    def begin_keys(self, _: dict[str, Any], __: Parts) -> tuple[dict[str, Any], Parts]:
        """Make the first share of a joint key."""
        pair = self._context.KeyGen()
        pair.secretKey.SetKeyTag(scheme.TAG)
        switching = self._context.KeySwitchGen(pair.secretKey, pair.secretKey)
        self._context.EvalAtIndexKeyGen(pair.secretKey, list(scheme.ROTATIONS))
        rotations = self._context.GetEvalAutomorphismKeyMap(scheme.TAG)
        self._context.ClearEvalAutomorphismKeys()
        return self._keys(pair, switching, rotations)

    def join_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Add a share to the key that the parties before made."""
        before = self._read(objects.PUBLIC_KEY, parts, "public")
        first = self._read(objects.SWITCHING_KEY, parts, "switching")
        turning = self._read(objects.ROTATION_KEYS, parts, "rotations")
        pair = self._context.MultipartyKeyGen(before)
        pair.secretKey.SetKeyTag(scheme.TAG)
        switching = self._context.MultiKeySwitchGen(pair.secretKey, pair.secretKey, first)
        rotations = self._context.MultiEvalAtIndexKeyGen(pair.secretKey, turning, list(scheme.ROTATIONS), scheme.TAG)
        return self._keys(pair, switching, rotations)

    def multiply_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return this party's part of the key that multiplication needs, from everybody's switching keys."""
        share = self._read(objects.KEY_SHARE, parts, "share")
        joint = self._sum(objects.SWITCHING_KEY, parts, "switching", self._context.MultiAddEvalKeys)
        product = self._context.MultiMultEvalKey(share, joint, scheme.TAG)
        return {}, {"product": self._objects.pack(objects.SWITCHING_KEY, product)}

    def combine_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return the joint evaluation keys of everybody's parts."""
        product = self._sum(objects.SWITCHING_KEY, parts, "product", self._context.MultiAddEvalMultKeys)
        rotations = self._sum(objects.ROTATION_KEYS, parts, "rotations", self._context.MultiAddEvalAutomorphismKeys)
        return {}, {
            "multiplication": self._objects.pack(objects.SWITCHING_KEY, product),
            "rotations": self._objects.pack(objects.ROTATION_KEYS, rotations),
        }

    def use_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Take the joint public and evaluation keys into use, and this party's share where one is given."""
        public = self._read(objects.PUBLIC_KEY, parts, "public")
        product = self._read(objects.SWITCHING_KEY, parts, "multiplication")
        rotations = self._read(objects.ROTATION_KEYS, parts, "rotations")
        share = self._read(objects.KEY_SHARE, parts, "share") if "share" in parts else None
        product.SetKeyTag(scheme.TAG)
        # It keeps one set of keys for a tag, and refuses a second.
        openfhe.ClearEvalMultKeys()
        self._context.ClearEvalAutomorphismKeys()
        self._context.InsertEvalMultKey([product], scheme.TAG)
        self._context.InsertEvalAutomorphismKey(rotations, scheme.TAG)
        self._public, self._share, self._evaluates = public, share, True
        self._evaluated.clear()
        return {}, {}

    def encrypt(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Encrypt each part, a row of slots, under the joint key."""
        if self._public is None:
            raise Refusal("there is no joint key yet")
        made = {}
        for name in parts:
            plain = self._context.MakePackedPlaintext(_slots(parts, name))
            made[name] = self._objects.pack(objects.CIPHERTEXT, self._context.Encrypt(self._public, plain))
        return {}, made

    def evaluate(self, fields: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Evaluate the model: (weights · features + constants) × blinds + shifts, for each mask what it lets through.

        features, blinds and shifts are the sums of three ciphertexts each (`features-0` …); weights, constants and
        `mask-NAME` are rows of slots. Answers a result for each mask.
        """
        if not self._evaluates:
            raise Refusal("there are no evaluation keys yet")
        masks = sorted(name for name in parts if name.startswith("mask-"))
        if not masks:
            raise Refusal("evaluate needs a mask")
        context = self._context
        features, blinds, shifts = (self._total(parts, name) for name in ("features", "blinds", "shifts"))
        margin = context.EvalMult(features, context.MakePackedPlaintext(_slots(parts, "weights")))
        for step in scheme.ROTATIONS:
            margin = context.EvalAdd(margin, context.EvalRotate(margin, step))
        margin = context.EvalAdd(margin, context.MakePackedPlaintext(_slots(parts, "constants")))
        blinded = context.EvalAdd(context.EvalMult(margin, blinds), shifts)
        made = {}
        for mask in masks:
            opened = context.EvalMult(blinded, context.MakePackedPlaintext(_slots(parts, mask)))
            result = context.Compress(opened, scheme.TOWERS_OF_RESULT)
            raw = self._objects.pack(objects.RESULT, result)
            made[mask.removeprefix("mask-")] = raw
            if fields.get("keep"):
                self._evaluated[hashlib.sha256(raw).hexdigest()] = result
        return {}, made

    def share(self, fields: dict[str, Any], _: Parts) -> tuple[dict[str, Any], Parts]:
        """Return this party's decryption share of a result that this very process evaluated, once."""
        result = self._evaluated.pop(str(fields["result"]), None)
        if result is None:
            raise Refusal("a share is given of what this party evaluated itself, once, and of nothing else")
        decrypt = self._context.MultipartyDecryptLead if fields.get("lead") else self._context.MultipartyDecryptMain
        return {}, {"share": self._objects.pack(objects.SHARE, decrypt([result], self._own_share())[0])}

    def fuse(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return the slots that three shares open, the lead's first."""
        shares = [self._read(objects.SHARE, parts, name) for name in _SHARES]
        if len({parts[name] for name in _SHARES}) < len(_SHARES):
            raise Refusal("a share stands there twice")
        plain = self._context.MultipartyDecryptFusion(shares)
        plain.SetLength(scheme.RING_DIMENSION)
        slots = np.array(plain.GetPackedValue(), dtype="<i8")
        return {}, {"slots": slots.tobytes()}

    def forget(self, _: dict[str, Any], __: Parts) -> tuple[dict[str, Any], Parts]:
        """Give up what was evaluated and not opened."""
        self._evaluated.clear()
        return {}, {}

    def _keys(self, pair: Any, switching: Any, rotations: Any) -> tuple[dict[str, Any], Parts]:
        pack = self._objects.pack
        return {}, {
            "share": pack(objects.KEY_SHARE, pair.secretKey),
            "public": pack(objects.PUBLIC_KEY, pair.publicKey),
            "switching": pack(objects.SWITCHING_KEY, switching),
            "rotations": pack(objects.ROTATION_KEYS, rotations),
        }

    def _own_share(self) -> Any:
        if self._share is None:
            raise Refusal("this process holds no key share")
        return self._share

    def _read(self, kind: objects.Kind, parts: Parts, name: str) -> Any:
        return self._objects.unpack(kind, parts[name], name)

    def _sum(self, kind: objects.Kind, parts: Parts, name: str, add: Any) -> Any:
        first, second, third = (self._read(kind, parts, f"{name}-{number}") for number in range(scheme.PARTIES))
        return add(add(first, second, scheme.TAG), third, scheme.TAG)

    def _total(self, parts: Parts, name: str) -> Any:
        first, second, third = (
            self._read(objects.CIPHERTEXT, parts, f"{name}-{number}") for number in range(scheme.PARTIES)
        )
        return self._context.EvalAdd(self._context.EvalAdd(first, second), third)


def _slots(parts: Parts, name: str) -> list[int]:
    raw = parts[name]
    if len(raw) != SLOTS * 8:
        raise Refusal(f"{name} has {len(raw)} bytes, a row of {SLOTS} slots has {SLOTS * 8}")
    found = np.frombuffer(raw, "<i8")
    if int(found.max()) > _HALF or int(found.min()) < -_HALF:
        raise Refusal(f"{name} has a value that the plaintext space does not hold: at most {_HALF} on either side")
    return [int(value) for value in found]


_ORDERS: Final = {
    "begin-keys": Work.begin_keys,
    "join-keys": Work.join_keys,
    "multiply-keys": Work.multiply_keys,
    "combine-keys": Work.combine_keys,
    "use-keys": Work.use_keys,
    "encrypt": Work.encrypt,
    "evaluate": Work.evaluate,
    "share": Work.share,
    "fuse": Work.fuse,
    "forget": Work.forget,
}
