"""The reference issuer over HTTP, shaped as OpenID4VCI 1.0: metadata, token, nonce, credential, status list.

It issues what its records say about the borrower of an offer, to whoever has the offer's code and proves two things:
that the holder's key is theirs, and that the borrower's account wants it.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from aiohttp import web
from openvc.errors import OpenvcError
from openvc.openid4vci import CredentialRequestMalformed, ProofReplayed, parse_credential_request
from openvc.openid4vci import verify_credential_request_proofs as verify_proofs
from yarl import URL

from oracle.assessment.request import Address
from oracle.issuers.consent import credential_request_message
from oracle.issuers.errors import IssuerFault, IssuingRefused, WrongConsent
from oracle.issuers.issuing import STATUS_SECONDS, Issuer, salt_digest
from oracle.issuers.journal import Use
from oracle.issuers.metadata import CONFIGURATION, PRE_AUTHORISED, issuer_metadata, key_metadata, server_metadata
from oracle.issuers.nonces import NONCE_SECONDS, Nonces
from oracle.issuers.signing import account_signed
from oracle.passports.errors import PassportError
from oracle.passports.opening import salt_of_hex

LARGEST_BODY_BYTES: Final = 16_384
_TOKEN_SECONDS: Final = 600
_SIGNATURE: Final = re.compile(r"0x[0-9a-fA-F]{130}\Z")
_ISSUER: web.AppKey["Issuer"] = web.AppKey("issuer", Issuer)
_NONCES: web.AppKey["Nonces"] = web.AppKey("nonces", Nonces)
_logger = structlog.get_logger("issuer")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Refusal(Exception):
    """An answer of OAuth's form: status, error code, what to do."""

    def __init__(self, status: int, code: str, why: str) -> None:
        super().__init__(why)
        self.status, self.code, self.why = status, code, why


