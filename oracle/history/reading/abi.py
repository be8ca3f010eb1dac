"""Contract functions and events as values: how a call is encoded, and its answer or a log decoded."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from oracle.assessment.request import Address


@dataclass(frozen=True)
class Function:
    """A view function by its name and ABI types."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @cached_property
    def selector(self) -> bytes:
        """The first four bytes of the call data."""
        return keccak(text=f"{self.name}({','.join(self.inputs)})")[:4]

    def call_data(self, *arguments: Any) -> str:
        """Return the call data in hex."""
        return "0x" + (self.selector + encode(self.inputs, arguments)).hex()

    def decode_call(self, data: bytes) -> tuple[Any, ...]:
        """Return the arguments of call data, its selector unchecked; raises DecodingError when they do not fit."""
        return decode(self.inputs, data[4:])

    def decode(self, answer: bytes) -> tuple[Any, ...]:
        """Return the values that a call answered; raises eth_abi's DecodingError when they do not fit."""
        return decode(self.outputs, answer)


@dataclass(frozen=True)
class Event:
    """An event by its name, all its types in order, and the types of the parameters that are not indexed."""

    name: str
    types: tuple[str, ...]
    data: tuple[str, ...]

    @cached_property
    def topic(self) -> str:
        """The hash that opens its logs' topics."""
        return "0x" + keccak(text=f"{self.name}({','.join(self.types)})").hex()

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Return the values of the parameters that are not indexed."""
        return decode(self.data, data)


def address_topic(address: Address) -> str:
    """Return an address as an indexed parameter stands in a log."""
    return "0x" + address[2:].rjust(64, "0")


def topic_address(topic: str) -> Address:
    """Return the address that an indexed parameter holds."""
    return Address("0x" + topic[-40:].lower())
