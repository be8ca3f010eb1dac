"""The commitments that a proof exposes: Poseidon over an input tensor, as the circuit hashes it."""

from collections.abc import Sequence

import ezkl

from oracle.assessment.features import ENCODED_ONE, FEATURES, PRIVATE_FEATURES, SALT_ELEMENT_BITS, SALT_ELEMENTS
from oracle.proving.errors import UnprovableInput
from oracle.proving.field import from_hex, to_element, to_hex


def commit_chain(encoded: Sequence[int]) -> int:
    """Return the commitment of the encoded chain features (a field element); raises UnprovableInput."""
    check_chain(encoded)
    return _poseidon(encoded)


def commit_private(encoded_and_salt: Sequence[int]) -> int:
    """Return the commitment of the encoded private features followed by the salt; raises UnprovableInput."""
    check_private(encoded_and_salt)
    return _poseidon(encoded_and_salt)


def check_chain(encoded: Sequence[int]) -> None:
    """Raise UnprovableInput unless there are 32 integers within 0..1024."""
    _check("chain", encoded, [ENCODED_ONE] * len(FEATURES))


def check_private(encoded_and_salt: Sequence[int]) -> None:
    """Raise UnprovableInput unless there are 24 integers within 0..1024 and 5 unsigned 32-bit integers.

    The circuit itself does not bound the private features: whoever hands in an opening is checked here.
    """
    largest_salt = 2**SALT_ELEMENT_BITS - 1
    _check("private", encoded_and_salt, [ENCODED_ONE] * len(PRIVATE_FEATURES) + [largest_salt] * SALT_ELEMENTS)


def _check(tensor: str, values: Sequence[int], upper: list[int]) -> None:
    if len(values) != len(upper):
        raise UnprovableInput(f"the {tensor} tensor has {len(values)} elements, expected {len(upper)}")
    for index, (value, largest) in enumerate(zip(values, upper, strict=True)):
        if not 0 <= value <= largest:
            raise UnprovableInput(f"{tensor} element {index} is {value}, expected 0..{largest}")


def _poseidon(values: Sequence[int]) -> int:
    [digest] = ezkl.poseidon_hash([to_hex(to_element(int(value))) for value in values])
    return from_hex(digest)
