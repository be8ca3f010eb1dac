"""The credential: an SD-JWT VC (RFC 9901) that binds a commitment to a borrower's account and to a holder's key.

Claims that a verifier needs stand in the clear; each of the passport's fields is a disclosure of its own, which the
holder shows or keeps. Decoys make all credentials alike in the number of their disclosures.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openvc.errors import OpenvcError
from openvc.keys import P256SigningKey, jwk_thumbprint
from openvc.proof.errors import SignatureInvalid, UnsupportedAlgorithm
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.status.issue import build_token_status_reference

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.features import PRIVATE_FEATURES
from oracle.assessment.request import FIELD_MODULUS, Address, to_address
from oracle.issuers.errors import (
    CredentialExpired,
    CredentialNotYetValid,
    MalformedCredential,
    UnknownIssuer,
    WrongBorrower,
    WrongCommitment,
    WrongHolder,
    WrongSchema,
    WrongSignature,
)
from oracle.issuers.segments import opened

VCT: Final = "urn:risk-oracle:passport:1"
CLOCK_SKEW_SECONDS: Final = 60
"""How far apart an issuer's clock and a reader's may be."""
LARGEST_BYTES: Final = 65_536
"""No credential of this kind comes near it: a longer text is refused unread."""

_FIELDS: Final = frozenset(feature.name for feature in PRIVATE_FEATURES)
_DISCLOSURES: Final = len(_FIELDS)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a credential says: about whom, which commitment of which schema, by which fields."""

    issuer: str
    borrower: Address
    data_commitment: int
    schema: bytes
    valid_until: int
    fields: Mapping[str, Any]
    status_uri: str
    status_place: int


@dataclass(frozen=True, slots=True)
class Checked:
    """A credential whose issuer, time, type and binding hold; `fields` are those that were disclosed."""

    issuer: str
    borrower: Address
    data_commitment: int
    schema: bytes
    valid_until: int
    holder: Mapping[str, Any]
    fields: Mapping[str, Any]
    claims: Mapping[str, Any]
    presented_by_holder: bool


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a presentation must be bound to: the reader, and a nonce that it gave out for this one."""

    audience: str
    nonce: str


def issue_credential(key: P256SigningKey, contents: Contents, holder_jwk: dict[str, Any]) -> str:
    """Return the signed SD-JWT VC with all its disclosures; raises MalformedCredential for an unknown field."""
    unknown = sorted(contents.fields.keys() - _FIELDS)
    if unknown:
        raise MalformedCredential(f"the passport has no field {', '.join(unknown)}")
    claims = {
        "iss": contents.issuer,
        "iat": int(time.time()),
        "exp": contents.valid_until,
        "borrower": contents.borrower,
        "data_commitment": f"0x{contents.data_commitment:064x}",
        "schema": f"0x{contents.schema.hex()}",
        **build_token_status_reference(uri=contents.status_uri, index=contents.status_place),
        **contents.fields,
    }
    return SdJwtVcProofSuite().issue(
        claims,
        signing_key=key,
        disclosable=list(contents.fields),
        holder_jwk=public_part(holder_jwk),
        vct=VCT,
        decoys=_DISCLOSURES - len(contents.fields),
    )


def peek_issuer(text: str) -> tuple[str, str | None]:
    """Return the issuer and key id that a credential claims, to find the key by; raises MalformedCredential."""
    if len(text) > LARGEST_BYTES:
        raise MalformedCredential(f"the credential has {len(text)} characters, expected {LARGEST_BYTES} at most")
    try:
        return SdJwtVcProofSuite().peek_issuer(text.strip())
    except OpenvcError as error:
        raise MalformedCredential(f"this is no SD-JWT VC: {error}") from None


def check_signed(
    text: str,
    issuer_jwk: dict[str, Any],
    *,
    issuer: str,
    clock_skew_seconds: int = CLOCK_SKEW_SECONDS,
    presentation: Presentation | None = None,
) -> Checked:
    """Check a credential but for its status: signature, type, time, form, and with `presentation` the holder's key.

    Raises a CredentialRefused that says which.
    """
    suite, text = SdJwtVcProofSuite(leeway_s=clock_skew_seconds), text.strip()
    bare, _, binding = text.rpartition("~")
    try:
        verified = suite.verify(f"{bare}~", public_key_jwk=issuer_jwk, check_temporal=False)
    except SignatureInvalid:
        raise WrongSignature(f"the credential's signature is not that of {issuer}") from None
    except UnsupportedAlgorithm as error:
        raise MalformedCredential(f"the credential: {error}; expected ES256") from None
    except OpenvcError as error:
        _check_begun(bare, clock_skew_seconds)
        raise MalformedCredential(f"the credential: {error}") from None
    claims = verified.claims
    if verified.issuer != issuer:
        raise UnknownIssuer(f"the credential is of {verified.issuer}, expected {issuer}")
    if verified.vct != VCT:
        raise WrongSchema(f"the credential is of type {verified.vct}, expected {VCT}")
    if verified.expired:
        raise CredentialExpired(f"the credential was valid until {claims.get('exp')}: ask {issuer} for a new one")
    if presentation is not None:
        _check_presented(suite, text, issuer_jwk, presentation, bool(binding))
    return _checked(claims, issuer, presentation is not None)


def check_expected(
    checked: Checked,
    *,
    borrower: Address,
    data_commitment: int,
    schema: bytes,
    holder_jwk: Mapping[str, Any] | None = None,
) -> None:
    """Raise WrongBorrower, WrongCommitment, WrongSchema or WrongHolder where a credential is about something else."""
    if checked.borrower != borrower:
        raise WrongBorrower(f"the credential is about {checked.borrower}, expected {borrower}")
    if checked.schema != schema:
        raise WrongSchema(f"the credential is of schema 0x{checked.schema.hex()}, expected 0x{schema.hex()}")
    if checked.data_commitment != data_commitment:
        raise WrongCommitment("the credential is about another commitment: each passport and salt needs its own")
    if holder_jwk is not None and thumbprint(checked.holder) != thumbprint(holder_jwk):
        raise WrongHolder("the credential is bound to another holder's key (cnf) than the one expected")


def present(text: str, holder_key: P256SigningKey, asked: Presentation) -> str:
    """Return a credential as its holder shows it to one reader, for one nonce."""
    try:
        return SdJwtVcProofSuite().create_presentation(
            text.strip(), holder_key=holder_key, audience=asked.audience, nonce=asked.nonce
        )
    except OpenvcError as error:
        raise MalformedCredential(f"this is no SD-JWT VC: {error}") from None


def withhold(text: str, shown: frozenset[str]) -> str:
    """Return a credential with the disclosures of some fields only; raises MalformedCredential for an unknown one."""
    unknown = sorted(shown - _FIELDS)
    if unknown:
        raise MalformedCredential(f"the passport has no field {', '.join(unknown)}")
    signed, *disclosures = text.strip().rstrip("~").split("~")
    kept = [one for one in disclosures if opened(one)[1] in shown]
    return "~".join([signed, *kept, ""])


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return a key's RFC 7638 thumbprint; raises MalformedCredential for what is no key."""
    try:
        return jwk_thumbprint(jwk)
    except OpenvcError as error:
        raise MalformedCredential(f"the holder's key: {error}") from None


