"""The reference issuer over HTTP: from offer to papers, and everything that it refuses."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from oracle.issuers.consent import credential_request_message
from oracle.issuers.credential import Contents, issue_credential
from oracle.issuers.errors import (
    CredentialRevoked,
    MalformedCredential,
    StatusPending,
    StatusUnavailable,
    UnknownIssuerKey,
    WrongBorrower,
    WrongCommitment,
)
from oracle.issuers.examining import check_credential, examine
from oracle.issuers.holder import HolderKey
from oracle.issuers.issuing import Issuer, Papers, salt_digest
from oracle.issuers.journal import Use
from oracle.issuers.keyring import KeyRing
from oracle.issuers.metadata import CONFIGURATION, PRE_AUTHORISED
from oracle.issuers.obtaining import Obtained, OfferRefused, obtain
from oracle.issuers.published import Publications, TrustedIssuer, WhenUnavailable
from oracle.issuers.service import serve
from oracle.passports.opening import new_salt, salt_to_hex
from oracle.passports.passport import Passport
from oracle.passports.schema import SCHEMA_HASH
from tests.support.issuing import ALICE, BOB, new_issuer, of, offer_to
from tests.support.passports import CARD, HOME


class Served:
    """A running issuer at a URL of its own, and a client's session."""

    def __init__(self, issuer: Issuer, runner: web.AppRunner, session: aiohttp.ClientSession) -> None:
        self.issuer, self.runner, self.session = issuer, runner, session
        self.url = issuer.settings.url

    async def obtain(self, account: Any = ALICE, holder: HolderKey | None = None) -> Obtained:
        """Papers for an account."""
        offered = json.dumps(offer_to(self.issuer, account))
        return await obtain(self.session, offered, account, holder or HolderKey.fresh())

    async def token(self, account: Any = ALICE) -> str:
        """An access token."""
        code = self.issuer.journal.grant(Use.CODE, of(account), 60)
        form = {"grant_type": PRE_AUTHORISED, "pre-authorized_code": code}
        async with self.session.post(f"{self.url}/token", data=form) as answer:
            return str((await answer.json())["access_token"])

    async def body(self, account: Any = ALICE, drawn: tuple[int, ...] | None = None, **changed: Any) -> dict[str, Any]:
        """A credential request as it should be, but for what is changed."""
        async with self.session.post(f"{self.url}/nonce") as answer:
            nonce = (await answer.json())["c_nonce"]
        holder, drawn = HolderKey.fresh(), drawn or new_salt()
        wanted = credential_request_message(
            self.issuer.settings.domain, of(account), self.url, holder.thumbprint, salt_digest(drawn), nonce
        )
        body = {
            "credential_configuration_id": CONFIGURATION,
            "proofs": {"jwt": [holder.prove_possession(self.url, nonce)]},
            "salt": salt_to_hex(drawn),
            "borrower_signature": account.sign_typed_data(full_message=wanted).signature.to_0x_hex(),
        }
        return body | changed

    async def ask(self, token: str, body: Any) -> tuple[int, dict[str, Any]]:
        """The credential endpoint's answer."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = body if isinstance(body, (str, bytes)) else json.dumps(body)
        async with self.session.post(f"{self.url}/credential", data=content, headers=headers) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """An issuer below a path, as behind a proxy."""
    issuer = new_issuer(tmp_path)
    runner, port = await serve(issuer)
    await runner.cleanup()
    # Its name holds its port, which is only known now.
    named = issuer.settings.model_copy(update={"url": f"http://127.0.0.1:{port}/credit", "port": port})
    issuer = Issuer(named, issuer.keys, issuer.journal)
    runner, _ = await serve(issuer)
    async with aiohttp.ClientSession() as session:
        yield Served(issuer, runner, session)
    await runner.cleanup()
    issuer.journal.close()


def _papers(found: Obtained) -> bytes:
    return json.dumps({"credential": found.credential, "attestation": found.attestation.plain()}).encode()


async def _examine(served: Served, found: Obtained, **changed: Any) -> dict[str, Any]:
    expected: dict[str, Any] = {"borrower": of(ALICE), "data_commitment": found.opening.commitment}
    options = expected | {"unavailable": WhenUnavailable.REFUSE} | changed
    return await examine(_papers(found), [served.url], **options)


async def test_offer__when_taken_up__then_all_papers_hold_and_open_to_what_the_records_say(served: Served) -> None:
    found = await served.obtain()
    assert found.passport.as_json() == Passport(HOME, CARD).as_json()
    told = await _examine(served, found)
    assert told["issuer"] == served.url
    with pytest.raises(WrongBorrower):
        await _examine(served, found, borrower=of(BOB))
    with pytest.raises(WrongCommitment):
        await _examine(served, found, data_commitment=found.opening.commitment + 1)
    again = await served.obtain()
    assert again.opening.commitment != found.opening.commitment


async def test_offer__when_the_issuer_sends_another_s_papers__then_they_are_not_taken(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, honest = await served.obtain(BOB), Issuer.issue
    for kept in ("credential", "attestation"):

        def swapped(self: Issuer, *given: Any, kept: str = kept) -> Papers:
            papers = honest(self, *given)
            whole = {"credential": other.credential, "attestation": other.attestation}
            return Papers(**(whole | {kept: getattr(papers, kept)}))

        monkeypatch.setattr(Issuer, "issue", swapped)
        with pytest.raises(WrongBorrower):
            await served.obtain(ALICE)


async def test_offer__when_used_twice_or_of_another__then_it_is_refused(served: Served) -> None:
    offered = json.dumps(offer_to(served.issuer, ALICE))
    with pytest.raises(OfferRefused, match="not that of"):
        await obtain(served.session, offered, BOB, HolderKey.fresh())
    with pytest.raises(OfferRefused, match="new offer"):
        await obtain(served.session, offered, ALICE, HolderKey.fresh())
    for text in ("", "{}", "[1]"):
        with pytest.raises(OfferRefused):
            await obtain(served.session, text, ALICE, HolderKey.fresh())


async def test_revoked__when_the_list_is_read_again__then_the_credential_is_refused(served: Served) -> None:
    found, other = await served.obtain(), await served.obtain()
    served.issuer.revoke(found.opening.commitment)
    with pytest.raises(CredentialRevoked):
        await _examine(served, found)
    await _examine(served, other)


async def test_rotation__when_a_new_key_signs__then_both_credentials_hold_without_a_restart_of_the_reader(
    served: Served,
) -> None:
    publications = Publications(served.session, [TrustedIssuer(served.url)])
    old = await served.obtain()
    await _check_with(publications, old)
    served.issuer.keys.rotate_credential()
    # The reader asks again for a key that it does not know, once the last time was a while ago.
    publications._keys[served.url].at -= 11
    new = await served.obtain()
    await _check_with(publications, new)
    await _check_with(publications, old)


async def test_rotation__when_an_old_key_is_no_longer_published__then_the_error_says_so(
    served: Served, tmp_path: Path
) -> None:
    old = await served.obtain()
    (tmp_path / "other").mkdir()
    served.issuer.keys = KeyRing.make(tmp_path / "other" / "keys.json", served.issuer.keys.attestation_key.public.kind)
    with pytest.raises(UnknownIssuerKey, match="ask it for a new one"):
        await _examine(served, old)


async def _check_with(publications: Publications, found: Obtained) -> None:
    await check_credential(found.credential, publications, borrower=of(ALICE), data_commitment=found.opening.commitment)


@pytest.mark.parametrize(
    ("policy", "error"),
    [(WhenUnavailable.REFUSE, StatusUnavailable), (WhenUnavailable.WAIT, StatusPending)],
)
async def test_status_list__when_it_cannot_be_had__then_the_policy_decides(
    served: Served, policy: WhenUnavailable, error: type[Exception]
) -> None:
    found = await served.obtain()
    publications = Publications(served.session, [TrustedIssuer(served.url)], unavailable=policy)
    # The keys are known: the list alone is away.
    await publications.key(served.url, served.issuer.keys.credential_key.kid)
    await served.runner.cleanup()
    with pytest.raises(error):
        await _check_with(publications, found)
    with pytest.raises(error):
        await _examine(served, found, unavailable=policy)


async def test_status_list__when_known_and_young__then_it_is_not_fetched_again(served: Served) -> None:
    found = await served.obtain()
    publications = Publications(served.session, [TrustedIssuer(served.url)])
    await _check_with(publications, found)
    await served.runner.cleanup()
    await _check_with(publications, found)


async def test_status_list__when_another_signs_it_or_it_is_nonsense__then_it_is_not_believed(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await served.obtain()
    (tmp_path / "other").mkdir()
    forged = Issuer(
        served.issuer.settings,
        KeyRing.make(tmp_path / "other" / "keys.json", served.issuer.keys.attestation_key.public.kind),
        served.issuer.journal,
    ).status_token()
    for token in (forged, "nonsense", "a.b.c", served.issuer.status_token()[:-8] + "AAAAAAAA"):
        monkeypatch.setattr(Issuer, "status_token", lambda _, token=token: token)
        with pytest.raises(StatusUnavailable):
            await _examine(served, found)


async def test_status_list__when_the_credential_names_one_elsewhere__then_it_is_not_fetched(served: Served) -> None:
    listened = []
    runner = web.AppRunner(web.Application(middlewares=[_note(listened)]))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    uri = f"http://127.0.0.1:{runner.addresses[0][1]}/status/1"
    contents = Contents(served.url, of(ALICE), 5, SCHEMA_HASH, int(time.time()) + 600, {}, uri, 1)
    credential = issue_credential(served.issuer.keys.credential_key, contents, HolderKey.fresh().public_jwk)
    publications = Publications(served.session, [TrustedIssuer(served.url)])
    with pytest.raises(MalformedCredential, match="not its issuer's"):
        await check_credential(credential, publications, borrower=of(ALICE), data_commitment=5)
    await runner.cleanup()
    assert listened == []


def _note(heard: list[str]) -> Any:
    @web.middleware
    async def note(request: web.Request, _: Any) -> web.Response:
        heard.append(request.path)
        return web.Response()

    return note


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"salt": "0x1234"}, "invalid_credential_request"),
        ({"salt": salt_to_hex((1, 2, 0, 0, 0))}, "invalid_credential_request"),
        ({"salt": 5}, "invalid_credential_request"),
        ({"salt": salt_to_hex((1, 2, 3, 4, 5))}, "credential_request_denied"),
        ({"borrower_signature": "0x" + "11" * 65}, "credential_request_denied"),
        ({"borrower_signature": "0x12"}, "credential_request_denied"),
        ({"borrower_signature": None}, "invalid_credential_request"),
        ({"credential_configuration_id": "other"}, "invalid_credential_request"),
        ({"proofs": {}}, "invalid_credential_request"),
        ({"proofs": {"jwt": ["a.b.c"]}}, "invalid_proof"),
        ({"proofs": {"jwt": [HolderKey.fresh().prove_possession("https://other.example", "n")]}}, "invalid_proof"),
    ],
)
async def test_request__when_a_part_of_it_is_wrong__then_the_answer_says_which_and_the_token_stays_good(
    served: Served, changed: dict[str, Any], code: str
) -> None:
    token = await served.token()
    status, told = await served.ask(token, await served.body(**changed))
    assert (status, told["error"]) == (400, code), told
    assert served.issuer.journal.all_issued() == []
    status, told = await served.ask(token, await served.body())
    assert status == 200, told
    assert (await served.ask(token, await served.body()))[0] == 401


async def test_request__when_nonce_or_salt_come_again__then_they_are_refused(served: Served) -> None:
    salt = new_salt()
    body = await served.body(drawn=salt)
    assert (await served.ask(await served.token(), body))[0] == 200
    status, told = await served.ask(await served.token(), body)
    assert (status, told["error"]) == (400, "invalid_nonce")
    status, told = await served.ask(await served.token(), await served.body(drawn=salt))
    assert (status, told["error"]) == (400, "credential_request_denied")
    assert "fresh salt" in told["error_description"]
    bob = await served.ask(await served.token(BOB), await served.body(BOB, drawn=salt))
    assert bob[0] == 400


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"a":' * 3_000, "\ud800".encode("utf-8", "surrogatepass")])
async def test_body__when_it_is_no_json_object__then_it_is_refused(served: Served, body: Any) -> None:
    status, told = await served.ask(await served.token(), body)
    assert (status, told["error"]) == (400, "invalid_credential_request")


async def test_body__when_it_has_two_megabytes__then_it_is_refused_unread(served: Served) -> None:
    token = await served.token()
    body = await served.body() | {"padding": "x" * 2_000_000}
    status, told = await served.ask(token, body)
    assert (status, told["error"]) == (413, "invalid_request")
    async with served.session.post(f"{served.url}/token", data={"grant_type": "x" * 2_000_000}) as answer:
        assert answer.status == 413
    assert (await served.ask(token, await served.body()))[0] == 200


async def test_token__when_unknown__then_the_answer_is_401(served: Served) -> None:
    for token in ("", "unknown", served.issuer.journal.grant(Use.CODE, of(ALICE), 60)):
        status, told = await served.ask(token, await served.body())
        assert (status, told["error"]) == (401, "invalid_token")
    async with served.session.post(f"{served.url}/token", data={"grant_type": "password"}) as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "unsupported_grant_type")
    async with served.session.get(f"{served.url}/nothing") as answer:
        assert answer.status == 404


async def test_records__when_they_are_broken__then_the_borrower_is_told_to_wait_and_nothing_of_them(
    served: Served,
) -> None:
    served.issuer.settings.records.write_text("broken")
    status, told = await served.ask(await served.token(), await served.body())
    assert (status, told["error"]) == (503, "temporarily_unavailable")
    assert str(served.issuer.settings.records) not in json.dumps(told)


async def test_papers__when_they_are_no_json_or_lack_one__then_they_are_malformed(served: Served) -> None:
    for content in (b"", b"[]", b"{}", b'{"credential": 5, "attestation": {}}'):
        with pytest.raises(MalformedCredential):
            await examine(content, [served.url], of(ALICE), 5, unavailable=WhenUnavailable.REFUSE)