def application(issuer: Issuer) -> web.Application:
    """Return the issuer's application; routes stand below the path of its URL, which a proxy passes on as it is."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[_errors])
    app[_ISSUER], app[_NONCES] = issuer, Nonces(issuer.journal)
    path = URL(issuer.settings.url).path.rstrip("/")
    app.add_routes(
        [
            web.get(f"/.well-known/openid-credential-issuer{path}", _issuer_metadata),
            web.get(f"/.well-known/oauth-authorization-server{path}", _server_metadata),
            web.get(f"/.well-known/jwt-vc-issuer{path}", _key_metadata),
            web.post(f"{path}/token", _token),
            web.post(f"{path}/nonce", _nonce),
            web.post(f"{path}/credential", _credential),
            web.get(f"{path}/status/1", _status),
        ]
    )
    return app


async def serve(issuer: Issuer) -> tuple[web.AppRunner, int]:
    """Listen where the settings say; return the runner, to be cleaned up by the caller, and the port that was taken."""
    host, port = issuer.settings.host, issuer.settings.port
    runner = web.AppRunner(application(issuer), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise IssuerFault(f"cannot listen on {host}:{port}: {error.strerror}; correct host and port") from None
    return runner, runner.addresses[0][1]


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Refusal as refusal:
        return _refused(refusal.status, refusal.code, refusal.why)
    except web.HTTPRequestEntityTooLarge:
        return _refused(413, "invalid_request", f"the body has more than {LARGEST_BODY_BYTES} bytes")
    except web.HTTPException as error:
        return _refused(error.status, "invalid_request", error.reason)


def _refused(status: int, code: str, why: str) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = f'Bearer error="{code}"'
    return web.json_response({"error": code, "error_description": why}, status=status, headers=headers)


async def _issuer_metadata(request: web.Request) -> web.Response:
    return web.json_response(issuer_metadata(request.app[_ISSUER]))


async def _server_metadata(request: web.Request) -> web.Response:
    return web.json_response(server_metadata(request.app[_ISSUER]))


async def _key_metadata(request: web.Request) -> web.Response:
    return web.json_response(key_metadata(request.app[_ISSUER]))


async def _status(request: web.Request) -> web.Response:
    headers = {"Cache-Control": f"max-age={STATUS_SECONDS}"}
    token = request.app[_ISSUER].status_token()
    return web.Response(text=token, content_type="application/statuslist+jwt", headers=headers)


async def _nonce(request: web.Request) -> web.Response:
    return _private({"c_nonce": request.app[_NONCES].fresh(), "c_nonce_expires_in": NONCE_SECONDS})


async def _token(request: web.Request) -> web.Response:
    form = await request.post()
    if form.get("grant_type") != PRE_AUTHORISED:
        raise _Refusal(400, "unsupported_grant_type", f"expected grant_type {PRE_AUTHORISED}")
    code, journal = form.get("pre-authorized_code"), request.app[_ISSUER].journal
    borrower = journal.take(Use.CODE, code) if isinstance(code, str) else None
    if borrower is None:
        raise _Refusal(400, "invalid_grant", "the code is unknown, used or too old: ask the issuer for a new offer")
    token = journal.grant(Use.TOKEN, borrower, _TOKEN_SECONDS)
    return _private({"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS})


async def _credential(request: web.Request) -> web.Response:
    issuer = request.app[_ISSUER]
    token, borrower = _bearer(request)
    body = await _json(request)
    holder, nonce = _proven_key(request, body)
    salt, consent = _text(body, "salt"), _text(body, "borrower_signature")
    try:
        elements = salt_of_hex(salt)
        wanted = credential_request_message(
            issuer.settings.domain, borrower, issuer.settings.url, holder["thumbprint"], salt_digest(elements), nonce
        )
        if not _SIGNATURE.match(consent) or not account_signed(borrower, wanted, bytes.fromhex(consent[2:])):
            raise WrongConsent(f"borrower_signature is not that of {borrower} over this request (CredentialRequest)")
        # Hashing in the circuit's field takes the processor for milliseconds.
        passport, opening = await asyncio.to_thread(issuer.opening_for, borrower, elements)
        papers = issuer.issue(borrower, passport, opening, holder["jwk"], token)
    except PassportError as error:
        raise _Refusal(400, "invalid_credential_request", str(error)) from None
    except IssuingRefused as error:
        raise _Refusal(400, "credential_request_denied", str(error)) from None
    except IssuerFault as error:
        # Its text may name the issuer's files: for its own people only.
        _logger.error("issuing_failed", error=str(error))
        raise _Refusal(503, "temporarily_unavailable", "the issuer cannot issue now: tell it, and try later") from None
    _logger.info("credential_issued", issuer_key=papers.attestation.issuer.hex())
    answer = {"credentials": [{"credential": papers.credential}], "attestation": papers.attestation.plain()}
    return _private(answer)


def _bearer(request: web.Request) -> tuple[str, Address]:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    borrower = request.app[_ISSUER].journal.holder(Use.TOKEN, token) if kind.lower() == "bearer" else None
    if borrower is None:
        raise _Refusal(401, "invalid_token", "the access token is unknown, used or too old: ask for a new offer")
    return token, borrower


def _proven_key(request: web.Request, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the holder's key that the request proves possession of, and the nonce, which is used up."""
    nonces, url = request.app[_NONCES], request.app[_ISSUER].settings.url
    try:
        asked = parse_credential_request(body, supported_configuration_ids=[CONFIGURATION])
        [proof] = verify_proofs(asked, credential_issuer=url, check_nonce=nonces.use, allowed_algs=frozenset({"ES256"}))
    except CredentialRequestMalformed as error:
        raise _Refusal(400, "invalid_credential_request", str(error)) from None
    except ProofReplayed:
        raise _Refusal(400, "invalid_nonce", "the nonce is unknown, used or too old: fetch a new one") from None
    except OpenvcError as error:
        raise _Refusal(400, "invalid_proof", f"the key's proof of possession: {error}") from None
    return {"jwk": proof.public_jwk, "thumbprint": proof.thumbprint}, proof.nonce or ""


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise _Refusal(400, "invalid_credential_request", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise _Refusal(400, "invalid_credential_request", "the body is not a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _Refusal(400, "invalid_credential_request", f"{name} is missing, or no text")
    return value


def _private(content: dict[str, Any]) -> web.Response:
    return web.json_response(content, headers={"Cache-Control": "no-store"})
