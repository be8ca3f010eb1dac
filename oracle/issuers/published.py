"""What issuers publish for those who check: their keys and their status lists, fetched, verified and kept a while.

Nothing else is fetched than what stands below an issuer that the reader trusts, over HTTPS (or loopback).
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import aiohttp
from openvc.errors import OpenvcError
from openvc.status.bitstring import StatusListError
from openvc.status.issue import verify_status_list_token
from openvc.status.token_status_list import check_token_status
from yarl import URL

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import to_address
from oracle.issuers.credential import CLOCK_SKEW_SECONDS, Checked
from oracle.issuers.errors import (
    CredentialRevoked,
    MalformedCredential,
    StatusPending,
    StatusUnavailable,
    UnknownIssuer,
    UnknownIssuerKey,
)
from oracle.issuers.segments import opened
from oracle.issuers.signing import KeyType, PublicKey, RegistryDomain

KEYS_NAME: Final = "jwt-vc-issuer"
_LARGEST_BYTES: Final = 4_194_304
_SECONDS: Final = aiohttp.ClientTimeout(total=10)
_KEYS_SECONDS: Final = 600
# A stranger's credentials must not make us ask an issuer again and again.
_KEYS_AGAIN_SECONDS: Final = 10
_LONGEST_STATUS_SECONDS: Final = 3_600
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class WhenUnavailable(StrEnum):
    """What to do with a credential whose issuer cannot be asked: refuse it, or wait and ask again."""

    REFUSE = "refuse"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer whose credentials count, by its URL; `keys` are its JWKs, None: those that it publishes."""

    url: str
    keys: tuple[Mapping[str, Any], ...] | None = None

    def __post_init__(self) -> None:
        check_url(self.url)


@dataclass(frozen=True, slots=True)
class Attester:
    """By which keys an issuer attests, for which registry."""

    domain: RegistryDomain
    keys: tuple[PublicKey, ...]


@dataclass(slots=True)
class _Fetched:
    at: float
    value: Any
    until: float = field(default=0.0)


