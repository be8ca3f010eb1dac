"""The two keys of private data, as files; only the prover's process and the commands read them."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from nacl.public import PrivateKey

from oracle.assessment.errors import ConfigurationFault
from oracle.config.privacy import PrivacySettings
from oracle.pipeline.private.wrapped_key import WrappedKey, wrap

KEY_BYTES: Final = 32
SEALING: Final = "sealing.key"
STORAGE: Final = "storage.key"


class KeyFileFault(ConfigurationFault):
    """A key's file is missing, cannot be read, or holds no key."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys are: the X25519 secret that openings are sealed to, and the key that encrypts them at rest."""

    sealing: Path
    storage: Path

    @classmethod
    def of(cls, settings: PrivacySettings) -> Self | None:
        """Return the files that the settings name; None where openings are not taken."""
        if settings.sealing_key_file is None or settings.storage_key_file is None:
            return None
        return cls(settings.sealing_key_file, settings.storage_key_file)


def read_key(path: Path, purpose: str) -> bytes:
    """Return the 32 bytes of a key's file, or of what KMS wrapped in it for its purpose, SEALING or STORAGE.

    Raises KeyFileFault and KmsFault, whose words hold nothing of the content, and KmsUnavailable.
    """
    try:
        digits = path.read_text(encoding="ascii").strip().removeprefix("0x")
    except OSError as error:
        raise KeyFileFault(
            f"the key file {path} cannot be read ({error.strerror}): `risk-oracle privacy keys` makes it"
        ) from None
    except UnicodeDecodeError:
        digits = ""
    if digits.startswith("{"):
        return _whole(WrappedKey.read(digits, str(path)).unwrap(purpose, str(path)), path)
    if len(digits) != 2 * KEY_BYTES or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        raise KeyFileFault(f"the key file {path} holds no key: expected {2 * KEY_BYTES} hex digits")
    return _whole(bytes.fromhex(digits), path)


def _whole(key: bytes, path: Path) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyFileFault(f"the key file {path} holds {len(key)} bytes, a key has {KEY_BYTES}")
    if not any(key):
        raise KeyFileFault(f"the key file {path} holds zeros alone: `risk-oracle privacy keys` makes a key")
    return key


def public_key(sealing: Path) -> bytes:
    """Return the X25519 public key of a secret one's file; raises KeyFileFault."""
    return bytes(PrivateKey(read_key(sealing, SEALING)).public_key)


def check_files(files: KeyFiles) -> bytes:
    """Return the public sealing key of two files that hold different keys; raises KeyFileFault."""
    if read_key(files.sealing, SEALING) == read_key(files.storage, STORAGE):
        raise KeyFileFault(f"{files.sealing} and {files.storage} hold the same key: give each its own")
    return public_key(files.sealing)


@dataclass(frozen=True, slots=True)
class Kms:
    """The key of AWS KMS that shall wrap what is made."""

    key_id: str
    region: str
    endpoint: str | None = None


def make_keys(folder: Path, kms: Kms | None = None) -> KeyFiles:
    """Make both keys as files of a folder, for their owner alone (0600); with `kms` they hold what it encrypted.

    Raises KeyFileFault where a file is there already: an opening that was taken with its key could not be read without;
    KmsFault and KmsUnavailable.
    """
    files = KeyFiles(folder / SEALING, folder / STORAGE)
    if there := [path for path in (files.sealing, files.storage) if path.exists()]:
        raise KeyFileFault(f"{there[0]} is there already: name another folder, or go on with the keys that you have")
    contents = {path: _content(purpose, kms) for path, purpose in ((files.sealing, SEALING), (files.storage, STORAGE))}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, content in contents.items():
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(content + "\n")
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileFault(f"no keys can be made in {folder} ({error.strerror}): name another folder") from None
    return files


def _content(purpose: str, kms: Kms | None) -> str:
    key = secrets.token_bytes(KEY_BYTES)
    return key.hex() if kms is None else wrap(key, purpose, kms.key_id, kms.region, kms.endpoint).model_dump_json()
