"""Every page over a filled database: what it says, what it refuses, and what a stranger sees of it."""

import html
import json
import re

import pytest

from oracle.passports.schema import GROUPS
from oracle.store.embedded import create_database
from tests.support.board import LENDERS, WALLETS, Serving, serving, well
from tests.support.browsing import Client, client

PAGES = (
    "/",
    "/?range=7d",
    "/requests",
    "/requests?state=final",
    "/requests/1",
    "/requests/17",
    "/requests/19",
    "/requests/22",
    "/requests/30",
    f"/wallets/{WALLETS[1]}",
    f"/wallets/{LENDERS[0]}",
    "/dead-letters",
    "/transactions",
    "/transactions?show=waiting",
    "/models",
    "/models/credit-v1",
    "/lenders",
    "/endpoints",
    "/settings",
)


@pytest.fixture
def board_url(board_read_url: str) -> str:
    """Nothing is done here but reading."""
    return board_read_url


@pytest.mark.parametrize("path", PAGES)
async def test_page__signed_in__is_whole_and_without_inline_script_or_style(vera: Client, path: str) -> None:
    page = await vera.get(path)
    assert page.status == 200, page.words[:300]
    assert page.text.rstrip().endswith("</html>")
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert "onclick" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", [*PAGES, "/requests/1/raw.json", "/live", "/models/credit-v1/calibration.png"])
async def test_page__of_a_stranger__leads_to_the_sign_in_and_back(stranger: Client, path: str) -> None:
    page = await stranger.get(path, follow=False)
    assert page.status == 303
    assert page.headers["Location"].startswith("/sign-in?next=/")
    assert "Request" not in page.text


async def test_overview__says_what_there_is(vera: Client) -> None:
    page = (await vera.get("/")).words
    assert "30 in all, 10 under way" in page
    assert "asked 30 answered 14 declined 4 given up 3" in page
    assert "answered 63.6 % declined 18.2 %" in page, "declines that are mined are no answers"
    assert "dead 3" in page
    assert "private data not opened 2" in page
    assert "dead letters 3 given up" in page
    assert "0.310" in page, "the drift"
    assert "0.028 " in page, "14 answers at 0.002 coins"


async def test_list__narrowed_down__holds_what_fits(vera: Client) -> None:
    page = await vera.get("/requests?state=dead")
    assert [f"/requests/{number}" in page.text for number in (22, 23, 24, 1)] == [True, True, True, False]
    assert "These are all." in page.text
    page = await vera.get(f"/requests?wallet={WALLETS[2].upper().replace('0X', '0x')}&score_from=0&score_to=100")
    assert 'href="/requests/2"' in page.text
    assert 'href="/requests/3"' not in page.text
    assert "No request is like that" in (await vera.get("/requests?reason=unsupported_asset")).words


async def test_list__by_the_page__shows_every_request_once(vera: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.web.dashboard.requests_list.LINES", 7)
    seen: list[str] = []
    path: str | None = "/requests"
    while path is not None:
        page = await vera.get(path)
        rows = page.text.split('<th scope="row"><a href="/requests/')[1:]
        seen += [row.split('"')[0] for row in rows]
        found = page.text.partition('rel="next" href="')[2].partition('"')[0]
        path = found.replace("&amp;", "&") or None
    assert seen == [str(number) for number in range(30, 0, -1)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("7", "/requests/7"),
        ("#7", "/requests/7"),
        (WALLETS[0].upper().replace("0X", "0x"), f"/wallets/{WALLETS[0]}"),
        (f"0x{5:060x}beef", "/requests/5"),
        (f"0x{5:032x}{2:032x}", "/requests/5"),
    ],
)
async def test_search__by_id_address_or_hash__leads_there(vera: Client, asked: str, found: str) -> None:
    page = await vera.get("/search?q=" + asked.replace("#", "%23"), follow=False)
    assert (page.status, page.headers["Location"]) == (303, found)


async def test_search__of_a_hash_that_nobody_sent__says_none(vera: Client) -> None:
    page = await vera.get(f"/search?q=0x{'9' * 64}")
    assert page.status == 404
    assert "All that is stored was searched" in page.words


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/?range=2h", "range"),
        ("/live?range=x", "range"),
        ("/requests?state=happy", "state"),
        ("/requests?reason=mood", "reason"),
        ("/requests?wallet=0x12", "wallet"),
        ("/requests?lender=vitalik.eth", "lender"),
        ("/requests?model=zz", "model"),
        ("/requests?score_from=101", "score_from"),
        ("/requests?score_from=nan", "score_from"),
        ("/requests?score_from=80&score_to=20", "score_to"),
        ("/requests?since=yesterday", "since"),
        ("/requests?since=99999-01-01", "since"),
        ("/requests?since=2026-01-02&until=2026-01-01", "until"),
        ("/requests?before=1%27--", "before"),
        ("/requests?before=9999999999999999999999-1", "before"),
        ("/transactions?before=99999999999999999999", "before"),
        ("/search?q=nonsense", "q"),
        ("/search?q=%00", "q"),
        (f"/search?q={'a' * 300}", "q"),
        ("/wallets/0x12", "address"),
        ("/dead-letters?before=x", "before"),
    ],
)
async def test_field__when_wrong__is_named_with_what_is_expected(vera: Client, path: str, field: str) -> None:
    page = await vera.get(path)
    assert page.status == 400, page.words[:200]
    assert f"{field}: " in page.words
    assert page.text.rstrip().endswith("</html>")


