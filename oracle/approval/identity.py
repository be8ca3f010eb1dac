"""Who a party is: a key that signs its messages and one that shares are sealed to; and the roster of all four.

Ed25519 and not an Ethereum key: an application takes some twenty signatures and sixty checks, microseconds each here
and milliseconds there, and the key that speaks for a party on a chain need not lie beside a web client.
"""

import contextlib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from oracle.approval.errors import VaultFault

_NONCE: Final = 12
_KEY: Final = 32
_WRAPPED: Final = _KEY + 16


@dataclass(frozen=True)
class PublicIdentity:
    """What the others know of a party: 32 bytes each."""

    signing: bytes
    sealing: bytes

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether this party signed these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.signing).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Identity:
    """A party's own keys, made from one secret of 32 bytes."""

    secret: bytes

    @classmethod
    def of_file(cls, file: Path) -> Self:
        """Return the identity in a file, made anew where there is none, readable by its owner alone.

        Raises VaultFault for a file that others may read, or that holds anything else.
        """
        if not file.exists():
            # Whole or not at all: half a key file is one that nobody can tell from a wrong one.
            part = file.with_name(f".{file.name}.{os.urandom(4).hex()}")
            write_private(part, os.urandom(_KEY).hex().encode() + b"\n")
            try:
                # Unlike a rename it never replaces a key that another process made meanwhile.
                with contextlib.suppress(FileExistsError):
                    os.link(part, file)
            finally:
                part.unlink()
        return cls.read(file)

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the identity in a file; raises VaultFault where there is none, others may read it, or it is none."""
        try:
            if file.stat().st_mode & 0o077:
                raise VaultFault(f"{file} can be read by others: chmod 600 it")
            secret = bytes.fromhex(file.read_text(encoding="ascii").strip())
        except FileNotFoundError as error:
            raise VaultFault(f"there is no key file {file}: `risk-oracle approval identity` makes one") from error
        except OSError as error:
            raise VaultFault(f"the key file {file} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise VaultFault(f"{file} is no key file: it holds 64 hexadecimal digits") from error
        if len(secret) != _KEY:
            raise VaultFault(f"{file} is no key file: it holds 64 hexadecimal digits")
        return cls(secret)

    @property
    def public(self) -> PublicIdentity:
        """What the others may know."""
        return PublicIdentity(
            self._signing.public_key().public_bytes_raw(), self._sealing.public_key().public_bytes_raw()
        )

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._signing.sign(message)

    def unseal(self, sealed: bytes, bound_to: bytes, number: int) -> bytes:
        """Return what was sealed to this party, the `number`th of its readers; raises VaultFault."""
        ephemeral, rest = sealed[:_KEY], sealed[_KEY:]
        wrapped = rest[1 + number * _WRAPPED : 1 + (number + 1) * _WRAPPED]
        try:
            shared = self._sealing.exchange(X25519PublicKey.from_public_bytes(ephemeral))
            key = ChaCha20Poly1305(_derived(shared, b"seal")).decrypt(b"\0" * _NONCE, wrapped, bound_to)
            return ChaCha20Poly1305(key).decrypt(b"\0" * _NONCE, rest[1 + rest[0] * _WRAPPED :], bound_to)
        except (InvalidTag, ValueError, IndexError) as error:
            raise VaultFault("what was sealed does not open: it was changed, or is another reader's") from error

    def token(self, other: PublicIdentity, session: str) -> str:
        """Return what two of a session show each other to be let in: only they can compute it; raises VaultFault."""
        try:
            shared = self._sealing.exchange(X25519PublicKey.from_public_bytes(other.sealing))
        except ValueError as error:
            raise VaultFault("a public half is no key to seal to: have its owner print it again") from error
        return _derived(shared, b"token " + session.encode()).hex()

    def lock(self, plain: bytes, bound_to: bytes) -> bytes:
        """Return bytes encrypted for this party's own disk."""
        nonce = os.urandom(_NONCE)
        return nonce + ChaCha20Poly1305(_derived(self.secret, b"disk")).encrypt(nonce, plain, bound_to)

    def unlock(self, locked: bytes, bound_to: bytes) -> bytes:
        """Return what was locked; raises VaultFault where it was changed, or belongs elsewhere."""
        try:
            key = ChaCha20Poly1305(_derived(self.secret, b"disk"))
            return key.decrypt(locked[:_NONCE], locked[_NONCE:], bound_to)
        except (InvalidTag, ValueError) as error:
            raise VaultFault(
                "what is stored there does not open: another party's key file, or changed bytes"
            ) from error

    @property
    def _signing(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(_derived(self.secret, b"sign"))

    @property
    def _sealing(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(_derived(self.secret, b"x25519"))


def seal(plain: bytes, readers: list[PublicIdentity], bound_to: bytes) -> bytes:
    """Return bytes that each reader can open, and nobody else: the server, which carries them, holds no share.

    ephemeral key | number of readers | a wrapped key each | ciphertext. The keys are used once, so the nonce is zero.
    """
    ephemeral, key = X25519PrivateKey.generate(), os.urandom(_KEY)
    wrapped = []
    for reader in readers:
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(reader.sealing))
        wrapped.append(ChaCha20Poly1305(_derived(shared, b"seal")).encrypt(b"\0" * _NONCE, key, bound_to))
    body = ChaCha20Poly1305(key).encrypt(b"\0" * _NONCE, plain, bound_to)
    return b"".join([ephemeral.public_key().public_bytes_raw(), bytes([len(readers)]), *wrapped, body])


def write_private(file: Path, raw: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all, and through to the disk."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = file.with_name(file.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
    # The name as well: a rename that only memory knows is gone with the power.
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, salt=None, info=b"risk-oracle approval " + purpose).derive(secret)


def session_id(roster: dict[str, PublicIdentity], model_digest: str, nonce: bytes) -> str:
    """Return a session's name: whoever takes part under it agrees on the roster and the model, or never meets."""
    known = b"".join(name.encode() + who.signing + who.sealing for name, who in sorted(roster.items()))
    return hashlib.sha256(b"approval session" + known + bytes.fromhex(model_digest) + nonce).hexdigest()[:32]
