"""An issuer in a folder: settings, keys, records of two borrowers, and papers that it issues."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from oracle.assessment.request import Address, to_address
from oracle.issuers.holder import HolderKey
from oracle.issuers.issuing import Issuer, Papers
from oracle.issuers.journal import Journal, Use
from oracle.issuers.keyring import KeyRing
from oracle.issuers.metadata import offer
from oracle.issuers.records import write_records
from oracle.issuers.settings import IssuerSettings
from oracle.issuers.signing import KeyType
from oracle.passports.opening import Opening, new_salt
from oracle.passports.passport import Passport
from tests.support.passports import CARD, HOME

ALICE: Final[LocalAccount] = Account.from_key("0x" + "a1" * 32)
BOB: Final[LocalAccount] = Account.from_key("0x" + "b0" * 32)
REGISTRY: Final = Address("0x" + "51" * 20)
URL: Final = "http://127.0.0.1:8640"


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue with all that belongs to it."""

    borrower: Address
    holder: HolderKey
    opening: Opening
    papers: Papers


def of(account: LocalAccount) -> Address:
    """An account's address."""
    return to_address(account.address)


def new_issuer(folder: Path, kind: KeyType = KeyType.SECP256K1, **settings: Any) -> Issuer:
    """An issuer whose records know Alice (home and card) and Bob (card alone)."""
    told = {"url": URL, "name": "First Bank", "chain_id": 31337, "registry": REGISTRY, "port": 0} | settings
    file = folder / "issuer.toml"
    file.write_text("".join(f"{name} = {value!r}\n" for name, value in told.items()))
    assert tomllib.loads(file.read_text()) == told
    found = IssuerSettings.load(file)
    write_records(found.records, {of(ALICE): Passport(HOME, CARD), of(BOB): Passport(None, CARD)})
    return Issuer(found, KeyRing.make(found.keys, kind), Journal(found.journal))


def issue_to(issuer: Issuer, account: LocalAccount = ALICE, holder: HolderKey | None = None) -> Issue:
    """Papers for what the records say of an account, with a fresh salt."""
    borrower, key = of(account), holder or HolderKey.fresh()
    passport, opening = issuer.opening_for(borrower, new_salt())
    return Issue(borrower, key, opening, issuer.issue(borrower, passport, opening, key.public_jwk))


def offer_to(issuer: Issuer, account: LocalAccount) -> dict[str, Any]:
    """An offer for an account."""
    return offer(issuer, issuer.journal.grant(Use.CODE, of(account), 60))