@pytest.mark.parametrize(
    "path",
    [
        "/requests/99999",
        "/requests/abc",
        "/requests/-1",
        f"/requests/{2**256}",
        "/requests/1%00",
        f"/wallets/0x{'9' * 40}",
        "/models/none",
        "/models/..%2F..%2Fetc",
        "/models/credit-v1/model.json",
        "/b/99999",
    ],
)
async def test_thing__when_unknown__is_a_page_that_says_so(vera: Client, path: str) -> None:
    page = await vera.get(path)
    assert page.status == 404
    assert "Not found" in page.words


@pytest.mark.parametrize("file", ["../board.py", "%2e%2e/server.py", "/etc/passwd", "x.css"])
async def test_static__outside_its_folder__is_not_served(stranger: Client, file: str) -> None:
    assert (await stranger.get(f"/static/{file}")).status == 404


async def test_request__answered__tells_scores_reasons_features_and_transactions(vera: Client) -> None:
    page = await vera.get("/requests/2")
    words = page.words
    for said in (
        "of 100, higher is safer",
        "3,840 bytes",
        "Why, and what would change it",
        "health factor of the open debt",
        "mined block 21,000,005, 812,345 gas",
        "replaced",
        "12 blocks deep",
        "Shadow",
    ):
        assert said in words, said
    assert "Requeue" not in words


async def test_request__as_json__is_exact_and_whole(vera: Client) -> None:
    page = await vera.get("/requests/1/raw.json")
    found = json.loads(page.text)
    assert page.headers["Content-Type"].startswith("application/json")
    assert found["fee_wei"] == str(2 * 10**15)
    assert isinstance(found["terms"]["principal"], str) or found["terms"]["principal"] < 2**53
    assert len(found["proof"]) == 2 + 2 * 3_840
    assert [step["target"] for step in found["transitions"]][-1] == "final"


async def test_request__given_up__shows_its_trace_and_failed_tries(vera: Client) -> None:
    words = (await vera.get("/requests/22")).words
    assert "ProvingFailed: the prover died in the trace" in words
    assert words.count("try failed") == 3


async def test_settings__are_shown_without_a_secret(vera: Client) -> None:
    words = (await vera.get("/settings")).words
    assert "chain.rpc_url **********" in words
    assert "vera viewer" in words


async def test_pages__of_an_empty_database__say_what_will_be_there(
    postgres_url: str, template: str, board_template: str
) -> None:
    url = create_database(postgres_url, "board_empty", template)
    async with serving(url, health=well(), read_only=True) as board, client(board) as one:
        for path in ("/", "/requests", "/dead-letters", "/transactions", "/models", "/endpoints", "/settings"):
            page = await one.get(path)
            assert page.status == 200, path
        assert "No request has arrived yet" in (await one.get("/requests")).words


async def test_pages__below_a_prefix__stay_below_it(board_url: str) -> None:
    async with serving(board_url, health=well(), path_prefix="/ops/oracle") as board, client(board, "vera") as one:
        for path in PAGES:
            page = await one.get(path)
            assert page.status == 200
            links = [part.split('"')[0] for part in page.text.replace('action="', 'href="').split('href="')[1:]]
            inside = [link for link in links if link.startswith("/")]
            assert inside
            assert [link for link in inside if not link.startswith("/ops/oracle/")] == []
        assert 'sse-connect="/ops/oracle/live' in (await one.get("/")).text


async def test_borrower__answered__reads_why_without_signing_in(stranger: Client) -> None:
    page = await stranger.get("/b/2")
    assert page.status == 200
    assert "of 100" in page.words
    assert "What would change it" in page.words
    for inside in ("try failed", "RPC calls", "nonce", "Sign out", "812,345"):
        assert inside not in page.words
    assert "was never handed over" in (await stranger.get("/b/19")).words


@pytest.mark.parametrize("number", [15, 16, 17, 22, 30])
async def test_borrower__before_the_chain_shows_an_answer__reads_no_score(stranger: Client, number: int) -> None:
    words = (await stranger.get(f"/b/{number}")).words
    assert "No answer yet" in words
    for inside in ("of 100", "likelihood", "prover died", "pruned"):
        assert inside not in words


async def test_borrower__switched_off__is_not_there(board_url: str) -> None:
    async with serving(board_url, borrower_page=False) as board, client(board) as one:
        assert (await one.get("/b/2")).status == 404
    async with serving(board_url, enabled=False) as board, client(board) as one:
        assert (await one.get("/b/2")).status == 200
        assert (await one.get("/sign-in")).status == 404


async def test_borrow__holds_the_whole_schema_and_sends_no_form(stranger: Client) -> None:
    page = await stranger.get("/borrow")
    assert page.status == 200
    for group in GROUPS.values():
        for field in group.fields:
            assert f'id="{field.path}"' in page.text
            assert f'id="unknown-{field.path}"' in page.text
            assert html.escape(field.title) in page.text
    assert set(re.findall(r' name="([^"]+)"', page.text)) == {"viewport", "htmx-config", "mode"}, "no field has a name"
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'none'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert '<fieldset id="all" class="bare" disabled>' in page.text, "without its script, nothing can be pressed"


async def test_borrow__switched_off_or_without_a_daemon__is_not_there(board_url: str) -> None:
    async with serving(board_url, borrow_page=False) as board, client(board) as one:
        assert (await one.get("/borrow")).status == 404
        assert (await one.get("/b/2")).status == 200
    async with serving(board_url, read_only=True) as board, client(board) as one:
        assert (await one.get("/borrow")).status == 404


async def test_board__by_theme__keeps_what_was_chosen(board: Serving, vera: Client) -> None:
    assert "data-theme" not in (await vera.get("/settings")).text.partition("<body")[0]
    page = await vera.get("/settings", Cookie="risk_oracle_theme=dark")
    assert page.status in (200, 303)
    vera.session.cookie_jar.update_cookies({"risk_oracle_theme": 'dark"><script>'})
    assert "<script>" not in (await vera.get("/settings")).text.partition("<head")[0]
