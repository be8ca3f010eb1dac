"""A party's wire: what a server answers that is none, that forgot, or that is away for a while."""

import base64
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from oracle.approval.board import Board
from oracle.approval.engine_process import Engine
from oracle.approval.errors import Refused, Silent
from oracle.approval.fields import PARTIES
from oracle.approval.identity import Identity
from oracle.approval.layout import Layout
from oracle.approval.mailbox import Mailbox
from oracle.approval.messages import Head, Message, compose, pledge_of
from oracle.approval.model import load_model
from oracle.approval.transcript import PARTS, SERVER, Transcript
from tests.support.lane import identities

SESSION = "a" * 32
LAYOUT = Layout(load_model())
MODEL = LAYOUT.model.digest
KEYS, ROSTER = identities()
SIZES = {kind: dict.fromkeys(parts, 4) for kind, parts in PARTS.items()}


@dataclass
class Told:
    """A server that says what it is told to say, and what it was asked."""

    answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]]
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.method)
        await request.read()
        return await self.answers[min(len(self.asked), len(self.answers)) - 1](request)


@contextlib.asynccontextmanager
async def mailbox(*answers: object, patience: float = 2.0) -> AsyncIterator[tuple[Mailbox, Transcript, Told]]:
    """Give the bank's end of a wire to a server with these answers, the last of them again and again."""

    def answering(given: object) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            if isinstance(given, bytes):
                return web.Response(body=given)
            return web.Response(status=given) if isinstance(given, int) else web.json_response(given)

        return answer

    told = Told([answering(one) for one in answers])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", told.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    transcript = pledged()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield Mailbox("bank", transcript, ROSTER, KEYS["bank"], url, patience), transcript, told
    finally:
        await runner.cleanup()


def pledge_by(party: str) -> Message:
    about = pledge_of(party, dict.fromkeys(SIZES["keys"], b"1234"))
    return compose(
        KEYS[party], Head(session=SESSION, application=0, kind="pledge", party=party, model=MODEL, about=about)
    )


PLEDGES = [pledge_by(party) for party in PARTIES]


def pledged() -> Transcript:
    """Return a session's transcript in which the keys come next."""
    transcript = Transcript(SESSION, MODEL, SIZES)
    for one in PLEDGES:
        transcript.accept(one)
    return transcript


def keys_of(party: str, transcript: Transcript) -> Message:
    about = transcript.basis(0, "keys", party)
    head = Head(session=SESSION, application=0, kind="keys", party=party, model=MODEL, about=about)
    return compose(KEYS[party], head, dict.fromkeys(SIZES["keys"], b"1234"))


def listed(*messages: Message, total: int | None = None) -> dict[str, object]:
    entries = [{"digest": one.digest, "opening": base64.b64encode(one.opening).decode()} for one in messages]
    return {"messages": entries, "total": len(messages) if total is None else total}


FIRST = keys_of("applicant", pledged())


async def test_server__when_it_is_away_for_a_while__then_it_is_asked_again() -> None:
    async with mailbox(503, 502, listed(FIRST)) as (box, transcript, told), aiohttp.ClientSession() as http:
        await box.catch_up(http)
        assert len(told.asked) == 3
        assert transcript.get(0, "keys", "applicant") == FIRST.announced()


async def test_server__when_it_stays_away__then_it_is_named_and_what_is_known_stays() -> None:
    async with mailbox(listed(FIRST), 503, patience=0.3) as (box, transcript, _), aiohttp.ClientSession() as http:
        await box.catch_up(http)
        with pytest.raises(Silent, match=r"the server at http://127\.0\.0\.1:\d+ has not answered in 0\.3 s.*503"):
            await box.catch_up(http)
        assert transcript.messages == [*PLEDGES, FIRST.announced()]


async def test_server__when_nothing_listens__then_it_is_named() -> None:
    async with mailbox(503, patience=0.2) as (box, _, __), aiohttp.ClientSession() as http:
        box._url = "http://127.0.0.1:9/v1/messages"
        with pytest.raises(Silent, match="has not answered"):
            await box.catch_up(http)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (401, "401"),
        (413, "413"),
        ([], "lists no messages"),
        ({"messages": []}, "lists no messages"),
        ({"messages": [], "total": "many"}, "lists no messages"),
        ({"messages": [], "total": -1}, "lists no messages"),
        ({"messages": {"0": {}}, "total": 1}, "lists no messages"),
        ({"messages": [{"digest": "0"}], "total": 1}, "lists no messages"),
        ({"messages": [{"opening": "***"}], "total": 1}, "lists what is no message"),
        ({"messages": [{"opening": ""}], "total": 1}, "does not begin as a message"),
        ({"messages": [], "total": 3}, "says that it has 3 messages, and shows 0"),
        (b"[" * 100_000, "lists no messages"),
        (b"\xff\xfe", "lists no messages"),
        (b"x" * (33 << 20), "more than 33554432 bytes"),
    ],
)
async def test_server__when_it_is_another__then_that_is_said_at_once(answer: object, said: str) -> None:
    async with mailbox(answer) as (box, _, told), aiohttp.ClientSession() as http:
        with pytest.raises(Refused, match=f"^server's .*{said}"):
            await box.catch_up(http)
        assert len(told.asked) == 1


async def test_server__when_it_lost_messages__then_it_is_not_believed() -> None:
    async with mailbox(listed(FIRST), listed()) as (box, _, __), aiohttp.ClientSession() as http:
        await box.catch_up(http)
        with pytest.raises(Refused, match="it has 0 messages and showed 1 before"):
            await box.catch_up(http)


