"""The two keys of private data, as files; only the prover's process and the commands read them."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from nacl.public import PrivateKey

from oracle.assessment.errors import ConfigurationFault
from oracle.config.privacy import PrivacySettings

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


def read_key(path: Path) -> bytes:
    """Return the 32 bytes of a key's file; raises KeyFileFault, whose words hold nothing of the content."""
    try:
        digits = path.read_text(encoding="ascii").strip().removeprefix("0x")
    except OSError as error:
        raise KeyFileFault(
            f"the key file {path} cannot be read ({error.strerror}): `risk-oracle privacy keys` makes it"
        ) from None
    except UnicodeDecodeError:
        digits = ""
    if len(digits) != 2 * KEY_BYTES or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
        raise KeyFileFault(f"the key file {path} holds no key: expected {2 * KEY_BYTES} hex digits")
    key = bytes.fromhex(digits)
    if not any(key):
        raise KeyFileFault(f"the key file {path} holds zeros alone: `risk-oracle privacy keys` makes a key")
    return key


def public_key(sealing: Path) -> bytes:
    """Return the X25519 public key of a secret one's file; raises KeyFileFault."""
    return bytes(PrivateKey(read_key(sealing)).public_key)


def check_files(files: KeyFiles) -> bytes:
    """Return the public sealing key of two files that hold different keys; raises KeyFileFault."""
    if read_key(files.sealing) == read_key(files.storage):
        raise KeyFileFault(f"{files.sealing} and {files.storage} hold the same key: give each its own")
    return public_key(files.sealing)


def make_keys(folder: Path) -> KeyFiles:
    """Make both keys as files of a folder, for their owner alone (0600).

    Raises KeyFileFault where a file is there already: an opening that was taken with its key could not be read without.
    """
    files = KeyFiles(folder / SEALING, folder / STORAGE)
    if there := [path for path in (files.sealing, files.storage) if path.exists()]:
        raise KeyFileFault(f"{there[0]} is there already: name another folder, or go on with the keys that you have")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (files.sealing, files.storage):
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise KeyFileFault(f"no keys can be made in {folder} ({error.strerror}): name another folder") from None
    return files
