"""What an issuer knows of borrowers: a file of passports by address, read anew for each issue."""

import json
import stat
from pathlib import Path

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.issuers.errors import IssuerFault, UnknownBorrower
from oracle.passports.errors import PassportError
from oracle.passports.passport import Passport, parse_json


def passport_of(file: Path, borrower: Address) -> Passport:
    """Return what the file says of a borrower; raises UnknownBorrower, IssuerFault.

    The file is a JSON object: {"borrowers": {"0x…": a passport, …}}.
    """
    try:
        if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            raise IssuerFault(f"{file} holds people's data and others may read it: chmod 600 {file}")
        told = parse_json(file.read_bytes(), f"the records file {file}")
    except OSError as error:
        raise IssuerFault(f"the records file {file} cannot be read: {error.strerror}") from None
    except PassportError as error:
        raise IssuerFault(str(error)) from None
    listed = told.get("borrowers") if isinstance(told, dict) else None
    if not isinstance(listed, dict):
        raise IssuerFault(f'the records file {file} is not {{"borrowers": {{"0x…": passport, …}}}}')
    try:
        known = {to_address(name): value for name, value in listed.items()}
    except InvalidRequest as error:
        raise IssuerFault(f"the records file {file}: {error}") from None
    if borrower not in known:
        raise UnknownBorrower(f"the records say nothing about {borrower}: nothing can be issued to it")
    try:
        return Passport.of(known[borrower])
    except PassportError as error:
        raise IssuerFault(f"the records of {borrower}: {error}") from None


def write_records(file: Path, passports: dict[Address, Passport]) -> None:
    """Write a records file for its owner alone, over one that was there."""
    file.touch(mode=0o600)
    content = {"borrowers": {address: passport.as_json() for address, passport in passports.items()}}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="ascii")
