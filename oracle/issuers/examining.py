"""All papers of a borrower examined at once, as a lender without a chain does."""

import json
from collections.abc import Sequence
from typing import Any

import aiohttp

from oracle.assessment.request import Address
from oracle.issuers.attestation import check_attestation, read_attestation
from oracle.issuers.credential import (
    CLOCK_SKEW_SECONDS,
    Checked,
    Presentation,
    check_expected,
    check_signed,
    peek_issuer,
)
from oracle.issuers.errors import MalformedCredential
from oracle.issuers.published import Publications, TrustedIssuer, WhenUnavailable
from oracle.passports.schema import SCHEMA_HASH


async def check_credential(
    credential: str,
    publications: Publications,
    *,
    borrower: Address,
    data_commitment: int,
    schema: bytes = SCHEMA_HASH,
    clock_skew_seconds: int = CLOCK_SKEW_SECONDS,
    presentation: Presentation | None = None,
) -> Checked:
    """Check a credential whole: issuer, key, signature, time, type, borrower, commitment, and that it was not revoked.

    With `presentation`, also that its holder shows it, here and now. Raises a CredentialRefused that says which, or
    StatusPending where the issuer cannot be asked and the policy is to wait.
    """
    issuer, kid = peek_issuer(credential)
    key = await publications.key(issuer, kid)
    checked = check_signed(
        credential, key, issuer=issuer, clock_skew_seconds=clock_skew_seconds, presentation=presentation
    )
    check_expected(checked, borrower=borrower, data_commitment=data_commitment, schema=schema)
    await publications.check_status(checked)
    return checked


async def examine(
    content: bytes,
    issuers: Sequence[str],
    borrower: Address,
    data_commitment: int,
    *,
    unavailable: WhenUnavailable,
    skew: int = CLOCK_SKEW_SECONDS,
) -> dict[str, Any]:
    """Check a file with credential and attestation; return what holds, as JSON. Raises as `check_credential`."""
    try:
        papers = json.loads(content)
        credential, given = papers["credential"], papers["attestation"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise MalformedCredential("the file is not JSON with credential and attestation") from None
    if not isinstance(credential, str):
        raise MalformedCredential("the file's credential is no text")
    attestation = read_attestation(given)
    trusted = [TrustedIssuer(url) for url in issuers]
    async with aiohttp.ClientSession() as session:
        publications = Publications(session, trusted, unavailable=unavailable, clock_skew_seconds=skew)
        checked = await check_credential(
            credential,
            publications,
            borrower=borrower,
            data_commitment=data_commitment,
            clock_skew_seconds=skew,
        )
        attester = await publications.attester(checked.issuer)
    check_attestation(
        attestation,
        domain=attester.domain,
        issuers={key.issuer_id: key for key in attester.keys},
        schemas=frozenset({checked.schema}),
        borrower=borrower,
        data_commitment=data_commitment,
        clock_skew_seconds=skew,
    )
    return {
        "issuer": checked.issuer,
        "borrower": borrower,
        "data_commitment": f"0x{data_commitment:064x}",
        "valid_until": checked.valid_until,
        "disclosed": sorted(checked.fields),
        "attestation": attestation.plain(),
    }
