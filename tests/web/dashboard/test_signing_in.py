"""Signing in: sessions, cookies, forms of other sites, throttling, and what a viewer may not do."""

import re

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.store import operators
from oracle.store.operator_tables import OperatorActionRow, OperatorRow, OperatorSessionRow, SignInFailureRow
from oracle.web.dashboard import passwords
from tests.support.board import PASSWORD, Serving, serving
from tests.support.browsing import Client, client

REQUEUE = {"action": "requeue", "request": "22", "words": "", "confirmed": "yes"}


async def session_of(board: Serving) -> AsyncSession:
    return board.parts.sessions()


async def test_sign_in__right__begins_a_session_of_which_the_database_knows_a_digest(
    board: Serving, stranger: Client
) -> None:
    page = await stranger.sign_in("Ada ", following="/requests?state=dead")
    assert (page.status, page.headers["Location"]) == (303, "/requests?state=dead")
    cookie = page.headers["Set-Cookie"]
    token = re.search(r"risk_oracle_session=([^;]+)", cookie)
    assert token is not None
    assert len(token[1]) >= 43
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert (await stranger.get("/")).status == 200
    async with await session_of(board) as session:
        row = (await session.scalars(select(OperatorSessionRow))).one()
        assert token[1].encode() not in row.token_hash
        assert len(row.token_hash) == 32
        stored = await session.scalar(select(OperatorRow.password_hash).where(OperatorRow.name == "ada"))
    assert str(stored).startswith("$argon2id$")


async def test_sign_in__where_browsers_come_by_https__the_cookie_is_secure(board_url: str) -> None:
    async with serving(board_url, https=True) as board, client(board) as one:
        page = await one.get("/sign-in")
        assert "Secure" in page.headers["Set-Cookie"]


@pytest.mark.parametrize("name", ["ada", "nobody", "", "' or 1=1 --", "a\x00b", "x" * 500])
async def test_sign_in__wrong__is_refused_in_the_same_words(stranger: Client, name: str) -> None:
    page = await stranger.sign_in(name, "wrong password")
    assert page.status == 403
    assert "That name and password do not belong together." in page.words
    assert (await stranger.get("/", follow=False)).status == 303


