"""Field elements: signed integers, the scalar field of BN254, and EZKL's little-endian hex."""

from oracle.assessment.request import FIELD_MODULUS


def to_element(value: int) -> int:
    """Return the field element of a signed integer (negative = r - |v|); raises ValueError beyond r / 2."""
    if abs(value) > FIELD_MODULUS // 2:
        raise ValueError(f"{value} has no signed representation in the scalar field: expected |v| <= r/2")
    return value % FIELD_MODULUS


def to_signed(element: int) -> int:
    """Return the signed integer of a field element; raises ValueError when it is not below r."""
    if not 0 <= element < FIELD_MODULUS:
        raise ValueError(f"{element} is not an element of the BN254 scalar field")
    return element - FIELD_MODULUS if element > FIELD_MODULUS // 2 else element


def to_hex(element: int) -> str:
    """Return EZKL's text of a field element: 32 bytes, little-endian, no prefix."""
    return element.to_bytes(32, "little").hex()


def from_hex(text: str) -> int:
    """Return the field element of EZKL's text; raises ValueError when it is not 32 bytes below r."""
    raw = bytes.fromhex(text)
    element = int.from_bytes(raw, "little")
    if len(raw) != 32 or element >= FIELD_MODULUS:
        raise ValueError(f"{text!r} is not a field element: expected 32 little-endian bytes below r")
    return element
