"""The shared look: as many queries for fifty viewers as for one, live pieces, stale data that say so."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest
from sqlalchemy import event, make_url

from oracle.store import database
from oracle.web.dashboard.board import BOARD
from oracle.web.dashboard.parts import page_engine
from tests.support.board import HOSTILE, Serving, serving, well
from tests.support.browsing import Client, client

LOOKS = 4


async def pieces(session: aiohttp.ClientSession, address: str, wanted: int) -> list[str]:
    """Return so many events of the live stream."""
    found: list[str] = []
    async with session.get(f"{address}/live?range=1h", timeout=aiohttp.ClientTimeout(total=60)) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert stream.headers["X-Accel-Buffering"] == "no"
        lines: list[str] = []
        async for raw in stream.content:
            line = raw.decode().rstrip("\n")
            lines.append(line)
            if not line:
                if lines[0].startswith("event: look"):
                    found.append("\n".join(lines))
                lines = []
            if len(found) == wanted:
                return found
    return found


async def queries_a_look(board_url: str, viewers: int) -> float:
    async with AsyncExitStack() as stack:
        board = await stack.enter_async_context(serving(board_url, read_only=True, refresh_seconds=0.5))
        counted = 0

        def count(*_: object) -> None:
            nonlocal counted
            counted += 1

        one = await stack.enter_async_context(client(board))
        assert (await one.get("/")).status == 200
        first = board.app[BOARD].look
        assert first is not None
        event.listen(board.parts.engine.sync_engine, "before_cursor_execute", count)
        await asyncio.gather(*(pieces(one.session, board.address, LOOKS) for _ in range(viewers)))
        last = board.app[BOARD].look
        assert last is not None
        return counted / (last.number - first.number)


async def test_viewers__fifty__cost_the_database_no_more_than_one(board_url: str) -> None:
    alone = await queries_a_look(board_url, 1)
    crowd = await queries_a_look(board_url, 50)
    assert 0 < alone < 15
    assert crowd <= 1.5 * alone


async def test_live__while_requests_move__sends_the_new_numbers(board: Serving, ada: Client) -> None:
    await ada.get("/")
    watching = asyncio.create_task(pieces(ada.session, board.address, 3))
    fields = {"action": "requeue", "request": "", "words": "", "confirmed": "yes", "csrf": await ada.token("/settings")}
    await ada.post("/dead-letters/act", fields)
    last = (await watching)[-1]
    assert '<span class="name">dead</span>\ndata:         <span class="count">0</span>' in last


async def test_live__when_nobody_watches__asks_nothing(board_url: str) -> None:
    async with serving(board_url, read_only=True, refresh_seconds=0.5) as board, client(board) as one:
        asked: list[str] = []
        event.listen(
            board.parts.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(str(given[2]))
        )
        assert (await one.get("/static/board.css")).status == 200
        assert asked == []


async def test_database__when_gone__the_last_look_is_said_to_be_stale_and_pages_answer_503(
    board: Serving, vera: Client
) -> None:
    assert "Stale." not in (await vera.get("/")).words
    looked = board.app[BOARD]
    lost = page_engine("postgresql://reader@127.0.0.1:1/nowhere")
    kept = board.parts.sessions
    board.parts.sessions = kept.__class__(lost)
    page = await vera.get("/requests")
    assert page.status == 503
    assert page.headers["Retry-After"] == "5"
    assert "The database does not answer" in page.words
    assert "nowhere" not in page.text
    await looked.refresh()
    board.parts.sessions = kept
    page = await vera.get("/?range=1h")
    assert "Stale. The database does not answer" in page.words
    await looked.refresh()
    assert "Stale." not in (await vera.get("/")).words
    await lost.dispose()


async def test_statement__when_it_takes_too_long__is_a_page_that_says_so(
    vera: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise database.DatabaseBusy("the database gave up on a statement")

    monkeypatch.setattr("oracle.web.dashboard.requests_list.board_pages.lines", busy)
    page = await vera.get("/requests")
    assert page.status == 503
    assert "narrow the question down" in page.words


async def test_texts__of_strangers__are_shown_and_never_run(postgres_url: str, hostile_template: str) -> None:
    url = make_url(postgres_url).set(database=hostile_template).render_as_string(hide_password=False)
    health = well()
    health.set("chain", False, HOSTILE)
    health.warn("odd", HOSTILE)
    async with serving(url, health=health) as board, client(board, "ada") as one:
        paths = ("/", "/requests", "/requests/24", "/dead-letters", "/endpoints", "/settings", "/b/24", "/transactions")
        seen = 0
        for path in paths:
            page = await one.get(path)
            assert page.status == 200, path
            assert "<script>alert" not in page.text
            assert "<img src=x" not in page.text
            assert "49" not in page.words.partition("{{7*7}}")[0][-5:]
            assert "\x00" not in page.text
            seen += page.text.count("&lt;script&gt;alert(1)")
        assert seen >= 8
        page = await one.get("/requests?state=%3Cscript%3Ealert(1)%3C/script%3E")
        assert page.status == 400
        assert "<script>alert" not in page.text
        raw = await one.get("/requests/24/raw.json")
        assert raw.headers["Content-Type"].startswith("application/json")
