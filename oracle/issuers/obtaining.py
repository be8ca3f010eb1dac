"""The borrower's side of the reference issuer: from an offer to a credential, an attestation and an opening."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from eth_account.signers.local import LocalAccount

from oracle.assessment.request import to_address
from oracle.issuers.attestation import Attestation, check_attestation, read_attestation
from oracle.issuers.consent import credential_request_message
from oracle.issuers.credential import CLOCK_SKEW_SECONDS, Checked, check_expected, check_signed, peek_issuer
from oracle.issuers.errors import IssuingRefused
from oracle.issuers.holder import HolderKey
from oracle.issuers.issuing import passport_of_fields, salt_digest
from oracle.issuers.metadata import CONFIGURATION, PRE_AUTHORISED
from oracle.issuers.published import Publications, TrustedIssuer, check_url, well_known
from oracle.issuers.signing import RegistryDomain
from oracle.passports.errors import PassportError
from oracle.passports.opening import Opening, commit, new_salt, salt_to_hex
from oracle.passports.passport import Passport
from oracle.passports.schema import SCHEMA_HASH

_SECONDS: Final = aiohttp.ClientTimeout(total=30)
_LARGEST_BYTES: Final = 262_144


class OfferRefused(IssuingRefused):
    """The issuer did not issue, or what it sent is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a borrower has afterwards; `opening` opens the commitment that both papers are about."""

    credential: str
    attestation: Attestation
    passport: Passport
    opening: Opening


def read_offer(text: str) -> tuple[str, str]:
    """Return the issuer's URL and the code of a credential offer (JSON); raises OfferRefused, ConfigurationFault."""
    try:
        told = json.loads(text)
        url, code = told["credential_issuer"], told["grants"][PRE_AUTHORISED]["pre-authorized_code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise OfferRefused("this is no credential offer with a pre-authorised code: take the issuer's JSON") from None
    check_url(str(url))
    return str(url), str(code)


async def obtain(
    session: aiohttp.ClientSession, offer_text: str, account: LocalAccount, holder_key: HolderKey
) -> Obtained:
    """Take up an offer with a fresh salt; everything that comes back is checked before it is returned.

    `account` is the borrower's, `holder_key` the one that the credential is bound to. Raises OfferRefused,
    CredentialRefused, PassportError.
    """
    url, code = read_offer(offer_text)
    about = await _ask(session.get(str(well_known(url, "openid-credential-issuer")), timeout=_SECONDS))
    try:
        told = about["risk_oracle"]
        domain = RegistryDomain(int(told["chain_id"]), to_address(told["registry"]))
        endpoint, nonces = about["credential_endpoint"], about["nonce_endpoint"]
        server = await _ask(session.get(str(well_known(url, "oauth-authorization-server")), timeout=_SECONDS))
        form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": code}
        token = (await _ask(session.post(server["token_endpoint"], data=form, timeout=_SECONDS)))["access_token"]
        nonce = (await _ask(session.post(nonces, timeout=_SECONDS)))["c_nonce"]
        salt = new_salt()
        wanted = credential_request_message(
            domain, to_address(account.address), url, holder_key.thumbprint, salt_digest(salt), nonce
        )
        body = {
            "credential_configuration_id": CONFIGURATION,
            "proofs": {"jwt": [holder_key.prove_possession(url, nonce)]},
            "salt": salt_to_hex(salt),
            "borrower_signature": account.sign_typed_data(full_message=wanted).signature.to_0x_hex(),
        }
        headers = {"Authorization": f"Bearer {token}"}
        answer = await _ask(session.post(endpoint, json=body, headers=headers, timeout=_SECONDS))
        credential, attestation = answer["credentials"][0]["credential"], read_attestation(answer["attestation"])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise OfferRefused(f"{url} does not answer as an issuer of this kind: {error!r} is wrong or missing") from None
    checked = await _checked(session, url, credential)
    passport, opening = _opened(checked, salt)
    borrower = to_address(account.address)
    check_expected(
        checked,
        borrower=borrower,
        data_commitment=opening.commitment,
        schema=SCHEMA_HASH,
        holder_jwk=holder_key.public_jwk,
    )
    attester = await Publications(session, [TrustedIssuer(url)]).attester(url)
    check_attestation(
        attestation,
        domain=domain,
        issuers={key.issuer_id: key for key in attester.keys},
        schemas=frozenset({SCHEMA_HASH}),
        borrower=borrower,
        data_commitment=opening.commitment,
        clock_skew_seconds=CLOCK_SKEW_SECONDS,
    )
    return Obtained(credential, attestation, passport, opening)


async def _checked(session: aiohttp.ClientSession, url: str, credential: str) -> Checked:
    _, kid = peek_issuer(credential)
    key = await Publications(session, [TrustedIssuer(url)]).key(url, kid)
    return check_signed(credential, key, issuer=url)


def _opened(checked: Checked, salt: tuple[int, ...]) -> tuple[Passport, Opening]:
    try:
        passport = passport_of_fields(dict(checked.fields))
    except PassportError as error:
        raise OfferRefused(f"the credential's fields are no passport: {error}") from None
    return passport, commit(passport, salt)


async def _ask(request: Any) -> Mapping[str, Any]:
    try:
        async with request as answer:
            body = await answer.content.read(_LARGEST_BYTES)
            while len(body) < _LARGEST_BYTES and (more := await answer.content.read(_LARGEST_BYTES)):
                body += more
            told = json.loads(body)
    except (TimeoutError, aiohttp.ClientError) as error:
        raise OfferRefused(f"the issuer cannot be reached: {error or type(error).__name__}") from None
    except (ValueError, RecursionError):
        raise OfferRefused(f"{answer.url} did not answer with JSON (status {answer.status})") from None
    if not isinstance(told, dict):
        raise OfferRefused(f"{answer.url} did not answer with a JSON object")
    if answer.status != 200:
        raise OfferRefused(f"the issuer refused: {told.get('error_description') or told.get('error') or answer.status}")
    return told
