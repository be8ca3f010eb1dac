"""An issuer's keys in one file that its owner alone may read: those that sign now, and those that did before.

Two kinds: P-256 keys that sign credentials and status lists (ES256), and keys that attest, which a registry knows.
"""

import json
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from cryptography.hazmat.primitives.asymmetric import ec
from eth_account import Account
from openvc.keys import P256SigningKey, jwk_thumbprint

from oracle.issuers.errors import IssuerFault
from oracle.issuers.signing import AccountKey, AttestationKey, KeyType, P256Key

_VERSION: Final = 1
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class _Kept:
    """A private key as the file holds it: `secret` is a scalar; times in Unix seconds."""

    kind: KeyType
    secret: int
    made_at: int
    retired_at: int | None = None

    def plain(self) -> dict[str, Any]:
        return {
            "kind": self.kind.name.lower(),
            "secret": f"0x{self.secret:064x}",
            "made_at": self.made_at,
            "retired_at": self.retired_at,
        }


class KeyRing:
    """The keys of a file; the last of each list signs."""

    def __init__(self, file: Path, credential: Sequence[_Kept], attestation: Sequence[_Kept]) -> None:
        self._file = file
        self._credential, self._attestation = list(credential), list(attestation)

    def __repr__(self) -> str:
        return f"KeyRing({self._file})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a key ring is not pickled or copied")

    @classmethod
    def make(cls, file: Path, kind: KeyType) -> Self:
        """Make a file with a fresh key of each use; raises IssuerFault where there is one: nothing is written over."""
        now = int(time.time())
        ring = cls(file, [_fresh(KeyType.P256, now)], [_fresh(kind, now)])
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise IssuerFault(f"{file} exists: it is kept as it is; rotate its keys with --rotate") from None
        except OSError as error:
            raise IssuerFault(f"{file} cannot be made: {error.strerror}") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as content:
            content.write(ring._text())
        return ring

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file; raises IssuerFault unless it is whole, and readable by its owner alone."""
        try:
            mode = file.stat().st_mode
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise IssuerFault(f"{file} is not there: make the issuer's keys with `risk-oracle issuer keys`") from None
        except (OSError, UnicodeDecodeError) as error:
            raise IssuerFault(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'no text'}") from None
        if mode & _OTHERS:
            raise IssuerFault(f"{file} holds private keys and others may read it: chmod 600 {file}")
        try:
            given = json.loads(text)
            if given["version"] != _VERSION:
                raise IssuerFault(f"{file} is of version {given['version']!r}, this release reads {_VERSION}")
            credential = [_kept(one) for one in given["credential"]]
            attestation = [_kept(one) for one in given["attestation"]]
        except (ValueError, KeyError, TypeError):
            # Without the cause: its text may hold a key.
            raise IssuerFault(f"{file} is not a key file of this program: restore it from a backup") from None
        if not credential or not attestation or any(one.kind is not KeyType.P256 for one in credential):
            raise IssuerFault(f"{file} lacks a P-256 key for credentials, or a key that attests: restore a backup")
        return cls(file, credential, attestation)

    def rotate_credential(self) -> None:
        """Sign credentials with a fresh key from now on; the one before stays published while credentials need it."""
        self._credential = _rotated(self._credential, KeyType.P256)
        self._save()

    def rotate_attestation(self, kind: KeyType) -> None:
        """Attest with a fresh key from now on: to a registry it is another issuer, which its owner must add."""
        self._attestation = _rotated(self._attestation, kind)
        self._save()

    @property
    def credential_key(self) -> P256SigningKey:
        """The key that signs credentials and status lists; its `kid` is its thumbprint (RFC 7638)."""
        return _signing(self._credential[-1])

    @property
    def attestation_key(self) -> AttestationKey:
        """The key that attests."""
        return _attesting(self._attestation[-1])

    @property
    def attestation_keys(self) -> list[AttestationKey]:
        """All keys that ever attested, the one that does now last."""
        return [_attesting(one) for one in self._attestation]

    def attestation_key_of(self, issuer_id: bytes) -> AttestationKey:
        """Return the key of a registry's issuer id; raises IssuerFault when it is not here."""
        for key in self.attestation_keys:
            if key.public.issuer_id == issuer_id:
                return key
        raise IssuerFault(f"{self._file} does not hold the key of issuer 0x{issuer_id.hex()}: restore it from a backup")

    def published(self, longest_valid_seconds: int, now: float | None = None) -> list[dict[str, Any]]:
        """Return the public keys, as JWKs, by which credentials may still be checked: a retired one for that long."""
        instant = time.time() if now is None else now
        alive = [
            one
            for one in self._credential
            if one.retired_at is None or one.retired_at + longest_valid_seconds >= instant
        ]
        keys = [_signing(one) for one in alive]
        return [key.public_jwk() | {"kid": key.kid, "alg": key.alg, "use": "sig"} for key in reversed(keys)]

    def _save(self) -> None:
        # Whole or not at all: with half a file the keys would be lost.
        beside = self._file.with_name(f".{self._file.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as content:
            content.write(self._text())
            content.flush()
            os.fsync(content.fileno())
        beside.replace(self._file)

    def _text(self) -> str:
        kept = {"credential": self._credential, "attestation": self._attestation}
        plain = {use: [one.plain() for one in keys] for use, keys in kept.items()}
        return json.dumps({"version": _VERSION, **plain}, indent=1) + "\n"


def _fresh(kind: KeyType, now: int) -> _Kept:
    if kind is KeyType.SECP256K1:
        return _Kept(kind, int.from_bytes(Account.create().key, "big"), now)
    return _Kept(kind, ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value, now)


def _rotated(keys: Sequence[_Kept], kind: KeyType) -> list[_Kept]:
    now = int(time.time())
    *before, last = keys
    return [*before, _Kept(last.kind, last.secret, last.made_at, now), _fresh(kind, now)]


def _kept(given: dict[str, Any]) -> _Kept:
    retired = given["retired_at"]
    kind = KeyType[str(given["kind"]).upper()]
    kept = _Kept(kind, int(given["secret"], 16), int(given["made_at"]), None if retired is None else int(retired))
    _attesting(kept)  # raises for what is no key of the curve
    return kept


def _signing(kept: _Kept) -> P256SigningKey:
    key = P256SigningKey(ec.derive_private_key(kept.secret, ec.SECP256R1()), "")
    return P256SigningKey(ec.derive_private_key(kept.secret, ec.SECP256R1()), jwk_thumbprint(key.public_jwk()))


def _attesting(kept: _Kept) -> AttestationKey:
    if kept.kind is KeyType.SECP256K1:
        return AccountKey(Account.from_key(kept.secret.to_bytes(32, "big")))
    return P256Key(ec.derive_private_key(kept.secret, ec.SECP256R1()))