async def test_sign_in__after_many_failures__waits_even_with_the_right_password(
    board: Serving, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> bool:
        return False

    with monkeypatch.context() as slow:
        slow.setattr(passwords, "fits", never)
        for _ in range(5):
            assert (await stranger.sign_in("ada", "wrong")).status == 403
    async with board.parts.sessions.begin() as session:
        # The first pause is shorter than a busy machine may take for the next try.
        await session.execute(update(SignInFailureRow).values(failures=SignInFailureRow.failures + 4))
    page = await stranger.sign_in("ada")
    assert page.status == 429
    assert "Too many failed tries: wait" in page.words
    async with board.parts.sessions.begin() as session:
        await session.execute(update(SignInFailureRow).values(last_at=func.now() - text("interval '20 minutes'")))
    assert (await stranger.sign_in("ada")).status == 303
    async with await session_of(board) as session:
        assert await session.scalar(select(func.count()).select_from(SignInFailureRow)) == 0


@pytest.mark.parametrize("wanted", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", ""])
async def test_sign_in__when_asked_to_lead_elsewhere__leads_to_the_overview(stranger: Client, wanted: str) -> None:
    page = await stranger.sign_in("ada", following=wanted)
    assert page.headers["Location"] == "/"


async def test_sign_in__from_another_sites_form__is_refused(stranger: Client) -> None:
    token = await stranger.token("/sign-in")
    fields = {"csrf": token, "name": "ada", "password": PASSWORD}
    assert (await stranger.post("/sign-in", fields, Origin="https://evil.example")).status == 403
    assert (await stranger.post("/sign-in", fields, **{"Sec-Fetch-Site": "cross-site"})).status == 403
    assert (await stranger.post("/sign-in", {**fields, "csrf": "x"})).status == 403
    stranger.session.cookie_jar.clear()
    assert (await stranger.post("/sign-in", fields)).status == 403


async def test_session__when_over__leads_to_the_sign_in(board: Serving, ada: Client) -> None:
    async with board.parts.sessions.begin() as session:
        await session.execute(update(OperatorSessionRow).values(expires_at=func.now()))
    assert (await ada.get("/", follow=False)).status == 303


async def test_sign_out__here__ends_this_session_alone(board: Serving, ada: Client) -> None:
    async with client(board, "ada") as other:
        page = await ada.post("/sign-out", {"csrf": await ada.token("/")}, follow=False)
        assert page.headers["Location"] == "/sign-in"
        assert (await ada.get("/", follow=False)).status == 303
        assert (await other.get("/", follow=False)).status == 200


async def test_sign_out__everywhere__ends_all_of_the_account_and_no_other(
    board: Serving, ada: Client, vera: Client
) -> None:
    async with client(board, "ada") as other:
        await ada.post("/sign-out", {"csrf": await ada.token("/"), "everywhere": "yes"})
        assert (await other.get("/", follow=False)).status == 303
        assert (await vera.get("/", follow=False)).status == 200


async def test_password__when_changed_or_account_removed__signs_out_everywhere(board: Serving, ada: Client) -> None:
    async with board.parts.sessions.begin() as session:
        await operators.change_password(session, "ada", passwords.hashed("another long password"))
    assert (await ada.get("/", follow=False)).status == 303
    async with client(board, "vera") as one:
        async with board.parts.sessions.begin() as session:
            await operators.remove(session, "vera")
        assert (await one.get("/", follow=False)).status == 303


async def test_action__of_a_viewer__is_refused_and_not_offered(vera: Client) -> None:
    page = await vera.get("/dead-letters")
    assert "Requeue" not in page.text
    assert (await vera.get("/dead-letters/confirm?action=requeue&request=22")).status == 403
    token = await vera.token("/")
    assert (await vera.post("/dead-letters/act", {**REQUEUE, "csrf": token})).status == 403
    assert "dead" in (await vera.get("/requests/22")).words


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_action__from_another_site__is_refused(ada: Client, headers: dict[str, str]) -> None:
    token = await ada.token("/")
    assert (await ada.post("/dead-letters/act", {**REQUEUE, "csrf": token}, **headers)).status == 403
    assert (await ada.post("/dead-letters/act", {**REQUEUE, "csrf": "x" * 32})).status == 403
    assert (await ada.post("/dead-letters/act", REQUEUE)).status == 403


async def test_action__requeue_one__starts_it_again_and_says_who_did(board: Serving, ada: Client) -> None:
    ask = await ada.get("/dead-letters/confirm?action=requeue&request=22")
    assert "Requeue request 22?" in ask.words
    page = await ada.post("/dead-letters/act", {**REQUEUE, "csrf": await ada.token("/")})
    assert "Done: request 22: start again." in page.words
    words = (await ada.get("/requests/22")).words
    assert "requeued by operator ada" in words
    assert "What operators did" in words
    again = await ada.post("/dead-letters/act", {**REQUEUE, "csrf": await ada.token("/")})
    assert again.status == 400
    assert "only dead requests can be requeued" in again.words
    async with await session_of(board) as session:
        acted = await session.scalars(select(OperatorActionRow).where(OperatorActionRow.action == "requeue"))
        assert [one.operator for one in acted] == ["ada"]


async def test_action__unconfirmed_or_unknown__does_nothing_and_says_why(ada: Client) -> None:
    token = await ada.token("/")
    for wrong, field in (
        ({"confirmed": ""}, "confirmed"),
        ({"action": "burn"}, "action"),
        ({"request": "1"}, "request 1"),
    ):
        page = await ada.post("/dead-letters/act", {**REQUEUE, "csrf": token, **wrong})
        assert page.status == 400
        assert field in page.words
    assert (await ada.post("/dead-letters/act", {**REQUEUE, "csrf": token, "request": "x"})).status == 404
    assert "dead" in (await ada.get("/requests/22")).words


async def test_action__on_all_that_match__leaves_the_others(ada: Client) -> None:
    page = await ada.get("/dead-letters?words=PRUNED%20at")
    assert "Request 23" in page.words
    assert "Request 22" not in page.words
    assert (
        "Request" not in (await ada.get("/dead-letters?words=%25")).words.partition("Matching")[2].partition("What")[0]
    )
    fields = {**REQUEUE, "request": "", "words": "pruned", "csrf": await ada.token("/")}
    assert "request 23: start again" in (await ada.post("/dead-letters/act", fields)).words
    left = (await ada.get("/dead-letters")).words
    assert ("Request 22" in left, "Request 23" in left, "Request 24" in left) == (True, False, True)
    fields = {**fields, "words": "", "csrf": await ada.token("/")}
    assert "2 requests start again" in (await ada.post("/dead-letters/act", fields)).words


async def test_dead_letters__of_a_link_with_words_of_its_own__tells_nothing_of_them(ada: Client) -> None:
    assert "pay" not in (await ada.get("/dead-letters?done=pay%200x11&requests=pay&request=1")).words
    assert "Done" not in (await ada.get("/dead-letters?done=pay&request=1")).words


async def test_action__decline__records_the_reason_for_the_contract(ada: Client) -> None:
    fields = {**REQUEUE, "action": "decline", "reason": "model_not_applicable", "csrf": await ada.token("/")}
    assert "will be declined" in (await ada.post("/dead-letters/act", fields)).words
    words = (await ada.get("/requests/22")).words
    assert "model_not_applicable: declined by operator ada" in words
    assert "Declined: model not applicable." in words
    wrong = {**fields, "request": "23", "reason": "mood", "csrf": await ada.token("/")}
    assert "reason: " in (await ada.post("/dead-letters/act", wrong)).words


async def test_stream__of_a_viewer_who_is_signed_out__says_so_instead_of_leading_away(stranger: Client) -> None:
    told = await stranger.get("/live?range=1h", follow=False, Accept="text/event-stream")
    assert (told.status, told.headers["Content-Type"]) == (200, "text/event-stream")
    assert "event: signedout" in told.text
