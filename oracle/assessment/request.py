"""What is asked: a wallet, a loan, a commitment to private data, and the block that pins it all."""

from dataclasses import dataclass
from typing import Final, NewType

from oracle.assessment.errors import InvalidRequest

Address = NewType("Address", str)
"""An EVM address, lower-case hex with 0x."""

NATIVE_COIN: Final = Address("0x" + "00" * 20)
"""The address that stands for the chain's native coin in loan terms."""

FIELD_MODULUS: Final = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""Order r of the BN254 scalar field: every public instance is below it."""


_LONGEST_ID = 78


def to_address(value: str) -> Address:
    """Return an address in its stored form; raises InvalidRequest for anything but 0x and 40 hex digits."""
    text = value.lower()
    if len(text) != 42 or not text.startswith("0x") or not all(c in "0123456789abcdef" for c in text[2:]):
        raise InvalidRequest(f"{value!r} is not an address: expected 0x and 40 hex digits")
    return Address(text)


def to_request_id(text: str) -> int:
    """Return a request's id of a text of decimal digits; raises InvalidRequest for anything else."""
    # Before it is made a number: of a long text Python makes none, with an error of its own.
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_ID or int(text) >= 1 << 256:
        shown = text if len(text) <= _LONGEST_ID else f"{text[:_LONGEST_ID]}…"
        raise InvalidRequest(f"{shown!r} is no request's id: expected a whole number below 2^256")
    return int(text)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by number and hash; `timestamp` in Unix seconds."""

    number: int
    hash: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """The loan asked about: amounts in the token's smallest unit, duration in seconds."""

    principal_token: Address
    principal: int
    collateral_token: Address
    collateral: int
    duration_seconds: int


@dataclass(frozen=True, slots=True)
class AssessmentRequest:
    """One request as the contract logged it; fee in wei, times in Unix seconds."""

    request_id: int
    user: Address
    requester: Address
    terms: LoanTerms
    data_commitment: int
    fee_wei: int
    requested_at: int
    deadline: int
    block: BlockRef
    transaction_hash: str

    def __post_init__(self) -> None:
        if self.user == NATIVE_COIN:
            raise InvalidRequest(f"request {self.request_id}: the assessed user is the zero address")
        if not 0 <= self.data_commitment < FIELD_MODULUS:
            raise InvalidRequest(f"request {self.request_id}: the data commitment is not a field element")
        if self.deadline <= self.requested_at:
            raise InvalidRequest(f"request {self.request_id}: its deadline {self.deadline} is not after its start")
