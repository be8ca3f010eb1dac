"""The compact attestation: an issuer's signature over borrower, commitment, schema and validity, for contracts.

EIP-712; by secp256k1 (65 bytes r ‖ s ‖ v) or by P-256 over the same digest (128 bytes r ‖ s ‖ x ‖ y).
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import FIELD_MODULUS, Address, to_address
from oracle.issuers.errors import (
    CredentialExpired,
    MalformedCredential,
    UnknownIssuer,
    WrongBorrower,
    WrongCommitment,
    WrongSchema,
    WrongSignature,
)
from oracle.issuers.signing import AttestationKey, PublicKey, RegistryDomain, typed_digest

_FIELDS: Final = [
    {"name": "borrower", "type": "address"},
    {"name": "dataCommitment", "type": "bytes32"},
    {"name": "schema", "type": "bytes32"},
    {"name": "validUntil", "type": "uint64"},
]
_LARGEST_TIME: Final = 2**64 - 1
_HEX: Final = re.compile(r"0x([0-9a-f]{2})*\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """What an issuer says: this borrower's data, of this schema, have this commitment; until then, in Unix seconds."""

    borrower: Address
    data_commitment: int
    schema: bytes
    valid_until: int

    def message(self, domain: RegistryDomain) -> dict[str, Any]:
        """Return the EIP-712 message that the issuer signs."""
        return domain.message(
            "DataAttestation",
            _FIELDS,
            {
                "borrower": self.borrower,
                "dataCommitment": self.data_commitment.to_bytes(32, "big"),
                "schema": self.schema,
                "validUntil": self.valid_until,
            },
        )

    def digest(self, domain: RegistryDomain) -> bytes:
        """Return the 32 bytes that are signed."""
        return typed_digest(self.message(domain))


@dataclass(frozen=True, slots=True)
class Attestation:
    """A statement and an issuer's signature under it, for one registry."""

    domain: RegistryDomain
    statement: Statement
    issuer: bytes
    signature: bytes

    def plain(self) -> dict[str, str]:
        """Return it as JSON: hex with 0x, whole numbers as decimal digits."""
        said = self.statement
        return {
            "chain_id": str(self.domain.chain_id),
            "registry": self.domain.registry,
            "borrower": said.borrower,
            "data_commitment": f"0x{said.data_commitment:064x}",
            "issuer": f"0x{self.issuer.hex()}",
            "schema": f"0x{said.schema.hex()}",
            "valid_until": str(said.valid_until),
            "signature": f"0x{self.signature.hex()}",
        }


def attest(key: AttestationKey, domain: RegistryDomain, statement: Statement) -> Attestation:
    """Return an attestation; raises MalformedCredential for a statement that no registry could take."""
    _check(statement)
    return Attestation(domain, statement, key.public.issuer_id, key.sign(statement.message(domain)))


def read_attestation(given: Any) -> Attestation:
    """Return the attestation that a JSON object holds; raises MalformedCredential that names the field."""
    if not isinstance(given, Mapping):
        raise MalformedCredential("the attestation is not a JSON object")
    try:
        statement = Statement(
            to_address(_text(given, "borrower")),
            int.from_bytes(_bytes(given, "data_commitment", 32), "big"),
            _bytes(given, "schema", 32),
            _whole(given, "valid_until"),
        )
        domain = RegistryDomain(_whole(given, "chain_id"), to_address(_text(given, "registry")))
    except InvalidRequest as error:
        raise MalformedCredential(f"the attestation: {error}") from None
    _check(statement)
    return Attestation(domain, statement, _bytes(given, "issuer", 32), _bytes(given, "signature", None))


def check_attestation(
    attestation: Attestation,
    *,
    domain: RegistryDomain,
    issuers: Mapping[bytes, PublicKey],
    schemas: frozenset[bytes],
    borrower: Address,
    data_commitment: int,
    clock_skew_seconds: int = 0,
    now: float | None = None,
) -> None:
    """Check all that an attestation says but its revocation, which the registry alone knows; raises CredentialRefused.

    `issuers` are those that count, by id. Without a skew as the registry judges it: valid up to and in that second.
    """
    said, instant = attestation.statement, time.time() if now is None else now
    if attestation.domain != domain:
        raise MalformedCredential(
            f"the attestation is for registry {attestation.domain.registry} of chain {attestation.domain.chain_id}, "
            f"expected {domain.registry} of chain {domain.chain_id}"
        )
    key = issuers.get(attestation.issuer)
    if key is None:
        raise UnknownIssuer(f"issuer 0x{attestation.issuer.hex()} is none of the {len(issuers)} that are accepted")
    if not key.signed(said.digest(domain), attestation.signature):
        raise WrongSignature(f"the attestation's signature is not that of issuer 0x{attestation.issuer.hex()}")
    if said.schema not in schemas:
        raise WrongSchema(f"the attestation is of schema 0x{said.schema.hex()}, which is not accepted")
    if said.borrower != borrower:
        raise WrongBorrower(f"the attestation is about {said.borrower}, expected {borrower}")
    if said.data_commitment != data_commitment:
        raise WrongCommitment("the attestation is about another commitment: each passport and salt needs its own")
    if instant > said.valid_until + clock_skew_seconds:
        raise CredentialExpired(
            f"the attestation was valid until {said.valid_until}, it is {int(instant)}: ask the issuer for a new one"
        )


def _check(statement: Statement) -> None:
    if not 0 < statement.data_commitment < FIELD_MODULUS:
        raise MalformedCredential("the data commitment is not below the order of the circuit's field, or is nothing")
    if len(statement.schema) != 32:
        raise MalformedCredential(f"the schema's hash has {len(statement.schema)} bytes, expected 32")
    if not 0 < statement.valid_until <= _LARGEST_TIME:
        raise MalformedCredential(f"valid until {statement.valid_until}: expected Unix seconds below 2^64")


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise MalformedCredential(f"the attestation has no text at {name!r}")
    return value


def _bytes(given: Mapping[str, Any], name: str, length: int | None) -> bytes:
    text = _text(given, name).lower()
    if not _HEX.match(text) or (length is not None and len(text) != 2 + 2 * length):
        expected = "hex digits" if length is None else f"{2 * length} hex digits"
        raise MalformedCredential(f"the attestation's {name} is not 0x and {expected}")
    return bytes.fromhex(text[2:])


def _whole(given: Mapping[str, Any], name: str) -> int:
    text = _text(given, name)
    if not text.isascii() or not text.isdecimal() or len(text) > 20 or int(text) > _LARGEST_TIME:
        raise MalformedCredential(f"the attestation's {name} is not a whole number below 2^64, in decimal digits")
    return int(text)
