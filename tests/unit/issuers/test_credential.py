"""The credential: what holds, what a holder may keep back, and the name of everything that is refused."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite

from oracle.assessment.request import Address
from oracle.issuers.credential import (
    VCT,
    Checked,
    Presentation,
    check_expected,
    check_signed,
    peek_issuer,
    present,
    withhold,
)
from oracle.issuers.errors import (
    CredentialExpired,
    CredentialNotYetValid,
    CredentialRefused,
    MalformedCredential,
    UnknownIssuer,
    WrongBorrower,
    WrongCommitment,
    WrongHolder,
    WrongSchema,
    WrongSignature,
)
from oracle.issuers.holder import HolderKey
from oracle.issuers.issuing import Issuer, passport_of_fields
from oracle.passports.errors import InvalidPassport
from oracle.passports.passport import Passport
from oracle.passports.schema import SCHEMA_HASH
from tests.support.issuing import ALICE, BOB, URL, Issue, issue_to, new_issuer, of
from tests.support.passports import CARD, HOME

HOLDER = HolderKey.fresh()
SHOWN_TO = Presentation("https://lender.example", "nonce-of-the-lender")
OWN = P256SigningKey.generate("own")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """An issuer."""
    return new_issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture(scope="module")
def issued(issuer: Issuer) -> Issue:
    """A credential of Alice's."""
    return issue_to(issuer, ALICE, HOLDER)


def _check(issuer: Issuer, text: str, **options: Any) -> Checked:
    return check_signed(text, issuer.keys.published(0)[0], issuer=URL, **options)


def _signed(claims: dict[str, Any], **options: Any) -> str:
    """A credential with claims of our own, signed with our own key."""
    now = int(time.time())
    base: dict[str, Any] = {
        "iss": URL,
        "iat": now,
        "exp": now + 600,
        "borrower": of(ALICE),
        "data_commitment": "0x" + "01" * 32,
        "schema": f"0x{SCHEMA_HASH.hex()}",
        "status": {"status_list": {"idx": 1, "uri": f"{URL}/status/1"}},
    }
    settings: dict[str, Any] = {"vct": VCT, "holder_jwk": HOLDER.public_jwk} | options
    kept = {name: value for name, value in (base | claims).items() if value is not None}
    return SdJwtVcProofSuite().issue(kept, signing_key=OWN, **settings)


def _check_own(text: str, **options: Any) -> Checked:
    return check_signed(text, OWN.public_jwk(), issuer=URL, **options)


def test_credential__when_issued__then_all_that_it_says_is_what_was_meant(issuer: Issuer, issued: Issue) -> None:
    checked = _check(issuer, issued.papers.credential)
    check_expected(
        checked,
        borrower=of(ALICE),
        data_commitment=issued.opening.commitment,
        schema=SCHEMA_HASH,
        holder_jwk=HOLDER.public_jwk,
    )
    assert passport_of_fields(dict(checked.fields)).as_json() == Passport(HOME, CARD).as_json()
    assert checked.claims["status"]["status_list"]["uri"] == f"{URL}/status/1"


def test_credential__when_read_without_its_disclosures__then_no_field_is_in_it(issuer: Issuer, issued: Issue) -> None:
    hidden = withhold(issued.papers.credential, frozenset())
    checked = _check(issuer, hidden)
    assert checked.fields == {}
    signed = base64.urlsafe_b64decode(hidden.split(".")[1] + "==").decode()
    for name, value in (HOME | CARD).items():
        assert name not in signed
        assert len(str(value)) < 4 or str(value) not in signed.replace(str(issued.opening.commitment), "")


def test_credential__when_some_fields_are_shown__then_only_these(issuer: Issuer, issued: Issue) -> None:
    shown = withhold(issued.papers.credential, frozenset({"card_limit", "debt_to_income"}))
    checked = _check(issuer, shown)
    assert checked.fields == {"card_limit": CARD["card_limit"], "debt_to_income": HOME["debt_to_income"]}
    with pytest.raises(InvalidPassport):
        passport_of_fields({"card_present": True, "card_limit": 1})


def test_credentials__when_of_different_passports__then_their_digests_are_as_many(
    issuer: Issuer, issued: Issue
) -> None:
    other = issue_to(issuer, BOB)
    counts = [
        len(json.loads(base64.urlsafe_b64decode(one.papers.credential.split(".")[1] + "=="))["_sd"])
        for one in (issued, other)
    ]
    assert counts == [24, 24]


def test_presentation__when_its_holder_shows_it__then_it_holds_for_that_reader_and_nonce_alone(
    issuer: Issuer, issued: Issue
) -> None:
    shown = present(withhold(issued.papers.credential, frozenset({"card_limit"})), HOLDER.signing, SHOWN_TO)
    assert _check(issuer, shown, presentation=SHOWN_TO).presented_by_holder
    for other in (Presentation("https://other.example", SHOWN_TO.nonce), Presentation(SHOWN_TO.audience, "old")):
        with pytest.raises(WrongHolder):
            _check(issuer, shown, presentation=other)


