"""A borrower's word to an issuer: this account wants a credential for this holder's key, by this nonce."""

from typing import Any, Final

from oracle.assessment.request import Address
from oracle.issuers.signing import RegistryDomain

_FIELDS: Final = [
    {"name": "borrower", "type": "address"},
    {"name": "issuer", "type": "string"},
    {"name": "holderKey", "type": "string"},
    {"name": "saltDigest", "type": "bytes32"},
    {"name": "nonce", "type": "string"},
]


def credential_request_message(
    domain: RegistryDomain, borrower: Address, issuer: str, holder_thumbprint: str, salt_digest: bytes, nonce: str
) -> dict[str, Any]:
    """Return the EIP-712 message that a borrower's account signs to be issued a credential.

    `holder_thumbprint` is the RFC 7638 thumbprint of the key that the credential is bound to, `salt_digest` the SHA-256
    of the salt, `nonce` the issuer's: so nobody else's key or salt can be put under the borrower's name.
    """
    values = {
        "borrower": borrower,
        "issuer": issuer,
        "holderKey": holder_thumbprint,
        "saltDigest": salt_digest,
        "nonce": nonce,
    }
    return domain.message("CredentialRequest", _FIELDS, values)
