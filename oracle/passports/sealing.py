"""An opening sealed to the daemon's key: what it is bound to is inside the box, so no proxy can redirect it."""

import json
from typing import Any, Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.private import check_consistent
from oracle.passports.errors import AnotherRequest, InvalidOpening, InvalidSalt, NotSealedToThisKey, PassportError
from oracle.passports.opening import Opening

VERSION: Final = 1
KEY_BYTES: Final = 32

PLAINTEXT_BYTES: Final = 512
"""Every plaintext is filled up with spaces to this length: the sealed one's length would tell of its digits."""

_OVERHEAD = 48
LARGEST_SEALED: Final = PLAINTEXT_BYTES + _OVERHEAD
_NAMES = {"v", "chain_id", "oracle", "request_id", "encoded", "salt"}


def seal(opening: Opening, *, chain_id: int, oracle: str, request_id: int, public_key: bytes) -> bytes:
    """Return the opening of one request, sealed (libsodium's crypto_box_seal) to a 32-byte X25519 key.

    Raises PassportError when the key is none.
    """
    content = {
        "v": VERSION,
        "chain_id": chain_id,
        "oracle": oracle.lower(),
        "request_id": str(request_id),
        "encoded": list(opening.encoded),
        "salt": list(opening.salt),
    }
    plain = json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii").ljust(PLAINTEXT_BYTES)
    if len(public_key) != KEY_BYTES:
        raise PassportError(f"the sealing key has {len(public_key)} bytes, an X25519 key has {KEY_BYTES}")
    try:
        return bytes(SealedBox(PublicKey(public_key)).encrypt(plain))
    except CryptoError:
        raise PassportError("the sealing key is no X25519 key that anything can be sealed to") from None


def unseal(sealed: bytes, *, chain_id: int, oracle: str, request_id: int, secret_key: bytes) -> Opening:
    """Return the opening that was sealed for this request; `secret_key` has 32 bytes.

    Raises NotSealedToThisKey, AnotherRequest, and InvalidOpening for what is out of range or what no passport encodes
    to. That its commitment is the request's is for `Opening.require`.
    """
    if not _OVERHEAD < len(sealed) <= LARGEST_SEALED:
        raise NotSealedToThisKey(
            f"the sealed opening has {len(sealed)} bytes: expected {LARGEST_SEALED}; seal it with "
            "`risk-oracle passport open`"
        )
    try:
        plain = SealedBox(PrivateKey(secret_key)).decrypt(sealed)
    except CryptoError:
        raise NotSealedToThisKey(
            "the opening is not sealed to this oracle's key, or was changed on its way: "
            "fetch the key anew (GET /v1/passports/key) and seal it again"
        ) from None
    content = _content(plain)
    wanted = {"chain_id": chain_id, "oracle": oracle.lower(), "request_id": str(request_id)}
    for name, expected in wanted.items():
        if content[name] != expected:
            raise AnotherRequest(
                f"the opening was sealed for another {name.replace('_', ' ')}, this one is {expected}: "
                "seal it for this request"
            )
    return _opening(content)


def _content(plain: bytes) -> dict[str, Any]:
    try:
        content = json.loads(plain)
    except (ValueError, RecursionError):
        raise InvalidOpening("the sealed opening holds no JSON") from None
    if not isinstance(content, dict) or content.keys() != _NAMES:
        raise InvalidOpening(f"the sealed opening must hold {', '.join(sorted(_NAMES))} and nothing else")
    if content["v"] != VERSION or type(content["v"]) is not int:
        raise InvalidOpening(f"the sealed opening is of another version: this release reads version {VERSION}")
    return content


def _opening(content: dict[str, Any]) -> Opening:
    encoded, salt = content["encoded"], content["salt"]
    if not isinstance(encoded, list) or not isinstance(salt, list):
        raise InvalidOpening("the sealed opening's encoded and salt must be lists of whole numbers")
    try:
        opening = Opening.of(encoded, salt)
        check_consistent(opening.encoded)
    except (InvalidSalt, InvalidFeature) as error:
        raise InvalidOpening(str(error)) from None
    return opening
