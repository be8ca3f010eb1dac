"""What the engine does for its party: joint keys, encryption, evaluation, decryption shares and their fusion."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import numpy as np
import openfhe

from . import objects, scheme
from .common import Common
from .frames import Parts

LANES: Final = 64
"""Slots of a block; its sum is gathered in the first of them."""
BLOCKS: Final = 32
SLOTS: Final = LANES * BLOCKS
_HALF: Final = scheme.PLAINTEXT_MODULUS // 2
_SHARES: Final = ("share-0", "share-1", "share-2")
_INPUTS: Final = ("features", "blinds", "shifts")
_SESSION: Final = re.compile("[0-9a-f]{32}")
_MOST_PLAINTEXTS: Final = 16


class Refusal(ValueError):
    """An order that the engine does not follow."""


class Work:
    """One party's engine, or the server's, which has no share: `do` follows one order."""

    def __init__(self) -> None:
        self._context = scheme.make_context()
        self._objects = objects.Objects(self._context)
        self._common: Common | None = None
        self._share: Any = None
        self._public: Any = None
        self._evaluates = False
        # What this process evaluated by itself; a share is given of nothing else.
        self._evaluated: dict[str, Any] = {}
        self._plaintexts: dict[bytes, Any] = {}

    def do(self, order: str, fields: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return the answer to an order; raises Refusal or BadObject, after which all is as it was before."""
        method = _ORDERS.get(order)
        if method is None:
            raise Refusal(f"there is no order {order!r}")
        try:
            return method(self, fields, parts)
        except KeyError as missing:
            raise Refusal(f"{order} needs {missing}") from missing

    def open_session(self, fields: dict[str, Any], _: Parts) -> tuple[dict[str, Any], Parts]:
        """Say which session's keys are made here from now on: half of each is drawn from its name."""
        session = str(fields["session"])
        if _SESSION.fullmatch(session) is None:
            raise Refusal("a session's name is 32 hexadecimal digits")
        self._common = Common(session)
        return {}, {}

    def make_keys(self, _: dict[str, Any], __: Parts) -> tuple[dict[str, Any], Parts]:
        """Make a share of the joint key, and the halves of the session's keys that belong to it."""
        context, pack = self._context, self._objects.pack_half
        # Upon zeros OpenFHE adds nothing: what comes out is this party's half alone, and the common one as it went in.
        before, switching, turning = (self._key(kind, _zeros(half)) for kind, half in objects.HALF_OF.items())
        pair = context.MultipartyKeyGen(before)
        secret = pair.secretKey
        secret.SetKeyTag(scheme.TAG)
        rotations = context.MultiEvalAtIndexKeyGen(secret, turning, list(scheme.ROTATIONS), scheme.TAG)
        return {}, {
            "share": self._objects.pack(objects.KEY_SHARE, secret),
            "public": pack(objects.PUBLIC_KEY, pair.publicKey),
            "switching": pack(objects.SWITCHING_KEY, context.MultiKeySwitchGen(secret, secret, switching)),
            "rotations": pack(objects.ROTATION_KEYS, rotations),
        }

    def multiply_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return this party's part of the key that multiplication needs, from everybody's switching keys."""
        share = self._read(objects.KEY_SHARE, parts, "share")
        joint = self._key(objects.SWITCHING_KEY, _total(objects.SWITCHING_HALF, parts, "switching"))
        product = self._context.MultiMultEvalKey(share, joint, scheme.TAG)
        return {}, {"product": self._objects.pack(objects.SWITCHING_KEY, product)}

    def combine_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Return the joint keys of everybody's parts: sums, coefficient by coefficient."""
        return {}, {
            "public": _total(objects.PUBLIC_HALF, parts, "public").tobytes(),
            "multiplication": _total(objects.SWITCHING_KEY, parts, "product").tobytes(),
            "rotations": _total(objects.ROTATION_HALVES, parts, "rotations").tobytes(),
        }

    def use_keys(self, _: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Take the joint public and evaluation keys into use, and this party's share where one is given."""
        public = self._key(objects.PUBLIC_KEY, objects.checked(objects.PUBLIC_HALF, parts["public"], "public"))
        product = self._read(objects.SWITCHING_KEY, parts, "multiplication")
        turning = objects.checked(objects.ROTATION_HALVES, parts["rotations"], "rotations")
        rotations = self._key(objects.ROTATION_KEYS, turning)
        share = self._read(objects.KEY_SHARE, parts, "share") if "share" in parts else None
        product.SetKeyTag(scheme.TAG)
        # It keeps one set of keys for a tag, and refuses a second.
        openfhe.ClearEvalMultKeys()
        self._context.ClearEvalAutomorphismKeys()
        self._context.InsertEvalMultKey([product], scheme.TAG)
        self._context.InsertEvalAutomorphismKey(rotations, scheme.TAG)
        self._public, self._share, self._evaluates = public, share, True
        self._evaluated.clear()
        self._of_session().forget()
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
        features, blinds, shifts = (
            self._objects.build(objects.CIPHERTEXT, _total(objects.CIPHERTEXT, parts, name)) for name in _INPUTS
        )
        margin = context.EvalMult(features, self._plain(parts, "weights"))
        for step in scheme.ROTATIONS:
            margin = context.EvalAdd(margin, context.EvalRotate(margin, step))
        margin = context.EvalAdd(margin, self._plain(parts, "constants"))
        blinded = context.EvalAdd(context.EvalMult(margin, blinds), shifts)
        made = {}
        for mask in masks:
            opened = context.EvalMult(blinded, self._plain(parts, mask))
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

    def _own_share(self) -> Any:
        if self._share is None:
            raise Refusal("this process holds no key share")
        return self._share

    def _of_session(self) -> Common:
        if self._common is None:
            raise Refusal("no session was opened: the common half of its keys is not known")
        return self._common

    def _key(self, kind: objects.Kind, own: objects.Towers) -> Any:
        return self._objects.build_key(kind, self._of_session().of(kind), own)

    def _read(self, kind: objects.Kind, parts: Parts, name: str) -> Any:
        return self._objects.unpack(kind, parts[name], name)

    def _plain(self, parts: Parts, name: str) -> Any:
        """Return a row of slots as a plaintext; the model's are the same in each application."""
        raw = parts[name]
        if raw not in self._plaintexts:
            if len(self._plaintexts) >= _MOST_PLAINTEXTS:
                self._plaintexts.clear()
            self._plaintexts[raw] = self._context.MakePackedPlaintext(_slots(parts, name))
        return self._plaintexts[raw]


def _total(kind: objects.Kind, parts: Parts, name: str) -> objects.Towers:
    names = [f"{name}-{number}" for number in range(scheme.PARTIES)]
    return objects.total([objects.checked(kind, parts[one], one) for one in names])


def _zeros(kind: objects.Kind) -> objects.Towers:
    return np.zeros((kind.polynomials, kind.towers, scheme.RING_DIMENSION), dtype=np.uint64)


def _slots(parts: Parts, name: str) -> list[int]:
    raw = parts[name]
    if not raw or len(raw) % (SLOTS * 8) or len(raw) > scheme.RING_DIMENSION * 8:
        raise Refusal(
            f"{name} has {len(raw)} bytes: an application's row of {SLOTS} slots has {SLOTS * 8}, and a ciphertext "
            f"holds the rows of up to {scheme.RING_DIMENSION // SLOTS}"
        )
    found = np.frombuffer(raw, "<i8")
    if int(found.max()) > _HALF or int(found.min()) < -_HALF:
        raise Refusal(f"{name} has a value that the plaintext space does not hold: at most {_HALF} on either side")
    return [int(value) for value in found.tolist()]


_ORDERS: Final = {
    "open-session": Work.open_session,
    "make-keys": Work.make_keys,
    "multiply-keys": Work.multiply_keys,
    "combine-keys": Work.combine_keys,
    "use-keys": Work.use_keys,
    "encrypt": Work.encrypt,
    "evaluate": Work.evaluate,
    "share": Work.share,
    "fuse": Work.fuse,
    "forget": Work.forget,
}
