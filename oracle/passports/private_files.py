"""A borrower's files: written for their owner alone, never over another, and read with what is wrong named."""

import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from oracle.passports.errors import AnotherCommitment, InvalidPassport, PrivateFileFault
from oracle.passports.opening import Opening, commit, commitment_of_hex, salt_of_hex, salt_to_hex, to_hex32
from oracle.passports.passport import Passport, check_schema_name, parse_json
from oracle.passports.schema import SCHEMA_ID

LARGEST_BYTES = 1 << 16
"""No passport or opening comes near it; a larger file is something else."""

_NAMES = {"schema", "passport", "salt", "commitment"}


@dataclass(frozen=True, slots=True)
class OpeningFile:
    """What an opening's file holds: the passport as it was stated, and its opening."""

    passport: Passport
    opening: Opening

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """Return the file of a JSON text, its commitment computed again.

        Raises WrongSchema, InvalidPassport, InvalidSalt, InvalidOpening; AnotherCommitment when it was edited.
        """
        found = parse_json(content, "an opening")
        if not isinstance(found, dict):
            raise InvalidPassport("an opening is a JSON object")
        check_schema_name(found, "opening")
        if found.keys() != _NAMES:
            what = ", ".join(sorted(_NAMES))
            raise InvalidPassport(f"an opening holds {what}: make it with `risk-oracle passport commit`")
        if not isinstance(found["salt"], str) or not isinstance(found["commitment"], str):
            raise InvalidPassport("an opening's salt and commitment are hex texts that start with 0x")
        opening = commit(Passport.of(found["passport"]), salt_of_hex(found["salt"]))
        if opening.commitment != commitment_of_hex(found["commitment"]):
            raise AnotherCommitment(
                f"the opening's passport and salt hash to {to_hex32(opening.commitment)}, not to the commitment that "
                "the file names: the file was edited; take the one that `risk-oracle passport commit` wrote"
            )
        return cls(Passport.of(found["passport"]), opening)

    def as_json(self) -> dict[str, Any]:
        """Return the file's content as JSON's plain values."""
        return {
            "schema": SCHEMA_ID,
            "passport": self.passport.as_json(),
            "salt": salt_to_hex(self.opening.salt),
            "commitment": to_hex32(self.opening.commitment),
        }


def read_passport(path: Path) -> tuple[Passport, Opening | None]:
    """Return the passport of a file, and its opening where the file holds one.

    Raises PrivateFileFault, and what `OpeningFile.parse` and `Passport.parse` raise.
    """
    content = read_private(path)
    found = parse_json(content, str(path))
    if isinstance(found, dict) and not found.keys().isdisjoint(_NAMES - {"schema"}):
        whole = OpeningFile.parse(content)
        return whole.passport, whole.opening
    return Passport.of(found), None


def read_opening(path: Path) -> OpeningFile:
    """Return an opening's file; raises PrivateFileFault, and what `OpeningFile.parse` raises."""
    return OpeningFile.parse(read_private(path))


def read_private(path: Path) -> bytes:
    """Return a private file's content; raises PrivateFileFault."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise PrivateFileFault(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > LARGEST_BYTES:
        raise PrivateFileFault(f"{path} is larger than {LARGEST_BYTES} bytes: it is no passport and no opening")
    return content


def refuse_existing(path: Path, *, replace: bool) -> None:
    """Raise PrivateFileFault where a file is that may not be replaced."""
    if path.exists() and not replace:
        raise PrivateFileFault(f"{path} exists: name another file, or replace it with --force")


def write_private(path: Path, content: dict[str, Any], *, replace: bool = False) -> None:
    """Write JSON whole or not at all, readable by its owner alone (0600).

    Raises PrivateFileFault when the file exists, unless `replace`.
    """
    text = json.dumps(content, indent=2) + "\n"
    try:
        # mkstemp makes it 0600 from its first byte on.
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(beside, path)
            else:
                os.link(beside, path)  # fails where the file exists: nothing is written over between look and write
        finally:
            if os.path.exists(beside):
                os.unlink(beside)
    except FileExistsError:
        raise PrivateFileFault(f"{path} exists: name another file, or replace it with --force") from None
    except OSError as error:
        raise PrivateFileFault(f"{path} cannot be written: {error.strerror or error}") from None


def others_may_read(path: Path) -> bool:
    """Return whether a file's mode lets group or others read it."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
