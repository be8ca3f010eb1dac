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

SLOTS: Final = 2048
"""Of one application: eight of them share a ciphertext of blinds."""
_HALF: Final = scheme.PLAINTEXT_MODULUS // 2
_SHARES: Final = ("share-0", "share-1", "share-2")
_SESSION: Final = re.compile("[0-9a-f]{32}")
_MOST_PLAINTEXTS: Final = 32
"""Three of each of eight applications, and one of their blinds."""


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
        # The blinds in use: whose they are, one on each lane of its block, and the masks.
        self._blinds: tuple[str, Any, Any] | None = None
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
        self._blinds = None
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

    def take_blinds(self, fields: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Make the blinds of eight applications ready, under a name: each on all lanes of its block.

        `blinds-0` … and `masks-0` … are three ciphertexts each; `lanes`, a row of slots, has a one at the first lane of
        each block, where a blind stands. What a party put on other lanes is multiplied by zero: a blind of one lane
        alone would open what stands there.
        """
        self._check_evaluates()
        context = self._context
        blinds, masks = (self._sum(parts, name) for name in ("blinds", "masks"))
        spread = context.EvalMult(blinds, self._plain(parts, "lanes"))
        for step in scheme.ROTATIONS:
            spread = context.EvalAdd(spread, context.EvalRotate(spread, step))
        self._blinds = str(fields["name"]), spread, masks
        return {}, {}

    def evaluate(self, fields: dict[str, Any], parts: Parts) -> tuple[dict[str, Any], Parts]:
        """Evaluate the model: weights · features · blinds + constants · blinds + masks, on an application's slots.

        Features are the sum of `features-0` …; weights, constants and `own`, a one where a mask stands, are rows of
        slots, zero on those of other applications. The blinds are those that were taken as `blinds`.
        """
        self._check_evaluates()
        if self._blinds is None or self._blinds[0] != str(fields["blinds"]):
            raise Refusal("evaluate needs blinds that were taken before")
        context, (_, blinds, masks) = self._context, self._blinds
        features = self._sum(parts, "features")
        weighed = context.EvalMult(features, self._plain(parts, "weights"))
        hidden = context.EvalMult(weighed, blinds)
        hidden = context.EvalAdd(hidden, context.EvalMult(blinds, self._plain(parts, "constants")))
        hidden = context.EvalAdd(hidden, context.EvalMult(masks, self._plain(parts, "own")))
        result = context.Compress(hidden, scheme.TOWERS_OF_RESULT)
        raw = self._objects.pack(objects.RESULT, result)
        if fields.get("keep"):
            self._evaluated[hashlib.sha256(raw).hexdigest()] = result
        return {}, {"result": raw}

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

    def _check_evaluates(self) -> None:
        if not self._evaluates:
            raise Refusal("there are no evaluation keys yet")

    def _sum(self, parts: Parts, name: str) -> Any:
        return self._objects.build(objects.CIPHERTEXT, _total(objects.CIPHERTEXT, parts, name))

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
    "take-blinds": Work.take_blinds,
    "evaluate": Work.evaluate,
    "share": Work.share,
    "fuse": Work.fuse,
    "forget": Work.forget,
}
