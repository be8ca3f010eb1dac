"""`risk-oracle requests list`: which requests there are, by state, wallet and time, page by page, in words or JSON."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from typer.testing import CliRunner

from oracle.assessment.request import Address
from oracle.assessment.states import STATES, State
from oracle.cli import app
from oracle.commands.moments import moment_before
from oracle.store import request_pages
from oracle.store.tables import RequestRow
from tests.store.test_requests import CHAIN, ORACLE

Sessions = async_sessionmaker[AsyncSession]
Run = Callable[..., Any]

ALICE, BOB, POOL = (Address("0x" + digit * 40) for digit in "abc")
NOW = datetime.now(UTC).replace(microsecond=0)


def row(request_id: int, state: State, user: Address, age: timedelta, **more: Any) -> dict[str, Any]:
    asked = int((NOW - age).timestamp())
    return {
        "chain_id": CHAIN,
        "oracle": ORACLE,
        "request_id": request_id,
        "user": user,
        "requester": POOL,
        "terms": {},
        "data_commitment": 0,
        "fee_wei": 0,
        "requested_at": asked,
        "deadline": asked + 3_600,
        "block_number": request_id,
        "block_hash": f"0x{request_id:064x}",
        "block_timestamp": asked,
        "transaction_hash": f"0x{request_id:064x}",
        "state": state.value,
        "attempts": 0,
        "fault": None,
        "scores": None,
        "decline_reason": None,
        **more,
    }


ROWS = [
    row(1, State.FINAL, ALICE, timedelta(days=3), scores={"category": 0, "score_bps": 8470}),
    row(2, State.DEAD, BOB, timedelta(days=2), attempts=8, fault="InvalidProof\nat the verifier"),
    row(3, State.DECLINED, ALICE, timedelta(hours=5), decline_reason=1),
    row(10, State.PROVEN, BOB, timedelta(minutes=10)),
    row(9, State.DEAD, BOB, timedelta(minutes=20), attempts=8, fault="x" * 500),
]


@pytest.fixture
def settings(engine: AsyncEngine, tmp_path: Path) -> Path:
    """Settings without a signer: who looks at requests needs none."""
    file = tmp_path / "risk-oracle.toml"
    file.write_text(
        f'[chain]\nrpc_url = "http://127.0.0.1:1"\nchain_id = {CHAIN}\noracle = "{ORACLE}"\n'
        f'[history]\ncoin_price_feed = "{ORACLE}"\n'
        f'[database]\nurl = "{engine.url.render_as_string(hide_password=False)}"\n'
    )
    return file


@pytest.fixture
async def listed(sessions: Sessions, settings: Path) -> Run:
    """Store ROWS, and one of another oracle; run a command in a thread, since it has an event loop of its own."""
    async with sessions.begin() as session:
        await session.execute(insert(RequestRow), [*ROWS, row(99, State.DEAD, BOB, timedelta()) | {"oracle": POOL}])

    async def run(*words: str, command: str = "list") -> str:
        arguments = ["requests", command, *words, "--config", str(settings)]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return run


async def ids(listed: Run, *words: str) -> list[int]:
    return [one["request_id"] for one in json.loads(await listed(*words, "--json"))["requests"]]


async def test_list__then_every_request_of_this_oracle_newest_first(listed: Run) -> None:
    assert await ids(listed) == [10, 9, 3, 2, 1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--state", "dead"], [9, 2]),
        (["--state", "dead", "--state", "final"], [9, 2, 1]),
        (["--wallet", ALICE], [3, 1]),
        (["--wallet", ALICE.upper().replace("0X", "0x")], [3, 1]),
        (["--wallet", POOL], [10, 9, 3, 2, 1]),
        (["--since", "1d"], [10, 9, 3]),
        (["--since", "15m"], [10]),
        (["--since", (NOW - timedelta(days=2, minutes=1)).isoformat()], [10, 9, 3, 2]),
        (["--state", "dead", "--wallet", BOB, "--since", "1h"], [9]),
        (["--limit", "2"], [10, 9]),
        (["--before", "9"], [3, 2, 1]),
        (["--before", str(2**64)], [10, 9, 3, 2, 1]),
        (["--state", "expired"], []),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
async def test_list__with_filters__then_those_alone(listed: Run, words: list[str], expected: list[int]) -> None:
    assert await ids(listed, *words) == expected


async def test_list__page_by_page__then_each_once_and_an_end(listed: Run) -> None:
    seen: list[int] = []
    words: list[str] = []
    while True:
        page = json.loads(await listed("--limit", "2", "--json", *words))
        seen += [one["request_id"] for one in page["requests"]]
        if page["next_before"] is None:
            break
        words = ["--before", str(page["next_before"])]
    assert seen == [10, 9, 3, 2, 1]


async def test_list__when_a_page_ends_with_the_last_one__then_no_next(listed: Run) -> None:
    assert json.loads(await listed("--limit", "5", "--json"))["next_before"] is None


async def test_list__as_json__then_what_is_known_of_each(listed: Run) -> None:
    (found,) = json.loads(await listed("--state", "final", "--json"))["requests"]
    assert found["user"] == ALICE
    assert (found["category"], found["score_bps"]) == ("low", 8470)
    assert datetime.fromisoformat(found["requested_at"]) == NOW - timedelta(days=3)
    (found,) = json.loads(await listed("--state", "declined", "--json"))["requests"]
    assert found["decline_reason"] == "history_unavailable"


async def test_list__in_words__then_counts_above_and_a_line_a_request(listed: Run) -> None:
    head, titles, *lines = (await listed("--limit", "4")).splitlines()
    assert head == "5 requests: 1 proven, 1 final, 1 declined, 2 dead"
    assert titles.split()[:2] == ["id", "state"]
    assert [line.split()[:2] for line in lines[:4]] == [
        ["10", "proven"],
        ["9", "dead"],
        ["3", "declined"],
        ["2", "dead"],
    ]
    assert lines[3].endswith("InvalidProof")
    assert len(lines[1]) < 220
    assert lines[4] == "older ones: --before 2"


async def test_summary__then_a_line_a_state_and_as_json(listed: Run) -> None:
    lines = (await listed(command="summary")).splitlines()
    assert [line.split()[0] for line in lines] == [state.value for state in STATES]
    assert json.loads(await listed("--json", command="summary"))["dead"] == 2


async def test_page__with_many_requests__then_read_by_the_index(sessions: Sessions, engine: AsyncEngine) -> None:
    many = text(
        'insert into requests (chain_id, oracle, request_id, "user", requester, terms, data_commitment, fee_wei,'
        " requested_at, deadline, block_number, block_hash, block_timestamp, transaction_hash, state, attempts)"
        " select :chain, :oracle, n, :user, :user, '{}', 0, 0, n, n, n, '0x', n, '0x', 'final', 0"
        " from generate_series(1, 20000) n"
    )
    async with sessions.begin() as session:
        await session.execute(many, {"chain": CHAIN, "oracle": ORACLE, "user": ALICE})
        await session.execute(text("analyze requests"))
        query = request_pages.select_page(CHAIN, ORACLE, before=10_000, limit=51)
        plan = await session.execute(text("explain " + _literal(query, engine)))
        told = "\n".join(line for (line,) in plan)
    assert "Index Scan" in told, told
    assert "Sort" not in told, told


def _literal(query: Any, engine: AsyncEngine) -> str:
    return str(query.compile(engine.sync_engine, compile_kwargs={"literal_binds": True}))


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        ("90m", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
        ("2D", datetime(2026, 1, 29, 12, tzinfo=UTC)),
        ("1w", datetime(2026, 1, 24, 12, tzinfo=UTC)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=UTC)),
        ("2026-01-30T06:00:00+02:00", datetime(2026, 1, 30, 4, tzinfo=UTC)),
    ],
)
def test_moment__when_written_in_a_usual_way__then_that_one(said: str, moment: datetime) -> None:
    assert moment_before(said, datetime(2026, 1, 31, 12, tzinfo=UTC)) == moment


@pytest.mark.parametrize("said", ["yesterday", "", "5", "-1d", "2026-02-30", "999999w"])
def test_moment__when_it_is_none__then_refused_with_examples(said: str) -> None:
    with pytest.raises(typer.BadParameter, match="2026-01-31T12:00"):
        moment_before(said, datetime(2026, 1, 31, 12, tzinfo=UTC))
