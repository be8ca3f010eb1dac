"""The consent by which a borrower lets somebody ask about them, in its EIP-712 form."""

from typing import Any, Final

from oracle.assessment.report import Domain
from oracle.assessment.request import Address, LoanTerms

_CONSENT_FIELDS: Final = [
    {"name": "user", "type": "address"},
    {"name": "requester", "type": "address"},
    {"name": "terms", "type": "LoanTerms"},
    {"name": "dataCommitment", "type": "bytes32"},
    {"name": "nonce", "type": "uint256"},
    {"name": "validUntil", "type": "uint64"},
]
_TERMS_FIELDS: Final = [
    {"name": "principalToken", "type": "address"},
    {"name": "principal", "type": "uint128"},
    {"name": "collateralToken", "type": "address"},
    {"name": "collateral", "type": "uint128"},
    {"name": "duration", "type": "uint32"},
]


def consent_message(
    domain: Domain,
    user: Address,
    requester: Address,
    terms: LoanTerms,
    data_commitment: int,
    nonce: int,
    valid_until: int,
) -> dict[str, Any]:
    """Return the EIP-712 message that `user` signs so that `requester` may ask about them, until then and once.

    `nonce` is the contract's for that user, `valid_until` in Unix seconds.
    """
    values = {
        "user": user,
        "requester": requester,
        "terms": {
            "principalToken": terms.principal_token,
            "principal": terms.principal,
            "collateralToken": terms.collateral_token,
            "collateral": terms.collateral,
            "duration": terms.duration_seconds,
        },
        "dataCommitment": data_commitment.to_bytes(32, "big"),
        "nonce": nonce,
        "validUntil": valid_until,
    }
    message = domain.message("Consent", _CONSENT_FIELDS, values)
    return message | {"types": message["types"] | {"LoanTerms": _TERMS_FIELDS}}
