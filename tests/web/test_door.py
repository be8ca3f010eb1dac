"""Who may call, how often, and how every bad call is answered: a problem that names what is wrong."""

import asyncio
import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from oracle.config.api import ApiSettings
from oracle.store import api_keys, database
from oracle.store.api_keys import Scope
from oracle.web.api.calls import read_json
from oracle.web.api.keyring import REMEMBERED_SECONDS
from oracle.web.api.limits import Limits
from oracle.web.api.problems import Problem
from tests.web.conftest import Door, opened, problem_in

WALLET = "0x" + "11" * 20
PATH = f"/v1/assessments/{WALLET}"


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer rok_", "Basic dXNlcjpwYXNz", "Bearer rok_0000000000000000_" + "A" * 43, "rok_x"],
)
async def test_key__when_there_is_none_or_it_is_unknown__then_401_and_how_to_send_one(door: Door, header: str) -> None:
    response = await door.client.get(door.server.make_url(PATH), headers={"Authorization": header})
    assert (await problem_in(response))["type"].endswith(":no-key")
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="risk-oracle"')


async def test_key__when_two_are_sent__then_neither_is_taken(door: Door) -> None:
    headers = [("Authorization", f"Bearer {door.key}"), ("Authorization", "Bearer x")]
    response = await door.client.get(door.server.make_url(PATH), headers=headers)
    assert response.status == 401


async def test_key__when_expired__then_401_that_says_since_when(door: Door) -> None:
    key = await door.new_key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    found = await door.problem("GET", PATH, key=key)
    assert found["status"] == 401
    assert "expired at" in found["detail"]


async def test_key__when_revoked__then_refused_a_second_later(door: Door) -> None:
    key = await door.new_key()
    await door.get(PATH, key=key)
    async with door.api.sessions.begin() as session:
        await api_keys.revoke(session, key.split("_")[1])
    door.api.keyring._clock = lambda: time.monotonic() + REMEMBERED_SECONDS
    found = await door.problem("GET", PATH, key=key)
    assert found["status"] == 401
    assert "was revoked at" in found["detail"]


async def test_key__when_many_calls_come_at_once__then_it_is_looked_up_once(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    admit = api_keys.admit

    async def counted(*given: Any) -> Any:
        looked.append(given)
        return await admit(*given)

    monkeypatch.setattr("oracle.web.api.keyring.api_keys.admit", counted)
    answers = await asyncio.gather(*(door.ask("GET", PATH) for _ in range(20)))
    assert ({one.status for one in answers}, len(looked)) == ({200}, 1)
    other = await asyncio.gather(*(door.ask("GET", PATH, key=door.key[:-3] + "AAA") for _ in range(2)))
    assert {one.status for one in other} == {401}, "another key is never taken for it"


async def test_key__without_the_scope__then_403_that_names_it(door: Door) -> None:
    found = await door.problem("GET", PATH, key=await door.new_key([Scope.ASSESS]))
    assert (found["status"], "not read" in found["detail"]) == (403, True)


async def test_key__when_used__then_the_use_is_noted_and_the_log_has_its_id_and_never_itself(
    door: Door, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    await door.get(PATH)
    await door.problem("GET", "/v1/nothing")
    said = caplog.text + "".join(capsys.readouterr())
    assert door.key.split("_")[1] in said
    assert door.key[25:] not in said
    async with door.api.sessions() as session:
        (row,) = [one for one in await api_keys.listed(session) if one.id in door.key]
    assert row.last_used_at is not None


# ---------------------------------------------------------------- limits


async def test_limit__when_it_is_spent__then_429_with_retry_after_and_others_go_on(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, requests_per_minute=3, burst=3)) as door:
        other = await door.new_key()
        answers = [await door.ask("GET", PATH) for _ in range(5)]
        assert [one.status for one in answers] == [200, 200, 200, 429, 429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 21
        assert (await door.ask("GET", PATH, key=other)).status == 200


async def test_limit__when_the_key_has_its_own__then_that(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True)) as door:
        key = await door.new_key(requests_per_minute=1)
        assert [(await door.ask("GET", PATH, key=key)).status for _ in range(2)] == [200, 429]


def test_limit__when_time_passes__then_tokens_come_back_up_to_the_burst() -> None:
    now = [0.0]
    limits = Limits(60, 2, lambda: now[0])
    assert [limits.take("a"), limits.take("a"), limits.take("a")] == [0, 0, pytest.approx(1)]
    now[0] = 0.5
    assert limits.take("a") == pytest.approx(0.5)
    now[0] = 100.0
    assert [limits.take("a"), limits.take("a"), limits.take("a")] == [0, 0, pytest.approx(1)]


# ----------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/assessments", 404),
        ("GET", "/v1/requests/1/proof/more", 404),
        ("GET", "/v1/%2e%2e%2fmetrics", 404),
        ("GET", "/v1/requests//proof", 404),
        ("POST", PATH, 405),
        ("HEAD", PATH, 405),
        ("TRACE", PATH, 405),
        ("OPTIONS", PATH, 405),
    ],
)
async def test_path__when_unknown_or_of_another_method__then_a_problem(
    door: Door, method: str, path: str, status: int
) -> None:
    response = await door.ask(method, path)
    assert response.status == status
    assert response.content_type == "application/problem+json"
    if status == 405:
        assert response.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/assessments/0x11", "path.address"),
        ("/v1/assessments/" + "11" * 21, "path.address"),
        ("/v1/assessments/0x" + "g" * 40, "path.address"),
        ("/v1/assessments/0x" + "00" * 20, "path.address"),
        ("/v1/assessments/vitalik.eth", "path.address"),
        ("/v1/assessments/0x52908400098527886E0F7030069857D2E4169Ee7", "path.address"),
        ("/v1/assessments/%00" + "1" * 41, "path.address"),
        ("/v1/assessments/..%2F..%2Fmetrics", "path.address"),
        ("/v1/assessments/%ff%fe", "path.address"),
        ("/v1/assessments/" + "１" * 42, "path.address"),
        (PATH + "?limit=0", "query.limit"),
        (PATH + "?limit=101", "query.limit"),
        (PATH + "?limit=ten", "query.limit"),
        (PATH + "?limit=1e1", "query.limit"),
        (PATH + "?limit=" + "9" * 5_000, "query.limit"),
        (PATH + "?limit=1&limit=2", "query.limit"),
        (PATH + "?colour=blue", "query.colour"),
        (PATH + "?address=" + WALLET, "query.address"),
        (PATH + "?cursor=", "query.cursor"),
        (PATH + "?cursor=%00", "query.cursor"),
        (PATH + "?cursor=" + "A" * 201, "query.cursor"),
        (PATH + "?cursor=AAAA", "query.cursor"),
        (PATH + "?cursor=é", "query.cursor"),
        ("/v1/requests/-1", "path.request_id"),
        ("/v1/requests/1.0", "path.request_id"),
        ("/v1/requests/01", "path.request_id"),
        ("/v1/requests/0x1", "path.request_id"),
        ("/v1/requests/1%20or%201=1", "path.request_id"),
        (f"/v1/requests/{2**256}", "path.request_id"),
        ("/v1/requests/" + "9" * 4_500, "path.request_id"),
        ("/v1/models/0x11/card", "path.model_id"),
        ("/v1/models/..%2fcredit-v1/card", "path.model_id"),
    ],
)
async def test_parameter__when_wrong__then_422_that_names_it(door: Door, path: str, field: str) -> None:
    found = await door.problem("GET", path)
    assert (found["status"], [one["field"] for one in found["errors"]]) == (422, [field])
    assert "\x00" not in json.dumps(found)


