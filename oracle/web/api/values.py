"""The values of the API: addresses, exact integers, hashes; one type checks, writes and documents each."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from eth_utils.address import to_checksum_address
from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import to_address

_SAFE: Final = 2**53 - 1
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)
_BYTES: Final = re.compile(r"0x([0-9a-fA-F]{2})*", re.ASCII)
_HEX_32: Final = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


def _address(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("expected an address: 0x and 40 hex digits")
    try:
        address = to_address(value)
    except InvalidRequest:
        raise ValueError("is not an address: expected 0x and 40 hex digits") from None
    digits = value[2:]
    # All in one case carries no checksum; in both cases it does, and a typing error shows.
    if not (digits.islower() or digits.isupper() or digits.isdigit()) and to_checksum_address(address)[2:] != digits:
        raise ValueError(
            "its checksum (EIP-55) is wrong: a digit may be mistyped; write it in lower case to go without"
        )
    return address


def _not_zero(value: str) -> str:
    if int(value, 16) == 0:
        raise ValueError("is the zero address: expected a wallet's")
    return value


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= _SAFE:
            raise ValueError(
                "a JSON number must be 0 to 2^53 - 1: write it as a text of decimal digits, which is exact"
            )
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return int(value)
    raise ValueError("expected an integer without sign: a text of decimal digits")


def _signed_integer(value: Any) -> int:
    if isinstance(value, str) and value.startswith("-") and _DECIMAL.fullmatch(value[1:]) and value != "-0":
        return -int(value[1:])
    if isinstance(value, int) and not isinstance(value, bool) and -_SAFE <= value < 0:
        return value
    return _integer(value)


def _in_256_bits(value: int) -> int:
    if not -(2**255) <= value < 2**255:
        raise ValueError("expected -2^255 to below 2^255")
    return value


def _hex(value: Any) -> str:
    if not isinstance(value, str) or not _BYTES.fullmatch(value):
        raise ValueError("expected 0x and an even number of hex digits")
    return value.lower()


def _below(bits: int) -> AfterValidator:
    def check(value: int) -> int:
        if value >= 2**bits:
            raise ValueError(f"expected less than 2^{bits}")
        return value

    return AfterValidator(check)


def _hash(value: Any) -> str:
    text = value.lower() if isinstance(value, str) else ""
    if not _HEX_32.fullmatch(text):
        raise ValueError("expected 0x and 64 hex digits")
    return text


def uint_schema(bits: int) -> dict[str, Any]:
    """Return the JSON schema of an exact integer that a client sends."""
    return {
        "anyOf": [
            {"type": "string", "pattern": "^(0|[1-9][0-9]{0,77})$", "description": f"decimal digits, below 2^{bits}"},
            {"type": "integer", "minimum": 0, "maximum": _SAFE},
        ]
    }


_AS_TEXT: Final = PlainSerializer(str, return_type=str)
_ADDRESS_SCHEMA: Final = WithJsonSchema(
    {
        "type": "string",
        "pattern": "^0x[0-9a-fA-F]{40}$",
        "description": "in one case, or with the checksum of EIP-55",
        "examples": ["0x52908400098527886E0F7030069857D2E4169EE7"],
    }
)
_CHECKSUMMED: Final = PlainSerializer(to_checksum_address, return_type=str)
_HASH_SCHEMA: Final = WithJsonSchema({"type": "string", "pattern": "^0x[0-9a-f]{64}$"})

AnyAddress = Annotated[str, BeforeValidator(_address), _CHECKSUMMED, _ADDRESS_SCHEMA]
"""Any address; read in either case, told with its checksum."""

WalletAddress = Annotated[str, BeforeValidator(_address), AfterValidator(_not_zero), _CHECKSUMMED, _ADDRESS_SCHEMA]
"""An address that is not zero."""

UInt256 = Annotated[int, BeforeValidator(_integer), _below(256), _AS_TEXT, WithJsonSchema(uint_schema(256))]
"""An exact integer: a text of decimal digits, or a JSON number up to 2^53 - 1."""

Int256 = Annotated[
    int,
    BeforeValidator(_signed_integer),
    AfterValidator(_in_256_bits),
    _AS_TEXT,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^(0|-?[1-9][0-9]{0,76})$", "description": "decimal digits, 256 bits"},
                {"type": "integer", "minimum": -_SAFE, "maximum": _SAFE},
            ]
        }
    ),
]
"""The same with a sign."""

UInt128 = Annotated[int, BeforeValidator(_integer), _below(128), _AS_TEXT, WithJsonSchema(uint_schema(128))]
"""The same, as wide as an amount in loan terms."""

Exact = Annotated[int, _AS_TEXT, WithJsonSchema({"type": "string", "pattern": "^-?[0-9]+$"})]
"""An integer that is told as decimal digits."""

Hash = Annotated[str, BeforeValidator(_hash), _HASH_SCHEMA]
"""32 bytes as hex."""

Hex = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^0x([0-9a-f]{2})*$"})]
"""Bytes as hex."""

SentHex = Annotated[str, BeforeValidator(_hex), WithJsonSchema({"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"})]
"""Bytes as hex, as a client sends them."""

Moment = Annotated[
    datetime,
    PlainSerializer(lambda moment: moment.astimezone(UTC).isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time, told in UTC."""
