"""The act of issuing: what the records say, committed with the borrower's salt, as a credential and an attestation."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from openvc.status.issue import build_status_list_token

from oracle.assessment.request import Address
from oracle.issuers.attestation import Attestation, Statement, attest
from oracle.issuers.credential import Contents, issue_credential, public_part
from oracle.issuers.errors import NotTheRecords
from oracle.issuers.journal import Issued, Journal
from oracle.issuers.keyring import KeyRing
from oracle.issuers.records import passport_of
from oracle.issuers.settings import IssuerSettings
from oracle.passports.opening import Opening, commit, salt_to_hex
from oracle.passports.passport import Passport
from oracle.passports.schema import GROUPS, SCHEMA_HASH

STATUS_SECONDS = 300
"""How long a reader may keep the status list: the longest that a revocation goes unseen."""
_STATUS_VALID_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Papers:
    """What a borrower takes home: the credential for people's software, the attestation for contracts."""

    credential: str
    attestation: Attestation

    def plain(self) -> dict[str, Any]:
        """Return both as JSON."""
        return {"credential": self.credential, "attestation": self.attestation.plain()}


class Issuer:
    """One issuer: its settings, keys and journal."""

    def __init__(self, settings: IssuerSettings, keys: KeyRing, journal: Journal) -> None:
        self.settings = settings
        self.keys = keys
        self.journal = journal

    def opening_for(self, borrower: Address, salt: Sequence[int]) -> tuple[Passport, Opening]:
        """Return what the records say of a borrower, and its commitment with the borrower's salt.

        Raises UnknownBorrower, IssuerFault, InvalidSalt. It takes milliseconds of processor time.
        """
        passport = passport_of(self.settings.records, borrower)
        return passport, commit(passport, salt)

    def issue(
        self,
        borrower: Address,
        passport: Passport,
        opening: Opening,
        holder_jwk: dict[str, Any],
        token: str | None = None,
    ) -> Papers:
        """Enter the issue in the journal, and return what is issued; raises SaltReused, IssuerFull, WrongConsent."""
        settings, holder = self.settings, public_part(holder_jwk)
        until = int(time.time()) + settings.valid_seconds
        key = self.keys.attestation_key
        digest = salt_digest(opening.salt)
        entry = self.journal.enter(borrower, opening.commitment, digest, key.public.issuer_id, until, token)
        contents = Contents(
            issuer=settings.url,
            borrower=borrower,
            data_commitment=opening.commitment,
            schema=SCHEMA_HASH,
            valid_until=until,
            fields=fields_of(passport),
            status_uri=settings.status_uri,
            status_place=entry.place,
        )
        statement = Statement(borrower, opening.commitment, SCHEMA_HASH, until)
        attestation = attest(key, settings.domain, statement)
        return Papers(issue_credential(self.keys.credential_key, contents, holder), attestation)

    def issue_for(self, borrower: Address, passport: Passport, opening: Opening, holder_jwk: dict[str, Any]) -> Papers:
        """Issue for an opening that somebody else made; raises NotTheRecords where the records say something else."""
        known = passport_of(self.settings.records, borrower)
        if known.as_json() != passport.as_json():
            raise NotTheRecords(
                f"the opening is of another passport than the records of {borrower}: correct the one that is wrong"
            )
        return self.issue(borrower, known, opening, holder_jwk)

    def revoke(self, data_commitment: int) -> Issued:
        """Take back what was issued for a commitment; raises NotIssued."""
        return self.journal.revoke(data_commitment)

    def status_token(self) -> str:
        """Return the status list as a signed token (statuslist+jwt)."""
        now = int(time.time())
        return build_status_list_token(
            signing_key=self.keys.credential_key,
            uri=self.settings.status_uri,
            status_list=self.journal.status_list(),
            issued_at=now,
            expires=now + _STATUS_VALID_SECONDS,
            ttl=STATUS_SECONDS,
            issuer=self.settings.url,
        )


def salt_digest(salt: Sequence[int]) -> bytes:
    """Return the SHA-256 of a salt's 20 bytes: by it a salt is recognised, and not learnt."""
    return hashlib.sha256(bytes.fromhex(salt_to_hex(salt)[2:])).digest()


def fields_of(passport: Passport) -> dict[str, Any]:
    """Return the claims of a passport: each group's presence, and its fields (null: unknown)."""
    told, claims = passport.as_json(), {}
    for name, group in GROUPS.items():
        claims[group.present.name] = told[name] is not None
        claims.update(told[name] or {})
    return claims


def passport_of_fields(fields: dict[str, Any]) -> Passport:
    """Return the passport that a credential's disclosed claims make; raises PassportError where some are withheld."""
    groups: dict[str, Any] = {}
    for name, group in GROUPS.items():
        own = {field.name for field in group.fields}
        present = fields.get(group.present.name)
        groups[name] = {key: value for key, value in fields.items() if key in own} if present else None
    return Passport(groups["home"], groups["card"])