# ---------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"a": 1, "a": 2}', "is given twice"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "a number of 5000 digits"),
        (b"\xff{}", "is not UTF-8 at byte 0"),
        (b"[" * 100_000, "is nested more than"),
        (b'{"a":' * 30_000, "is nested more than"),
        (b'"' + b"[" * 100 + b'" [[' * 50, "nested more than|is not JSON"),
        (b'{"a": "\\u0000"}', "a control character"),
        (b'{"a": ["x", "\\ud800"]}', "half of a character"),
        (b'{"a\\u0000": 1}', "a control character"),
    ],
)
def test_json__when_it_is_none_or_says_a_thing_twice__then_a_problem(raw: bytes, said: str) -> None:
    with pytest.raises(Problem, match=said) as refused:
        read_json(raw)
    assert refused.value.kind.status in (400, 422)


def test_json__when_numbers_are_large__then_exact() -> None:
    assert read_json(b'{"a": %d, "b": 1.5}' % 2**256) == {"a": 2**256, "b": 1.5}


# ----------------------------------------------------------- the database


async def test_database__when_down__then_503_with_retry_after_and_no_word_of_its_address(postgres_url: str) -> None:
    away = database.connect("postgresql://oracle:5ec2e7@127.0.0.1:1/oracle", pool_size=1)
    settings = ApiSettings(enabled=True)
    working = database.connect(postgres_url, pool_size=1)
    await working.dispose()
    key = "rok_" + "0" * 16 + "_" + "A" * 43
    async with _Away(away, settings) as door:
        response = await door.ask("GET", PATH, key=key)
        found = await problem_in(response)
    assert (response.status, found["detail"]) == (503, "the database does not answer")
    assert int(response.headers["Retry-After"]) >= 1
    await away.dispose()


class _Away(opened):
    async def __aenter__(self) -> Door:
        async def no_key(*_: Any, **__: Any) -> str:
            return ""

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Door, "new_key", no_key)
            return await super().__aenter__()


async def test_database__when_a_query_takes_too_long__then_503_and_the_connection_is_free_again(
    engine: AsyncEngine,
) -> None:
    async with opened(engine, ApiSettings(enabled=True, statement_seconds=0.05)) as door:
        with pytest.raises(database.DatabaseBusy):
            async with door.api.session() as session:
                await session.execute(text("select pg_sleep(5)"))
        await door.get(PATH)


# ------------------------------------------------------------------- CORS


async def test_cors__by_default__then_no_page_may_call(door: Door) -> None:
    response = await door.ask("GET", PATH, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_cors__when_an_origin_is_named__then_that_one_alone(engine: AsyncEngine) -> None:
    async with opened(engine, ApiSettings(enabled=True, cors_origins=("https://app.example",))) as door:
        for origin, allowed in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            response = await door.ask("GET", PATH, headers={"Origin": origin})
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            before = await door.client.options(door.server.make_url(PATH), headers=asked)
            assert before.status == (204 if allowed else 405)


@pytest.mark.parametrize("origin", ["*", "null", "https://app.example/", "app.example", "https://a b"])
def test_cors__when_an_origin_is_none__then_the_settings_are_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        ApiSettings(cors_origins=(origin,))


# ---------------------------------------------------------------- the rest


async def test_start__while_the_daemon_checks__then_503_for_what_needs_it_and_records_are_readable(door: Door) -> None:
    found = await door.problem("GET", "/v1/models")
    assert (found["status"], found["detail"][:10]) == (503, "the daemon")
    await door.get(PATH)


async def test_fault__when_nobody_expected_it__then_500_without_a_word_of_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("oracle.web.api.reads.request_reads.of_wallet", broken)
    found = await door.problem("GET", PATH)
    assert found["status"] == 500
    assert "secret" not in json.dumps(found)


def test_off__by_default__then_there_is_no_such_path() -> None:
    assert ApiSettings().enabled is False
