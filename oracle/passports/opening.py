"""What opens a commitment: the encoded private features and the salt that hides them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES, SALT_ELEMENT_BITS, SALT_ELEMENTS
from oracle.assessment.request import FIELD_MODULUS
from oracle.passports.errors import AnotherCommitment, InvalidOpening, InvalidSalt
from oracle.passports.passport import Passport
from oracle.proving.commitment import commit_private

_ELEMENT_BYTES: Final = SALT_ELEMENT_BITS // 8
SALT_BYTES: Final = SALT_ELEMENTS * _ELEMENT_BYTES


@dataclass(frozen=True, slots=True)
class Opening:
    """The 24 encoded private features, the salt's five 32-bit integers, and the commitment that both hash to.

    Its text form holds the commitment alone.
    """

    encoded: tuple[int, ...] = field(repr=False)
    salt: tuple[int, ...] = field(repr=False)
    commitment: int

    @classmethod
    def of(cls, encoded: Sequence[int], salt: Sequence[int]) -> Self:
        """Return the opening with its commitment; raises InvalidOpening and InvalidSalt."""
        check_encoded(encoded)
        check_salt(salt)
        tensor = (*encoded, *salt)
        return cls(tuple(encoded), tuple(salt), commit_private(tensor))

    @property
    def tensor(self) -> tuple[int, ...]:
        """The circuit's private input: features, then salt."""
        return (*self.encoded, *self.salt)

    def require(self, commitment: int) -> None:
        """Raise AnotherCommitment unless this opens `commitment`."""
        if self.commitment != commitment:
            raise AnotherCommitment(
                f"the opening opens {to_hex32(self.commitment)}, the request is committed to {to_hex32(commitment)}: "
                "give the opening that the request was made with"
            )


def commit(passport: Passport, salt: Sequence[int]) -> Opening:
    """Commit to a passport; raises InvalidSalt. Take `new_salt()` each time: the same salt makes requests linkable."""
    return Opening.of(passport.encoded(), salt)


def new_salt() -> tuple[int, ...]:
    """Return five uniform 32-bit integers from the system's source of randomness: 160 bits."""
    return tuple(secrets.randbits(SALT_ELEMENT_BITS) for _ in range(SALT_ELEMENTS))


def check_encoded(encoded: Sequence[int]) -> None:
    """Raise InvalidOpening, which names the feature and no value, unless there are 24 integers within 0..1024."""
    if len(encoded) != len(PRIVATE_FEATURES):
        raise InvalidOpening(f"the opening has {len(encoded)} encoded features, expected {len(PRIVATE_FEATURES)}")
    for feature, code in zip(PRIVATE_FEATURES, encoded, strict=True):
        if type(code) is not int or not 0 <= code <= ENCODED_ONE:
            raise InvalidOpening(
                f"the opening's {feature.name} ({feature.unit}, {feature.low}..{feature.high}) is out of range: "
                f"its encoded form must be a whole number within 0..{ENCODED_ONE}"
            )


def check_salt(salt: Sequence[int]) -> None:
    """Raise InvalidSalt unless the salt is five unsigned 32-bit integers, at most one of them 0."""
    largest = (1 << SALT_ELEMENT_BITS) - 1
    if len(salt) != SALT_ELEMENTS or any(type(part) is not int or not 0 <= part <= largest for part in salt):
        raise InvalidSalt(
            f"the salt must be {SALT_ELEMENTS} unsigned {SALT_ELEMENT_BITS}-bit integers: "
            "take a fresh one with `risk-oracle passport commit`"
        )
    # A drawn one has two zeros once in 2^60; a short one that was filled up has them always.
    if sum(part == 0 for part in salt) > 1:
        raise InvalidSalt(
            "the salt is too short: fewer than 128 of its 160 bits are drawn, so that the commitment could be guessed; "
            "take a fresh one with `risk-oracle passport commit`"
        )


def salt_to_hex(salt: Sequence[int]) -> str:
    """Return a salt as its file holds it: 0x and 40 hex digits, each integer big-endian, in the tensor's order."""
    return "0x" + b"".join(part.to_bytes(_ELEMENT_BYTES, "big") for part in salt).hex()


def salt_of_hex(text: str) -> tuple[int, ...]:
    """Return the salt of 0x and 40 hex digits; raises InvalidSalt."""
    digits = text.removeprefix("0x")
    if not text.startswith("0x") or len(digits) != 2 * SALT_BYTES or not _is_hex(digits):
        raise InvalidSalt(f"the salt must be 0x and {2 * SALT_BYTES} hex digits, this one has {len(digits)}")
    content = bytes.fromhex(digits)
    salt = tuple(
        int.from_bytes(content[start : start + _ELEMENT_BYTES], "big") for start in range(0, SALT_BYTES, _ELEMENT_BYTES)
    )
    check_salt(salt)
    return salt


def to_hex32(commitment: int) -> str:
    """Return a commitment as files, credentials and people take it: 0x and 64 hex digits."""
    return f"0x{commitment:064x}"


def commitment_of_hex(text: str) -> int:
    """Return the commitment of 0x and 64 hex digits; raises InvalidOpening for others, or one not below the field."""
    digits = text.removeprefix("0x")
    if not text.startswith("0x") or len(digits) != 64 or not _is_hex(digits):
        raise InvalidOpening(f"a commitment is 0x and 64 hex digits, this one has {len(digits)}")
    commitment = int(digits, 16)
    if commitment >= FIELD_MODULUS:
        raise InvalidOpening("the commitment is not below the field's order: no opening hashes to it")
    return commitment


def _is_hex(digits: str) -> bool:
    return digits.isascii() and all(digit in "0123456789abcdefABCDEF" for digit in digits)
