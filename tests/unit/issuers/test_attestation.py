"""The compact attestation: what holds, and the name of everything that does not."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from oracle.assessment.request import FIELD_MODULUS, Address
from oracle.issuers.attestation import Attestation, Statement, attest, check_attestation, read_attestation
from oracle.issuers.errors import (
    CredentialExpired,
    CredentialRefused,
    MalformedCredential,
    UnknownIssuer,
    WrongBorrower,
    WrongCommitment,
    WrongSchema,
    WrongSignature,
)
from oracle.issuers.signing import AccountKey, AttestationKey, KeyType, P256Key, PublicKey, RegistryDomain

DOMAIN = RegistryDomain(31337, Address("0x" + "51" * 20))
SAID = Statement(Address("0x" + "a1" * 20), 123456789, b"\x07" * 32, 2_000_000_000)
ACCOUNT = AccountKey(Account.from_key("0x" + "11" * 32))
P256 = P256Key(ec.derive_private_key(0x1234567, ec.SECP256R1()))
OTHER = AccountKey(Account.from_key("0x" + "22" * 32))
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def _check(attestation: Attestation, key: AttestationKey = ACCOUNT, **changed: Any) -> None:
    expected: dict[str, Any] = {
        "domain": DOMAIN,
        "issuers": {key.public.issuer_id: key.public},
        "schemas": frozenset({SAID.schema}),
        "borrower": SAID.borrower,
        "data_commitment": SAID.data_commitment,
        "now": SAID.valid_until,
    }
    check_attestation(attestation, **(expected | changed))


@pytest.mark.parametrize(("key", "length"), [(ACCOUNT, 65), (P256, 128)], ids=["secp256k1", "p256"])
def test_attestation__when_signed__then_it_holds_and_survives_json(key: AttestationKey, length: int) -> None:
    made = attest(key, DOMAIN, SAID)
    assert len(made.signature) == length
    read = read_attestation(made.plain())
    assert read == made
    _check(read, key)


def test_digest__when_built_by_hand_as_the_registry_does__then_it_is_the_same() -> None:
    typed = keccak(text="DataAttestation(address borrower,bytes32 dataCommitment,bytes32 schema,uint64 validUntil)")
    domain = keccak(text="EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    separator = keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [domain, keccak(text="AI Risk Oracle Issuers"), keccak(text="1"), 31337, DOMAIN.registry],
        )
    )
    struct = keccak(
        encode(
            ["bytes32", "address", "bytes32", "bytes32", "uint64"],
            [typed, SAID.borrower, SAID.data_commitment.to_bytes(32, "big"), SAID.schema, SAID.valid_until],
        )
    )
    assert SAID.digest(DOMAIN) == keccak(b"\x19\x01" + separator + struct)


def test_issuer_id__when_of_either_curve__then_it_is_the_registrys() -> None:
    assert ACCOUNT.public.issuer_id == keccak(encode(["uint8", "bytes"], [1, ACCOUNT.public.key]))
    assert P256.public.issuer_id == keccak(encode(["uint8", "bytes"], [2, P256.public.key]))


def test_p256__when_signed_many_times__then_s_is_always_the_lower() -> None:
    for place in range(32):
        signature = attest(P256, DOMAIN, replace(SAID, data_commitment=1 + place)).signature
        assert int.from_bytes(signature[32:64], "big") <= P256_ORDER // 2


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"issuers": {OTHER.public.issuer_id: OTHER.public}}, UnknownIssuer),
        ({"schemas": frozenset({b"\x08" * 32})}, WrongSchema),
        ({"borrower": Address("0x" + "b0" * 20)}, WrongBorrower),
        ({"data_commitment": 5}, WrongCommitment),
        ({"now": SAID.valid_until + 1}, CredentialExpired),
        ({"now": SAID.valid_until + 61, "clock_skew_seconds": 60}, CredentialExpired),
        ({"domain": RegistryDomain(1, DOMAIN.registry)}, MalformedCredential),
        ({"domain": RegistryDomain(31337, Address("0x" + "52" * 20))}, MalformedCredential),
    ],
)
def test_check__when_one_thing_differs__then_the_error_names_it(
    changed: dict[str, Any], error: type[CredentialRefused]
) -> None:
    with pytest.raises(error):
        _check(attest(ACCOUNT, DOMAIN, SAID), **changed)


def test_check__when_clocks_differ_within_the_skew__then_it_holds() -> None:
    _check(attest(ACCOUNT, DOMAIN, SAID), now=SAID.valid_until + 59, clock_skew_seconds=60)


@pytest.mark.parametrize("key", [ACCOUNT, P256], ids=["secp256k1", "p256"])
def test_check__when_a_signature_is_another_s_or_malleable__then_it_is_refused(key: AttestationKey) -> None:
    made = attest(key, DOMAIN, SAID)
    order = P256_ORDER if key is P256 else 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    r, s, v = made.signature[:32], int.from_bytes(made.signature[32:64], "big"), made.signature[64:]
    high = r + (order - s).to_bytes(32, "big") + (v if key is P256 else bytes([55 - v[0]]))
    elsewhere = attest(key, RegistryDomain(1, DOMAIN.registry), SAID).signature
    another = b"\1" + v[1:] if key is P256 else bytes([54 - v[0] + 1])
    for wrong in (
        high,
        elsewhere,
        made.signature[:64] + another,
        made.signature[:-1],
        b"",
        bytes(len(made.signature)),
        r + r + v,
    ):
        with pytest.raises(WrongSignature):
            _check(replace(made, signature=wrong), key)


def test_check__when_the_key_is_no_point__then_nothing_is_its_signature() -> None:
    broken = PublicKey(KeyType.P256, b"\x01" * 64)
    assert not broken.signed(SAID.digest(DOMAIN), attest(P256, DOMAIN, SAID).signature)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("data_commitment", "0x" + "ff" * 32, "field"),
        ("data_commitment", f"0x{FIELD_MODULUS:064x}", "field"),
        ("data_commitment", "0x" + "00" * 32, "field"),
        ("data_commitment", "0x12", "64 hex digits"),
        ("schema", "0x" + "0g" * 32, "64 hex digits"),
        ("borrower", "0x12", "not an address"),
        ("valid_until", "1e9", "decimal"),
        ("valid_until", "0", "Unix seconds"),
        ("valid_until", str(2**64), "below 2\\^64"),
        ("valid_until", None, "no text"),
        ("signature", "zz", "hex digits"),
        ("issuer", 5, "no text"),
    ],
)
def test_read__when_a_field_is_wrong__then_the_error_names_it(name: str, value: Any, told: str) -> None:
    plain: dict[str, Any] = dict(attest(ACCOUNT, DOMAIN, SAID).plain())
    with pytest.raises(MalformedCredential, match=told):
        read_attestation(plain | {name: value})


def test_read__when_it_is_no_object__then_it_is_refused() -> None:
    with pytest.raises(MalformedCredential):
        read_attestation([])


def test_attest__when_no_registry_could_take_it__then_nothing_is_signed() -> None:
    for wrong in ({"data_commitment": FIELD_MODULUS}, {"schema": b"\x07"}, {"valid_until": 2**64}):
        with pytest.raises(MalformedCredential):
            attest(ACCOUNT, DOMAIN, replace(SAID, **wrong))  # type: ignore[arg-type]