async def test_party__when_it_does_not_send_in_time__then_it_is_named() -> None:
    async with mailbox(listed(), patience=0.3) as (box, _, __), aiohttp.ClientSession() as http:
        with pytest.raises(Silent, match=r"agency has not sent its keys message in 0\.3 s"):
            await box.until(http, 0, "keys", "agency")


async def test_message__when_its_answer_was_lost__then_it_stands_and_is_not_fetched_again() -> None:
    transcript = pledged()
    transcript.accept(FIRST)
    own = keys_of("bank", transcript)
    refused = {"party": "bank", "kind": "keys", "why": "one was accepted before"}

    async with mailbox(listed(FIRST), 503) as (box, known, told), aiohttp.ClientSession() as http:
        await box.catch_up(http)

        async def conflict(_: web.Request) -> web.StreamResponse:
            return web.json_response(refused, status=409)

        async def after(_: web.Request) -> web.StreamResponse:
            return web.json_response(listed(own, total=2))

        told.answers += [conflict, after]
        await box.send(http, 0, "keys", parts=dict.fromkeys(SIZES["keys"], b"1234"))
        assert await box.until(http, 0, "keys", "bank") == own
        assert told.asked == ["GET", "POST", "POST", "GET"]
        assert known.get(0, "keys", "bank") == own


async def test_message__when_it_is_refused__then_why_is_passed_on() -> None:
    async with mailbox(listed(FIRST)) as (box, known, told), aiohttp.ClientSession() as http:
        await box.catch_up(http)

        async def conflict(_: web.Request) -> web.StreamResponse:
            return web.json_response({"party": "bank", "kind": "keys", "why": "no"}, status=409)

        async def nothing(_: web.Request) -> web.StreamResponse:
            return web.json_response(listed(total=1))

        told.answers += [conflict, nothing]
        with pytest.raises(Refused, match="bank's keys message was refused: no"):
            await box.send(http, 0, "keys", parts=dict.fromkeys(SIZES["keys"], b"1234"))
        assert known.get(0, "keys", "bank") is None


@pytest.mark.parametrize("why", [b"", b"no", b"[]", b'{"party": 1}', b"[" * 60_000])
async def test_message__when_it_is_refused_without_a_reason__then_the_server_is_named(why: bytes) -> None:
    async with mailbox(listed(FIRST)) as (box, _, told), aiohttp.ClientSession() as http:
        await box.catch_up(http)

        async def conflict(_: web.Request) -> web.StreamResponse:
            return web.Response(body=why, status=409)

        async def nothing(_: web.Request) -> web.StreamResponse:
            return web.json_response(listed(total=1))

        told.answers += [conflict, nothing]
        with pytest.raises(Refused, match="server's answer message was refused: it refuses a message and does not say"):
            await box.send(http, 0, "keys", parts=dict.fromkeys(SIZES["keys"], b"1234"))


async def test_board__when_its_disk_is_full__then_the_message_is_not_accepted_and_may_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(SESSION, LAYOUT, ROSTER, KEYS[SERVER], Engine(Path("none"), tmp_path / "log"), tmp_path / "board")
    board.transcript.sizes = SIZES
    await board.resume()
    for one in PLEDGES:
        await board.accept(one.raw)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("oracle.approval.board.write_private", full)
        with pytest.raises(OSError, match="No space left"):
            await board.accept(FIRST.raw)
    assert [one.head.kind for one in board.transcript.messages] == ["pledge"] * 3
    await board.accept(FIRST.raw)
    again = Board(SESSION, LAYOUT, ROSTER, KEYS[SERVER], Engine(Path("none"), tmp_path / "log"), tmp_path / "board")
    again.transcript.sizes = SIZES
    await again.resume()
    kept = again.transcript.get(0, "keys", "applicant")
    assert kept is not None
    assert (kept.digest, dict(kept.parts), kept.raw) == (FIRST.digest, dict(FIRST.parts), FIRST.raw)


async def test_board__when_a_kept_message_was_changed__then_its_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "000000.message").write_bytes(FIRST.raw[:-1] + b"x")
    board = Board(SESSION, LAYOUT, ROSTER, KEYS[SERVER], Engine(Path("none"), tmp_path / "log"), tmp_path)
    with pytest.raises(Refused, match="applicant's keys message was refused: part rotations"):
        await board.resume()


async def test_board__when_a_stranger_shows_a_key_of_its_own__then_no_message_is_listed(tmp_path: Path) -> None:
    board = Board(SESSION, LAYOUT, ROSTER, KEYS[SERVER], Engine(Path("none"), tmp_path / "log"), tmp_path)
    await board.resume()
    runner = web.AppRunner(board.application(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/messages"
    try:
        async with aiohttp.ClientSession() as http:
            for one, status in ((Identity(b"9" * 32), 401), (KEYS[SERVER], 401), (KEYS["bank"], 200)):
                token = {"Authorization": f"Bearer {one.token(ROSTER[SERVER], SESSION)}"}
                async with http.get(url, headers=token) as answer:
                    assert answer.status == status
                for query in ("?after=-1", "?wait=nan", "?after=x"):
                    async with http.get(url + query, headers=token) as answer:
                        assert answer.status == (400 if status == 200 else 401)
    finally:
        await runner.cleanup()
