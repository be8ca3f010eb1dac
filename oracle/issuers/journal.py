"""What an issuer issued and took back, and the codes it gave out: one SQLite file, without a single feature in it.

Of salts and codes only digests are kept. The service and the command line may use the file at the same time.
"""

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from openvc.status.token_status_list import STATUS_INVALID, new_status_list, set_status

from oracle.assessment.request import Address
from oracle.issuers.errors import IssuerFault, IssuerFull, NotIssued, SaltReused, WrongConsent

STATUS_LIST_SIZE: Final = 131_072
"""Places in the status list, one bit each: 16 KB, so that the place that is looked up says little."""

_COLUMNS: Final = "place, borrower, data_commitment, attester, valid_until, revoked_at"
_TRIES: Final = 200
_BUSY_SECONDS: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS issued (
  place INTEGER PRIMARY KEY,
  borrower TEXT NOT NULL,
  data_commitment TEXT NOT NULL UNIQUE,
  salt_digest TEXT NOT NULL UNIQUE,
  attester TEXT NOT NULL,
  issued_at INTEGER NOT NULL,
  valid_until INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS grants (
  digest TEXT PRIMARY KEY,
  use TEXT NOT NULL,
  borrower TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
"""


class Use(StrEnum):
    """What a secret that was given out is for."""

    CODE = "code"
    TOKEN = "token"  # noqa: S105 - the name of a kind
    NONCE = "spent nonce"


@dataclass(frozen=True, slots=True)
class Issued:
    """One issue: its place in the status list, and until when it is valid, in Unix seconds."""

    place: int
    borrower: Address
    data_commitment: int
    attester: bytes
    valid_until: int
    revoked_at: int | None


class Journal:
    """An issuer's file of what it did; `close` ends it."""

    def __init__(self, file: Path) -> None:
        try:
            os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
            self._base = sqlite3.connect(file, isolation_level=None, timeout=_BUSY_SECONDS)
            self._base.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise IssuerFault(f"{file} cannot be used as the issuer's journal: {error}") from None

    def close(self) -> None:
        """Close the file."""
        self._base.close()

    def enter(
        self,
        borrower: Address,
        data_commitment: int,
        salt_digest: bytes,
        attester: bytes,
        valid_until: int,
        token: str | None = None,
    ) -> Issued:
        """Note an issue before it is made, at a random place; `token` ends with it, or stays where this is refused.

        `attester` is the id of the key that attests. Raises SaltReused, IssuerFull, and WrongConsent for a token that
        is no longer good.
        """
        commitment, digest = f"0x{data_commitment:064x}", salt_digest.hex()
        with self._alone():
            if token is not None and self._end(Use.TOKEN, token) != borrower:
                raise WrongConsent("the access token was used or its time is over: ask the issuer for a new offer")
            known = self._base.execute(
                "SELECT 1 FROM issued WHERE salt_digest = ? OR data_commitment = ?", (digest, commitment)
            ).fetchone()
            if known is not None:
                raise SaltReused(
                    "a credential was issued with this salt or this commitment before: make a fresh salt, commit with "
                    "it and ask again; whoever uses one twice can be recognised by it"
                )
            place = self._free_place()
            row = (place, borrower, commitment, digest, attester.hex(), int(time.time()), valid_until)
            self._base.execute("INSERT INTO issued VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)
        return Issued(place, borrower, data_commitment, attester, valid_until, None)

    def revoke(self, data_commitment: int) -> Issued:
        """Take back what was issued for a commitment; a second time changes nothing. Raises NotIssued."""
        commitment = f"0x{data_commitment:064x}"
        with self._alone():
            self._base.execute(
                "UPDATE issued SET revoked_at = ? WHERE data_commitment = ? AND revoked_at IS NULL",
                (int(time.time()), commitment),
            )
            row = self._base.execute(
                f"SELECT {_COLUMNS} FROM issued WHERE data_commitment = ?",  # noqa: S608 - a constant
                (commitment,),
            ).fetchone()
        if row is None:
            raise NotIssued(f"nothing was issued for commitment {commitment}: see what was with `issuer list`")
        return _issued(row)

    def all_issued(self) -> list[Issued]:
        """Return everything that was issued, the oldest first."""
        rows = self._base.execute(f"SELECT {_COLUMNS} FROM issued ORDER BY issued_at, place")  # noqa: S608 - a constant
        return [_issued(row) for row in rows]

    def status_list(self) -> bytes:
        """Return the packed list: one bit a place, set where what was issued there is revoked."""
        packed = new_status_list(STATUS_LIST_SIZE)
        for (place,) in self._base.execute("SELECT place FROM issued WHERE revoked_at IS NOT NULL"):
            set_status(packed, place, STATUS_INVALID)
        return bytes(packed)

    def grant(self, use: Use, borrower: Address, seconds: int) -> str:
        """Return a fresh secret that stands for a borrower, once, for so long."""
        secret, now = secrets.token_urlsafe(32), int(time.time())
        with self._alone():
            self._base.execute("DELETE FROM grants WHERE expires_at < ?", (now,))
            self._base.execute(
                "INSERT INTO grants VALUES (?, ?, ?, ?)", (_digest(secret), use.value, borrower, now + seconds)
            )
        return secret

    def holder(self, use: Use, secret: str) -> Address | None:
        """Return whom a secret stands for, None when it is unknown, used or too old; it stays."""
        row = self._base.execute(
            "SELECT borrower FROM grants WHERE digest = ? AND use = ? AND expires_at >= ?",
            (_digest(secret), use.value, int(time.time())),
        ).fetchone()
        return None if row is None else Address(row[0])

    def take(self, use: Use, secret: str) -> Address | None:
        """Do what `holder` does, and end the secret: of several who take it, one gets it."""
        with self._alone():
            return self._end(use, secret)

    def spend(self, nonce: str, until: float) -> bool:
        """Note a nonce that is used up, to be remembered until then; False where it was before."""
        with self._alone():
            changed = self._base.execute(
                "INSERT OR IGNORE INTO grants VALUES (?, ?, '', ?)", (_digest(nonce), Use.NONCE.value, int(until))
            )
            return changed.rowcount == 1

    def _end(self, use: Use, secret: str) -> Address | None:
        found = self.holder(use, secret)
        self._base.execute("DELETE FROM grants WHERE digest = ? AND use = ?", (_digest(secret), use.value))
        return found

    def _free_place(self) -> int:
        for _ in range(_TRIES):
            place = secrets.randbelow(STATUS_LIST_SIZE)
            if self._base.execute("SELECT 1 FROM issued WHERE place = ?", (place,)).fetchone() is None:
                return place
        raise IssuerFull(f"the status list has hardly a free place of {STATUS_LIST_SIZE}: begin a new journal and url")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._base.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _issued(row: tuple[int, str, str, str, int, int | None]) -> Issued:
    place, borrower, commitment, attester, until, revoked_at = row
    return Issued(place, Address(borrower), int(commitment, 16), bytes.fromhex(attester), until, revoked_at)
