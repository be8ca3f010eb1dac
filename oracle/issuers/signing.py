"""What issuers and borrowers sign with: accounts and P-256 keys, and the EIP-712 domain of a registry of issuers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NoReturn, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature, encode_dss_signature
from eth_abi.abi import encode
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from oracle.assessment.report import Domain
from oracle.assessment.request import Address

DOMAIN_NAME: Final = "AI Risk Oracle Issuers"
DOMAIN_VERSION: Final = "1"
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SECP256K1_HALF: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2


class KeyType(IntEnum):
    """The curve of an issuer's key, as the registry numbers it."""

    SECP256K1 = 1
    P256 = 2


@dataclass(frozen=True, slots=True)
class RegistryDomain:
    """The EIP-712 domain of what issuers sign: one registry on one chain."""

    chain_id: int
    registry: Address

    def message(self, primary_type: str, fields: list[dict[str, str]], values: dict[str, Any]) -> dict[str, Any]:
        """Return a full EIP-712 message (the JSON shape of eth_signTypedData_v4)."""
        return Domain(self.chain_id, self.registry, DOMAIN_NAME, DOMAIN_VERSION).message(primary_type, fields, values)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An issuer's public key: a 20-byte account, or the 64 bytes x ‖ y of a P-256 point."""

    kind: KeyType
    key: bytes

    @property
    def issuer_id(self) -> bytes:
        """The registry's name for it: keccak256(abi.encode(uint8 keyType, bytes key))."""
        return keccak(encode(["uint8", "bytes"], [int(self.kind), self.key]))

    def signed(self, digest: bytes, signature: bytes) -> bool:
        """Tell whether a signature over a digest is this key's; one that the registry would not take is none."""
        if self.kind is KeyType.SECP256K1:
            return _recovered(digest, signature) == self.key
        # The key comes with its signature, and the issuer's id is its hash: the registry need not keep it.
        if len(signature) != 128 or signature[64:] != self.key:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        if not 0 < r < _P256_ORDER or not 0 < s <= _P256_ORDER // 2:
            return False
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + self.key)
            point.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        except (InvalidSignature, ValueError):
            return False
        return True


class AttestationKey(Protocol):
    """A private key that attests."""

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        ...

    def sign(self, message: dict[str, Any]) -> bytes:
        """Return the signature of an EIP-712 message, as the registry takes it."""
        ...


class AccountKey:
    """A secp256k1 key: it attests as an Ethereum account, and can send transactions."""

    def __init__(self, account: LocalAccount) -> None:
        self.account = account
        self.public = PublicKey(KeyType.SECP256K1, bytes.fromhex(account.address[2:]))

    def __repr__(self) -> str:
        return f"AccountKey({self.account.address})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied")

    def sign(self, message: dict[str, Any]) -> bytes:
        """Return r ‖ s ‖ v."""
        return bytes(self.account.sign_typed_data(full_message=message).signature)


class P256Key:
    """A P-256 key, as hardware and cloud key stores hold them."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        point = key.public_key().public_numbers()
        self.public = PublicKey(KeyType.P256, point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big"))

    def __repr__(self) -> str:
        return f"P256Key(0x{self.public.key.hex()})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied")

    def sign(self, message: dict[str, Any]) -> bytes:
        """Return r ‖ s ‖ x ‖ y with the lower of the two values of s: the registry takes no other."""
        der = self._key.sign(typed_digest(message), ec.ECDSA(Prehashed(hashes.SHA256())))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + min(s, _P256_ORDER - s).to_bytes(32, "big") + self.public.key


def typed_digest(message: dict[str, Any]) -> bytes:
    """Return the 32-byte digest of an EIP-712 message."""
    encoded = encode_typed_data(full_message=message)
    return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


def account_signed(account: Address, message: dict[str, Any], signature: bytes) -> bool:
    """Tell whether an externally owned account signed an EIP-712 message; a contract's own rules are not known here."""
    return _recovered(typed_digest(message), signature) == bytes.fromhex(account[2:])


def _recovered(digest: bytes, signature: bytes) -> bytes | None:
    """Return the account whose 65-byte low-s signature this is, None for what no contract would take."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    try:
        found = Signature(signature[:64] + bytes([signature[64] - 27]))
        if found.s > _SECP256K1_HALF:
            return None
        return found.recover_public_key_from_msg_hash(digest).to_canonical_address()
    except (BadSignature, ValidationError):
        return None
