"""Field elements and commitments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.request import FIELD_MODULUS
from oracle.models import registry
from oracle.proving.commitment import commit_chain, commit_private
from oracle.proving.errors import UnprovableInput
from oracle.proving.field import from_hex, to_element, to_hex, to_signed

HALF = FIELD_MODULUS // 2


@given(st.integers(-HALF, HALF))
def test_element__signed_value__comes_back(value: int) -> None:
    assert to_signed(to_element(value)) == value


@given(st.integers(0, FIELD_MODULUS - 1))
def test_hex__element__comes_back_little_endian(element: int) -> None:
    text = to_hex(element)
    assert from_hex(text) == element
    assert bytes.fromhex(text)[::-1] == element.to_bytes(32, "big")


@pytest.mark.parametrize("text", ["00", to_hex(0) + "00", FIELD_MODULUS.to_bytes(32, "little").hex()])
def test_from_hex__not_a_field_element__refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not a field element"):
        from_hex(text)


def test_to_element__beyond_half_the_field__refuses() -> None:
    with pytest.raises(ValueError, match="no signed representation"):
        to_element(HALF + 1)


def test_commit_private__neutral__is_the_shipped_models_constant() -> None:
    assert commit_private(NEUTRAL_PRIVATE) == registry.load().neutral_commitment


def test_commit_private__one_bit_of_salt__changes_it() -> None:
    salted = [*NEUTRAL_PRIVATE[:-1], 1]
    assert commit_private(salted) != commit_private(NEUTRAL_PRIVATE)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ([0] * 31, "31 elements, expected 32"),
        ([0] * 31 + [1025], "element 31 is 1025, expected 0..1024"),
        ([-1] + [0] * 31, "element 0 is -1"),
    ],
)
def test_commit_chain__bad_tensor__says_what(tensor: list[int], message: str) -> None:
    with pytest.raises(UnprovableInput, match=message):
        commit_chain(tensor)


def test_commit_private__salt_beyond_32_bits__refuses() -> None:
    with pytest.raises(UnprovableInput, match="element 28"):
        commit_private([0] * 28 + [2**32])