def test_presentation__when_another_key_signs_or_none__then_it_is_the_wrong_holder(
    issuer: Issuer, issued: Issue
) -> None:
    stolen = present(issued.papers.credential, HolderKey.fresh().signing, SHOWN_TO)
    for text in (stolen, issued.papers.credential):
        with pytest.raises(WrongHolder):
            _check(issuer, text, presentation=SHOWN_TO)


def test_presentation__when_a_disclosure_is_taken_out_after_it_was_signed__then_it_is_refused(
    issuer: Issuer, issued: Issue
) -> None:
    shown = present(issued.papers.credential, HOLDER.signing, SHOWN_TO)
    head, _, *rest = shown.split("~")
    with pytest.raises(WrongHolder):
        _check(issuer, "~".join([head, *rest]), presentation=SHOWN_TO)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"borrower": of(BOB)}, WrongBorrower),
        ({"data_commitment": 7}, WrongCommitment),
        ({"schema": b"\x01" * 32}, WrongSchema),
        ({"holder_jwk": HolderKey.fresh().public_jwk}, WrongHolder),
    ],
)
def test_expected__when_it_is_about_something_else__then_the_error_names_it(
    issuer: Issuer, issued: Issue, changed: dict[str, Any], error: type[CredentialRefused]
) -> None:
    meant = {"borrower": of(ALICE), "data_commitment": issued.opening.commitment, "schema": SCHEMA_HASH}
    with pytest.raises(error):
        check_expected(_check(issuer, issued.papers.credential), **(meant | changed))


def test_signature__when_of_another_issuer_s_key_or_changed__then_it_is_refused(issuer: Issuer, issued: Issue) -> None:
    with pytest.raises(WrongSignature):
        _check_own(issued.papers.credential)
    head, body, rest = issued.papers.credential.split(".", 2)
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"borrower": of(BOB)}
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(WrongSignature):
        _check(issuer, f"{head}.{forged}.{rest}")


def test_time__when_clocks_differ_a_little__then_it_holds_and_beyond_that_not() -> None:
    now = int(time.time())
    _check_own(_signed({"exp": now - 30}), clock_skew_seconds=60)
    _check_own(_signed({"iat": now + 30}), clock_skew_seconds=60)
    with pytest.raises(CredentialExpired):
        _check_own(_signed({"exp": now - 90}), clock_skew_seconds=60)
    for early in ({"iat": now + 120}, {"nbf": now + 120}):
        with pytest.raises(CredentialNotYetValid, match="set the clock"):
            _check_own(_signed(early), clock_skew_seconds=60)


@pytest.mark.parametrize(
    ("claims", "options", "error"),
    [
        ({"iss": "https://other.example"}, {}, UnknownIssuer),
        ({}, {"vct": "urn:risk-oracle:passport:2"}, WrongSchema),
        ({"exp": None}, {}, MalformedCredential),
        ({"exp": "tomorrow"}, {}, MalformedCredential),
        ({}, {"holder_jwk": None}, MalformedCredential),
        ({"borrower": None}, {}, MalformedCredential),
        ({"borrower": "alice"}, {}, MalformedCredential),
        ({"data_commitment": "0x12"}, {}, MalformedCredential),
        ({"data_commitment": "0x" + "zz" * 32}, {}, MalformedCredential),
        ({"data_commitment": "0x" + "ff" * 32}, {}, MalformedCredential),
        ({"schema": None}, {}, MalformedCredential),
        ({"data_commitment": "0x" + "00" * 32}, {}, MalformedCredential),
    ],
)
def test_claims__when_they_are_not_of_the_agreed_form__then_the_error_says_so(
    claims: dict[str, Any], options: dict[str, Any], error: type[CredentialRefused]
) -> None:
    with pytest.raises(error):
        _check_own(_signed(claims, **options))


@pytest.mark.parametrize("text", ["", "~", "a.b.c~", "a" * 70_000, "é.é.é~", "[" * 40_000])
def test_text__when_it_is_no_credential__then_it_is_malformed(text: str) -> None:
    with pytest.raises(MalformedCredential):
        peek_issuer(text)


def test_holder__when_its_key_is_not_p256__then_nothing_is_issued(issuer: Issuer) -> None:
    passport, opening = issuer.opening_for(of(ALICE), (9, 8, 7, 6, 5))
    before = len(issuer.journal.all_issued())
    with pytest.raises(MalformedCredential, match="P-256"):
        issuer.issue(of(ALICE), passport, opening, {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"})
    assert len(issuer.journal.all_issued()) == before


def test_private_part__when_a_holder_gives_it_away_by_mistake__then_the_credential_does_not_hold_it(
    issuer: Issuer,
) -> None:
    given = HOLDER.public_jwk | {"d": "c2VjcmV0LXBhcnQ"}
    passport, opening = issuer.opening_for(of(ALICE), (1, 8, 7, 6, 5))
    papers = issuer.issue(of(ALICE), passport, opening, given)
    assert _check(issuer, papers.credential).holder == HOLDER.public_jwk


def test_address__when_it_is_of_the_claims__then_it_is_of_the_stored_form() -> None:
    checked = _check_own(_signed({"borrower": of(ALICE).upper().replace("0X", "0x")}))
    assert checked.borrower == Address(of(ALICE))


def test_holder_key__when_saved__then_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "holder.pem"
    HOLDER.save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert HolderKey.load(file).thumbprint == HOLDER.thumbprint
