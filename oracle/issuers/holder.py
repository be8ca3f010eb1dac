"""A holder's key: P-256, which credentials are bound to and which their presentations are signed with."""

import os
import time
from pathlib import Path
from typing import Any, NoReturn, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from openvc.errors import OpenvcError
from openvc.keys import P256SigningKey, jwk_thumbprint

from oracle.issuers.errors import IssuerFault


class HolderKey:
    """A private key of a holder; it never leaves this object, but to a file of its owner's."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.signing = P256SigningKey(key, "")
        self.public_jwk: dict[str, Any] = self.signing.public_jwk()
        self.thumbprint = jwk_thumbprint(self.public_jwk)

    def __repr__(self) -> str:
        return f"HolderKey({self.thumbprint})"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a key is not pickled or copied")

    @classmethod
    def fresh(cls) -> Self:
        """Return a new key: one for each credential, or credentials can be told to be one holder's."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a PEM file; raises IssuerFault."""
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError
            return cls(key)
        except OSError as error:
            raise IssuerFault(f"{file} cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, OpenvcError):
            raise IssuerFault(f"{file} does not hold a P-256 private key (PEM, without a password)") from None

    def save(self, file: Path) -> None:
        """Write a new PEM file for its owner alone; raises IssuerFault where there is one."""
        kind = serialization.PrivateFormat.PKCS8
        pem = self._key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise IssuerFault(f"{file} cannot be made: {error.strerror}") from None
        with os.fdopen(descriptor, "wb") as content:
            content.write(pem)

    def prove_possession(self, issuer: str, nonce: str) -> str:
        """Return the key proof of a credential request (openid4vci-proof+jwt)."""
        header = {"typ": "openid4vci-proof+jwt", "jwk": self.public_jwk}
        claims = {"aud": issuer, "iat": int(time.time()), "nonce": nonce}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=header)
