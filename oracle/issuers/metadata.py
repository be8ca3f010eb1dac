"""What an issuer says of itself over HTTP: OpenID4VCI's documents, and the keys of its credentials."""

from typing import Any, Final

from oracle.issuers.credential import VCT
from oracle.issuers.issuing import Issuer
from oracle.issuers.signing import PublicKey
from oracle.passports.schema import GROUPS, SCHEMA_HASH, SCHEMA_ID

CONFIGURATION: Final = "risk_oracle_passport_1"
"""The name of the one kind of credential that is issued."""
PRE_AUTHORISED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


def issuer_metadata(issuer: Issuer) -> dict[str, Any]:
    """Return the Credential Issuer Metadata, with what a lender's registry needs under `risk_oracle`."""
    url = issuer.settings.url
    paths = [{"path": [field.name]} for group in GROUPS.values() for field in group.fields]
    return {
        "credential_issuer": url,
        "credential_endpoint": f"{url}/credential",
        "nonce_endpoint": f"{url}/nonce",
        "display": [{"name": issuer.settings.name or url}],
        "credential_configurations_supported": {
            CONFIGURATION: {
                "format": "dc+sd-jwt",
                "vct": VCT,
                "cryptographic_binding_methods_supported": ["jwk"],
                "credential_signing_alg_values_supported": ["ES256"],
                "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
                "credential_metadata": {"claims": paths},
            }
        },
        "risk_oracle": {
            "chain_id": str(issuer.settings.chain_id),
            "registry": issuer.settings.registry,
            "attestation_keys": [_attester(one.public) for one in reversed(issuer.keys.attestation_keys)],
            "schemas": [{"id": SCHEMA_ID, "hash": f"0x{SCHEMA_HASH.hex()}"}],
        },
    }


def server_metadata(issuer: Issuer) -> dict[str, Any]:
    """Return the authorisation server's metadata (RFC 8414): the issuer is its own."""
    url = issuer.settings.url
    return {
        "issuer": url,
        "token_endpoint": f"{url}/token",
        "grant_types_supported": [PRE_AUTHORISED],
        "pre-authorized_grant_anonymous_access_supported": True,
        "response_types_supported": [],
    }


def key_metadata(issuer: Issuer) -> dict[str, Any]:
    """Return the keys by which credentials and status lists are checked: those of before stay while they are needed."""
    keys = issuer.keys.published(issuer.settings.valid_seconds)
    return {"issuer": issuer.settings.url, "jwks": {"keys": keys}}


def offer(issuer: Issuer, code: str) -> dict[str, Any]:
    """Return a Credential Offer with a pre-authorised code."""
    return {
        "credential_issuer": issuer.settings.url,
        "credential_configuration_ids": [CONFIGURATION],
        "grants": {PRE_AUTHORISED: {"pre-authorized_code": code}},
    }


def _attester(key: PublicKey) -> dict[str, Any]:
    return {"issuer": f"0x{key.issuer_id.hex()}", "key_type": int(key.kind), "key": f"0x{key.key.hex()}"}