class Publications:
    """The trusted issuers' publications, shared by all checks of a process."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        issuers: Sequence[TrustedIssuer],
        *,
        unavailable: WhenUnavailable = WhenUnavailable.REFUSE,
        clock_skew_seconds: int = CLOCK_SKEW_SECONDS,
    ) -> None:
        self._session = session
        self._issuers = {one.url: one for one in issuers}
        self._unavailable = unavailable
        self._skew = clock_skew_seconds
        self._keys: dict[str, _Fetched] = {}
        self._lists: dict[str, _Fetched] = {}

    async def key(self, issuer: str, kid: str | None) -> dict[str, Any]:
        """Return an issuer's public key by its id; raises UnknownIssuer, UnknownIssuerKey, or what `unavailable` says.

        A key that is not among those known is asked for again: the issuer may have begun to use a new one.
        """
        trusted = self._issuers.get(issuer)
        if trusted is None:
            raise UnknownIssuer(f"issuer {issuer!r} is none of the {len(self._issuers)} that are trusted here")
        known = self._keys.get(issuer)
        keys = trusted.keys if trusted.keys is not None else known.value if known is not None else ()
        found = _choose(keys, kid)
        now = time.monotonic()
        stale = known is None or now - known.at > (_KEYS_SECONDS if found else _KEYS_AGAIN_SECONDS)
        if trusted.keys is None and stale:
            keys = await self._fetch_keys(issuer)
            self._keys[issuer] = _Fetched(now, keys)
            found = _choose(keys, kid)
        if found is None:
            raise UnknownIssuerKey(
                f"issuer {issuer} does not publish the key {kid!r}: the credential is older than the issuer's keys, or "
                "not of this issuer; ask it for a new one"
            )
        return dict(found)

    async def attester(self, issuer: str) -> Attester:
        """Return by which keys an issuer attests, in which registry; the registry's own word counts more."""
        if issuer not in self._issuers:
            raise UnknownIssuer(f"issuer {issuer!r} is none of the {len(self._issuers)} that are trusted here")
        url = str(well_known(issuer, "openid-credential-issuer"))
        try:
            told = json.loads(await self._fetch(url, "application/json"))["risk_oracle"]
            domain = RegistryDomain(int(told["chain_id"]), to_address(told["registry"]))
            keys = [
                PublicKey(KeyType(one["key_type"]), bytes.fromhex(one["key"][2:])) for one in told["attestation_keys"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidRequest):
            raise self._away(f"{url} does not say by which keys the issuer attests") from None
        return Attester(domain, tuple(keys))

    async def check_status(self, checked: Checked) -> None:
        """Raise CredentialRevoked where the issuer took a credential back; or what `unavailable` says."""
        claims = dict(checked.claims)
        uri = _status_uri(claims)
        if not uri.startswith(f"{checked.issuer.rstrip('/')}/"):
            raise MalformedCredential(f"the credential's status list {uri} is not its issuer's ({checked.issuer})")
        listed = await self._status_list(checked.issuer, uri)
        try:
            found = check_token_status(claims, resolve_status_list_token=lambda _: listed)
        except StatusListError as error:
            raise MalformedCredential(f"the credential's place in its status list: {error}") from None
        if found is None or found.status:
            raise CredentialRevoked(
                f"{checked.issuer} {'suspended' if found and found.suspended else 'revoked'} this credential"
            )

    async def _status_list(self, issuer: str, uri: str) -> dict[str, Any]:
        known, now = self._lists.get(uri), time.monotonic()
        if known is not None and now < known.until:
            return dict(known.value)
        token = await self._fetch(uri, "application/statuslist+jwt")
        try:
            key = await self.key(issuer, _kid_of(token))
            claims = verify_status_list_token(token, public_key_jwk=key, expected_uri=uri, leeway_s=self._skew)
        except (OpenvcError, UnknownIssuerKey, MalformedCredential) as error:
            raise self._away(f"the status list {uri} does not hold: {error}") from None
        ttl = claims.get("ttl")
        seconds = ttl if isinstance(ttl, int) and 0 < ttl < _LONGEST_STATUS_SECONDS else 0
        self._lists[uri] = _Fetched(now, claims, now + seconds)
        return claims

    async def _fetch_keys(self, issuer: str) -> tuple[Mapping[str, Any], ...]:
        url = str(keys_url(issuer))
        try:
            told = json.loads(await self._fetch(url, "application/json"))
            keys = tuple(dict(one) for one in told["jwks"]["keys"])
            named = told["issuer"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._away(f"{url} does not answer with an issuer's keys") from None
        if named != issuer:
            raise UnknownIssuer(f"{url} holds the keys of {named!r}, expected {issuer}")
        return keys

    async def _fetch(self, url: str, kind: str) -> str:
        try:
            async with self._session.get(
                url, timeout=_SECONDS, allow_redirects=False, headers={"Accept": kind}
            ) as answer:
                if answer.status != 200:
                    raise self._away(f"{url} answered with status {answer.status}")
                body = await answer.content.read(_LARGEST_BYTES + 1)
                while len(body) <= _LARGEST_BYTES and (more := await answer.content.read(_LARGEST_BYTES)):
                    body += more
        except (TimeoutError, aiohttp.ClientError) as error:
            raise self._away(f"{url} cannot be had: {error or type(error).__name__}") from None
        if len(body) > _LARGEST_BYTES:
            raise self._away(f"{url} answered with more than {_LARGEST_BYTES} bytes")
        try:
            return body.decode("ascii")
        except UnicodeDecodeError:
            raise self._away(f"{url} did not answer with {kind}") from None

    def _away(self, why: str) -> Exception:
        if self._unavailable is WhenUnavailable.WAIT:
            return StatusPending(f"{why}; it is asked again later")
        return StatusUnavailable(f"{why}: without it the credential is refused; try again when the issuer is back")


def check_url(url: str) -> URL:
    """Return an issuer's URL; raises ConfigurationFault unless it is plain, and HTTPS but on this machine."""
    try:
        given = URL(url)
    except ValueError:
        raise ConfigurationFault(f"{url!r} is no URL") from None
    plain = given.host and not given.query_string and not given.fragment and given.user is None
    if not plain or not (given.scheme == "https" or (given.scheme == "http" and given.host in _LOOPBACK)):
        raise ConfigurationFault(f"{url!r} cannot name an issuer: expected https://host, perhaps with a path")
    return given


def keys_url(issuer: str) -> URL:
    """Return where an issuer publishes its keys: the well-known name goes between host and path."""
    return well_known(issuer, KEYS_NAME)


def well_known(issuer: str, name: str) -> URL:
    """Return the address of an issuer's well-known document (RFC 8615)."""
    given = check_url(issuer)
    return given.with_path(f"/.well-known/{name}{given.path.rstrip('/')}")


def _choose(keys: Sequence[Mapping[str, Any]], kid: str | None) -> Mapping[str, Any] | None:
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((one for one in keys if one.get("kid") == kid), None)


def _status_uri(claims: Mapping[str, Any]) -> str:
    try:
        uri = claims["status"]["status_list"]["uri"]
    except (KeyError, TypeError):
        raise MalformedCredential("the credential names no status list") from None
    if not isinstance(uri, str):
        raise MalformedCredential("the credential's status list is no URL")
    return uri


def _kid_of(token: str) -> str | None:
    header = opened(token.split(".", 1)[0])
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None
