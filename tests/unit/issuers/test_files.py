"""The issuer's files: keys, journal, records, settings."""

import json
import pickle
from pathlib import Path

import pytest

from oracle.assessment.errors import ConfigurationFault
from oracle.issuers.credential import check_signed
from oracle.issuers.errors import IssuerFault, NotIssued, SaltReused, UnknownBorrower, WrongConsent
from oracle.issuers.issuing import Issuer
from oracle.issuers.journal import Journal, Use
from oracle.issuers.keyring import KeyRing
from oracle.issuers.nonces import Nonces
from oracle.issuers.published import keys_url
from oracle.issuers.records import passport_of
from oracle.issuers.settings import IssuerSettings
from oracle.issuers.signing import KeyType
from tests.support.issuing import ALICE, BOB, URL, issue_to, new_issuer, of

DAY = 86_400
_EMPTY = '{"version": 1, "credential": [], "attestation": []}'


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    """An issuer of its own."""
    return new_issuer(tmp_path)


@pytest.mark.parametrize("kind", list(KeyType))
def test_keys__when_made__then_their_owner_alone_may_read_them_and_they_are_not_made_twice(
    tmp_path: Path, kind: KeyType
) -> None:
    file = tmp_path / "keys.json"
    made = KeyRing.make(file, kind)
    assert file.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(file).attestation_key.public == made.attestation_key.public
    before = file.read_bytes()
    with pytest.raises(IssuerFault, match="kept as it is"):
        KeyRing.make(file, kind)
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_keys__when_others_may_read_them__then_they_are_not_used(tmp_path: Path, mode: int) -> None:
    KeyRing.make(tmp_path / "keys.json", KeyType.P256)
    (tmp_path / "keys.json").chmod(mode)
    with pytest.raises(IssuerFault, match="chmod 600"):
        KeyRing.load(tmp_path / "keys.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', _EMPTY])
def test_keys__when_the_file_is_no_key_file__then_the_error_says_so_and_holds_none_of_it(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "keys.json"
    file.touch(mode=0o600)
    file.write_text(text)
    with pytest.raises(IssuerFault):
        KeyRing.load(file)


def test_keys__when_shown_or_pickled__then_no_secret_is_in_it(issuer: Issuer) -> None:
    secrets = [one["secret"][2:] for one in json.loads(issuer.settings.keys.read_text())["attestation"]]
    for text in (repr(issuer.keys), repr(issuer.keys.attestation_key)):
        assert not any(secret in text for secret in secrets)
    for thing in (issuer.keys, issuer.keys.attestation_key):
        with pytest.raises(TypeError):
            pickle.dumps(thing)


def test_rotation__when_a_credential_key_is_replaced__then_old_credentials_hold_until_they_expire(
    issuer: Issuer,
) -> None:
    old = issue_to(issuer).papers.credential
    issuer.keys.rotate_credential()
    again = KeyRing.load(issuer.settings.keys)
    first, second = again.published(90 * DAY)
    new = issue_to(Issuer(issuer.settings, again, issuer.journal)).papers.credential
    check_signed(new, first, issuer=URL)
    check_signed(old, second, issuer=URL)
    retired = json.loads(issuer.settings.keys.read_text())["credential"][0]["retired_at"]
    assert len(again.published(90 * DAY, now=retired + 90 * DAY)) == 2
    assert again.published(90 * DAY, now=retired + 90 * DAY + 1) == [first]


def test_rotation__when_an_attestation_key_is_replaced__then_the_old_one_can_still_revoke(issuer: Issuer) -> None:
    old = issuer.keys.attestation_key.public
    issuer.keys.rotate_attestation(KeyType.P256)
    again = KeyRing.load(issuer.settings.keys)
    assert again.attestation_key.public.kind is KeyType.P256
    assert again.attestation_key_of(old.issuer_id).public == old
    with pytest.raises(IssuerFault, match="backup"):
        again.attestation_key_of(bytes(32))


def test_journal__when_a_salt_or_commitment_comes_again__then_nothing_is_entered(issuer: Issuer) -> None:
    journal = issuer.journal
    journal.enter(of(ALICE), 5, b"\x01" * 32, b"", 10)
    for commitment, digest, who in ((5, b"\x02" * 32, ALICE), (6, b"\x01" * 32, BOB)):
        with pytest.raises(SaltReused, match="fresh salt"):
            journal.enter(of(who), commitment, digest, b"", 10)
    assert len(journal.all_issued()) == 1


def test_journal__when_read__then_no_feature_and_no_salt_is_in_it(issuer: Issuer) -> None:
    made = issue_to(issuer)
    content = issuer.settings.journal.read_bytes()
    for value in (b"123456.78", b"212345", b"8765", bytes.fromhex("deadbeef")):
        assert value not in content
    salt = b"".join(part.to_bytes(4, "big") for part in made.opening.salt)
    assert salt not in content
    assert salt.hex().encode() not in content
    assert issuer.settings.journal.stat().st_mode & 0o777 == 0o600


def test_revocation__when_made_twice__then_it_stands_since_the_first_time(issuer: Issuer) -> None:
    made = issue_to(issuer)
    first = issuer.revoke(made.opening.commitment)
    assert first.revoked_at is not None
    assert issuer.revoke(made.opening.commitment) == first
    assert sum(bin(byte).count("1") for byte in issuer.journal.status_list()) == 1
    with pytest.raises(NotIssued):
        issuer.revoke(4)


def test_grant__when_taken__then_once_by_one_and_for_its_use(issuer: Issuer, tmp_path: Path) -> None:
    other = Journal(issuer.settings.journal)
    secret = issuer.journal.grant(Use.CODE, of(ALICE), 60)
    assert issuer.journal.take(Use.TOKEN, secret) is None
    assert other.take(Use.CODE, secret) == of(ALICE)
    assert issuer.journal.take(Use.CODE, secret) is None
    assert issuer.journal.take(Use.CODE, issuer.journal.grant(Use.CODE, of(ALICE), -1)) is None
    other.close()


def test_token__when_an_issue_is_refused__then_it_is_still_good(issuer: Issuer) -> None:
    journal = issuer.journal
    journal.enter(of(ALICE), 5, b"\x01" * 32, b"", 10)
    token = journal.grant(Use.TOKEN, of(ALICE), 60)
    with pytest.raises(SaltReused):
        journal.enter(of(ALICE), 5, b"\x01" * 32, b"", 10, token)
    with pytest.raises(WrongConsent):
        journal.enter(of(BOB), 6, b"\x02" * 32, b"", 10, token)
    journal.enter(of(ALICE), 6, b"\x02" * 32, b"", 10, token)
    with pytest.raises(WrongConsent):
        journal.enter(of(ALICE), 7, b"\x03" * 32, b"", 10, token)


def test_nonces__when_used__then_once_and_only_ours(issuer: Issuer) -> None:
    nonces, others = Nonces(issuer.journal), Nonces(issuer.journal)
    nonce = nonces.fresh()
    assert not others.use(nonce)
    assert nonces.use(nonce)
    assert not nonces.use(nonce)
    assert not nonces.use("")
    assert not nonces.use("é" * 10)
    assert not nonces.use(nonces.fresh()[:-2])


def test_records__when_they_say_nothing_or_are_open_to_others__then_the_error_says_so(issuer: Issuer) -> None:
    file = issuer.settings.records
    with pytest.raises(UnknownBorrower):
        passport_of(file, issuer.settings.registry)
    file.chmod(0o644)
    with pytest.raises(IssuerFault, match="chmod 600"):
        passport_of(file, of(ALICE))
    file.chmod(0o600)
    told = json.loads(file.read_text())
    told["borrowers"][of(ALICE)]["home"]["debt_to_income"] = 7.25
    file.write_text(json.dumps(told))
    with pytest.raises(IssuerFault, match="debt_to_income") as refused:
        passport_of(file, of(ALICE))
    assert "7.25" not in str(refused.value)
    for text in ("", "[]", "{}", '{"borrowers": {"alice": {}}}'):
        file.write_text(text)
        with pytest.raises(IssuerFault):
            passport_of(file, of(ALICE))


@pytest.mark.parametrize(
    ("name", "value"),
    [("url", "http://bank.example"), ("url", "https://a@b"), ("chain_id", 0), ("registry", "0x12"), ("valid_dys", 3)],
)
def test_settings__when_one_cannot_be_used__then_the_error_names_it(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(IssuerFault, match=name):
        new_issuer(tmp_path, **{name: value})  # type: ignore[arg-type]


def test_settings__when_the_file_is_missing__then_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(IssuerFault, match=r"issuer\.toml"):
        IssuerSettings.load(tmp_path / "issuer.toml")


def test_keys_url__when_the_issuer_has_a_path__then_the_well_known_name_goes_before_it() -> None:
    assert str(keys_url("https://bank.example/credit")) == "https://bank.example/.well-known/jwt-vc-issuer/credit"
    with pytest.raises(ConfigurationFault):
        keys_url("ftp://bank.example")
