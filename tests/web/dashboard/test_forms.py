"""What no page of ours sends: forms of other kinds, too large, too slow or damaged, odd cookies, names of no file."""

import asyncio
import gzip

import pytest
from sqlalchemy import func, select

from oracle.store.operator_tables import SignInFailureRow
from oracle.web.dashboard import forms, passwords
from tests.support.board import Serving, serving
from tests.support.browsing import Client, client

PLAIN = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "multipart/form-data"}, b"name=a", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\n\r\nnope", 415),
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({**PLAIN, "Content-Encoding": "gzip"}, b"no gzip", 415),
        ({**PLAIN, "Content-Encoding": "gzip"}, gzip.compress(b"csrf=x", mtime=0), 415),
        (PLAIN, b"\xff=\xfe", 400),
        (PLAIN, b"&".join(b"a=%d" % number for number in range(60)), 400),
        (PLAIN, b"a=" + b"x" * 70_000, 413),
        ({"Content-Type": "application/x-www-form-urlencoded; charset=nonesuch"}, b"csrf=x", 403),
        (PLAIN, b"csrf=%ff%00", 403),
        (PLAIN, b"csrf=%ed%a0%80&csrf=x", 403),
        (PLAIN, b"", 403),
    ],
)
async def test_form__of_another_kind__is_refused_in_a_page(
    stranger: Client, headers: dict[str, str], body: bytes, status: int
) -> None:
    await stranger.get("/sign-in")
    async with stranger.session.post(stranger.address + "/sign-in", data=body, headers=headers) as found:
        assert (found.status, found.content_type) == (status, "text/html")
        assert "Content-Security-Policy" in found.headers


async def raw(board: Serving, request: bytes) -> bytes:
    """Return what comes back for bytes, up to the end of the connection."""
    host, _, port = board.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def test_form__that_comes_too_slowly__is_not_waited_for(board: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "PATIENCE_SECONDS", 0.05)
    head = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    answer = await raw(board, head + b"Content-Length: 100\r\n\r\ncsrf=")
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("cookie", [b"\xff\xfe", b"a b", b'"\\377"', b"x" * 4_000, b""])
async def test_cookie__that_is_no_token__is_nobodys(board: Serving, cookie: bytes) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: risk_oracle_session=" + cookie
    assert (await raw(board, head + b"; risk_oracle_form=" + cookie + b"\r\n\r\n")).startswith(b"HTTP/1.1 303 ")


@pytest.mark.parametrize(
    "path",
    ["/static/a%00b.css", "/static/" + "x" * 5_000 + ".css", "/static/%ff.css", "/static/vendor/", "/nope", "/b/1/",
     "/%00", "/sign-in/x"],
)  # fmt: skip
async def test_path__of_nothing__is_a_page_that_says_so(stranger: Client, path: str) -> None:
    page = await stranger.get(path)
    assert page.status == 404
    assert "Not found" in page.words


async def test_prefix__without_its_slash__leads_to_the_overview(board_url: str) -> None:
    async with serving(board_url, path_prefix="/oracle") as board, client(board, "vera") as one:
        page = await one.get("", follow=False)
        assert (page.status, page.headers["Location"]) == (303, "/oracle/")


async def test_guesses__made_at_once__count_one_after_the_other(
    board: Serving, stranger: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0

    async def never(*_: object) -> bool:
        nonlocal checked
        checked += 1
        await asyncio.sleep(0)
        return False

    monkeypatch.setattr(passwords, "fits", never)
    fields = {"csrf": await stranger.token("/sign-in"), "name": "ada", "password": "a wrong guess"}
    pages = await asyncio.gather(*(stranger.post("/sign-in", fields) for _ in range(40)))
    assert {page.status for page in pages} == {403, 429}
    # Two are checked at the same time, so that one more than the free ones may be.
    assert checked <= 6
    async with board.parts.sessions() as session:
        assert await session.scalar(select(func.max(SignInFailureRow.failures))) == checked