def public_part(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return a P-256 public key without anything private; raises MalformedCredential for another kind of key."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise MalformedCredential("the holder's key is not a JWK of P-256 (kty EC, crv P-256)")
    thumbprint(jwk)
    return {name: jwk[name] for name in ("kty", "crv", "x", "y")}


def _check_presented(
    suite: SdJwtVcProofSuite, text: str, issuer_jwk: dict[str, Any], asked: Presentation, bound: bool
) -> None:
    if not bound:
        raise WrongHolder("the credential is shown without its holder's signature (key binding), which is needed here")
    try:
        suite.verify(
            text, public_key_jwk=issuer_jwk, audience=asked.audience, nonce=asked.nonce, require_key_binding=True
        )
    except SignatureInvalid:
        raise WrongHolder("the presentation is signed with another key than the credential is bound to (cnf)") from None
    except OpenvcError as error:
        raise WrongHolder(f"the presentation does not hold: {error}") from None


def _checked(claims: Mapping[str, Any], issuer: str, presented: bool) -> Checked:
    holder = claims.get("cnf")
    until = claims.get("exp")
    if not isinstance(holder, Mapping) or not isinstance(holder.get("jwk"), Mapping):
        raise MalformedCredential("the credential is bound to no holder's key (cnf.jwk)")
    if isinstance(until, bool) or not isinstance(until, int):
        raise MalformedCredential("the credential does not say until when it is valid (exp)")
    try:
        borrower = to_address(str(claims.get("borrower")))
    except InvalidRequest:
        raise MalformedCredential("the credential names no borrower's address") from None
    commitment = int.from_bytes(_hash(claims, "data_commitment"), "big")
    if not 0 < commitment < FIELD_MODULUS:
        raise MalformedCredential("the credential's commitment is not below the order of the circuit's field")
    fields = {name: value for name, value in claims.items() if name in _FIELDS}
    schema = _hash(claims, "schema")
    return Checked(issuer, borrower, commitment, schema, until, holder["jwk"], fields, claims, presented)


def _hash(claims: Mapping[str, Any], name: str) -> bytes:
    text = claims.get(name)
    if not isinstance(text, str) or len(text) != 66 or not text.startswith("0x"):
        raise MalformedCredential(f"the credential's {name} is not 0x and 64 hex digits")
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise MalformedCredential(f"the credential's {name} is not 0x and 64 hex digits") from None


def _check_begun(bare: str, clock_skew_seconds: int) -> None:
    """Tell a credential of the future from a malformed one; its signature held before."""
    claims = opened(bare.split("~", 1)[0].split(".")[1])
    for name in ("nbf", "iat"):
        begins = claims.get(name)
        if isinstance(begins, (int, float)) and begins > time.time() + clock_skew_seconds:
            raise CredentialNotYetValid(
                f"the credential is valid from {begins:.0f}, it is {time.time():.0f} here: if that is wrong, set the "
                "clock; otherwise wait"
            )
