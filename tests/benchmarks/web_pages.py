"""The dashboard over a generated database: how fast its pages are, what its viewers cost, and what the stages feel."""

import asyncio
import json
import random
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Final

from aiohttp import ClientSession, ClientTimeout
from aiohttp.test_utils import TestServer
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker
from yarl import URL

from oracle.assessment.request import AssessmentRequest
from oracle.assessment.states import State
from oracle.config.dashboard import Role
from oracle.store import operators, requests
from oracle.store.database import MIGRATIONS
from oracle.web.dashboard.answers import SESSION
from oracle.web.dashboard.parts import Parts
from tests.benchmarks.viewers import watch
from tests.store.test_requests import CHAIN, ORACLE
from tests.web.records import fill, wallet

_SERVER: Final = "0x" + "55" * 20
_WATCHED_SECONDS: Final = 10.0
_ROUNDS: Final = 3
_ROUNDS_WATCHED: Final = 5
_PIPELINE_REQUESTS: Final = 40
_CHANGES: Final = 300
_ENTRIES: Final = 20_000
_AT_ONCE: Final = 4
# What a proof takes on a core is waited for, not computed: it is made in another process.
_PROOF_SECONDS: Final = 0.3
_READERS: Final = 5
_VIEWERS: Final = 50
_WAY: Final = (State.COLLECTED, State.SCORED, State.PROVEN, State.SIGNED, State.SUBMITTED, State.CONFIRMED, State.FINAL)


async def store(connection: AsyncConnection, size: int, wallets: int) -> None:
    """Store requests with their audit log, a thousandth of them given up, a transaction each, and the counters."""
    counted = runpy.run_path(str(MIGRATIONS / "versions" / "0010_dashboard.py"))["_FILLING"]
    await connection.execute(text("set local session_replication_role = replica"))
    await fill(connection, size, wallets)
    await connection.execute(
        text("update requests set state = 'dead', fault = 'ProvingFailed: gone' where request_id % 1000 = 1")
    )
    await connection.execute(
        text(
            'insert into transactions (chain_id, sender, nonce, request, kind, "to", data, gas_limit, mined_block, '
            "mined_hash, gas_used, gas_price_wei, succeeded) "
            "select :chain, :sender, request_id, id, 'answer', :oracle, '', 900000, request_id, transaction_hash, "
            "800000, 1000000000, true from requests"
        ),
        {"chain": CHAIN, "sender": _SERVER, "oracle": ORACLE},
    )
    await connection.execute(
        text(
            "insert into broadcasts (hash, transaction, kind, raw, max_fee_wei, priority_fee_wei) "
            "select mined_hash, id, 'answer', '', 2000000000, 1000000000 from transactions"
        )
    )
    for statement in counted.split(";\n\n"):
        await connection.execute(text(statement))
    await connection.execute(text("set local session_replication_role = default"))


@asynccontextmanager
async def signed_in(engine: AsyncEngine, server: TestServer) -> AsyncIterator[ClientSession]:
    """Give an operator's browser."""
    async with async_sessionmaker(engine).begin() as session:
        await operators.add(session, "ada", Role.OPERATOR, "none")
        row = await operators.find(session, "ada")
        if row is None:
            raise RuntimeError("the account is not there")
        token = await operators.sign_in(session, row.id, timedelta(hours=9))
    async with ClientSession(cookies={SESSION: token}, timeout=ClientTimeout(total=120)) as browser:
        browser.cookie_jar.update_cookies({SESSION: token}, URL(server.make_url("/")))
        yield browser


def pages(size: int, chance: random.Random) -> dict[str, Callable[[], str]]:
    """Return what makes an address of each page."""
    hash_of: Callable[[], str] = lambda: f"0x{chance.randrange(1, size):064x}"  # noqa: E731
    before: Callable[[], str] = lambda: f"{1_700_000_000 + (n := chance.randrange(100, size))}-{n}"  # noqa: E731
    return {
        "/": lambda: "/?range=1h",
        "/?range=30d": lambda: "/?range=30d",
        "/requests": lambda: "/requests",
        "/requests, a later page": lambda: f"/requests?before={before()}",
        "/requests by state": lambda: "/requests?state=dead",
        "/requests by reason": lambda: "/requests?reason=operator_policy",
        "/requests by score": lambda: "/requests?score_from=99",
        "/requests by wallet": lambda: f"/requests?wallet={wallet(chance.randrange(1, size // 20))}",
        "/requests by lender": lambda: f"/requests?lender=0x{'22' * 20}",
        "/requests by time": lambda: "/requests?since=2023-11-14T22:20&until=2023-11-14T23:00",
        "/search by hash": lambda: f"/search?q={hash_of()}",
        "/requests/{id}": lambda: f"/requests/{chance.randrange(1, size)}",
        "/requests/{id}/raw.json": lambda: f"/requests/{chance.randrange(1, size)}/raw.json",
        "/wallets/{address}": lambda: f"/wallets/{wallet(chance.randrange(1, size // 20))}",
        "/dead-letters": lambda: "/dead-letters",
        "/dead-letters by words": lambda: "/dead-letters?words=proving",
        "/transactions": lambda: "/transactions",
        "/transactions that wait": lambda: "/transactions?show=waiting",
        "/models": lambda: "/models",
        "/lenders": lambda: "/lenders",
        "/endpoints": lambda: "/endpoints",
        "/settings": lambda: "/settings",
        "/b/{id}": lambda: f"/b/{chance.randrange(1, size)}",
    }


@asynccontextmanager
async def watched(browser: ClientSession, address: str, viewers: int) -> AsyncIterator[None]:
    """Let so many look at the overview's stream."""
    tasks = [asyncio.create_task(watch(browser, address)) for _ in range(viewers)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def queries_a_second(parts: Parts, browser: ClientSession, address: str, viewers: int) -> float:
    """Return how many statements so many viewers of the overview cost the database in a second."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    async with watched(browser, address, viewers):
        # Their signing in is behind them.
        await asyncio.sleep(2.0)
        event.listen(parts.engine.sync_engine, "before_cursor_execute", count)
        began = time.perf_counter()
        await asyncio.sleep(_WATCHED_SECONDS)
        seconds = time.perf_counter() - began
        event.remove(parts.engine.sync_engine, "before_cursor_execute", count)
    return round(counted / seconds, 2)


async def slowdown_percent(
    engine: AsyncEngine, browser: ClientSession, address: str, paths: Sequence[str], first: int
) -> float:
    """Return by how much longer requests take from state to state while fifty watch and five open pages.

    The stages' own functions on the event loop that answers the pages; who asks for these is a process of its own. The
    medians of some rounds with and without.
    """
    took: dict[bool, list[float]] = {False: [], True: []}
    for number in range(_ROUNDS_WATCHED * 2):
        loaded = number % 2 == 1
        numbers = range(first + number * _PIPELINE_REQUESTS, first + (number + 1) * _PIPELINE_REQUESTS)
        async with _looked_at(browser, address, paths) if loaded else nullcontext():
            took[loaded].append(await _pipeline(engine, numbers))
    idle, busy = statistics.median(took[False]), statistics.median(took[True])
    return round((busy / idle - 1) * 100, 1)


@asynccontextmanager
async def _looked_at(browser: ClientSession, address: str, paths: Sequence[str]) -> AsyncIterator[None]:
    cookies = {cookie.key: cookie.value for cookie in browser.cookie_jar}
    told = {"address": address, "cookies": cookies, "viewers": _VIEWERS, "readers": _READERS, "paths": list(paths)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.viewers", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the viewers have no pipes")
    try:
        process.stdin.write(json.dumps(told).encode() + b"\n")
        if (said := await process.stdout.readline()) != b"looking\n":
            raise RuntimeError(f"nobody looks: {said!r}")
        yield
        if process.returncode is not None:
            raise RuntimeError("those who look were gone before the end")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _pipeline(engine: AsyncEngine, numbers: range) -> float:
    sessions, waiting = async_sessionmaker(engine, expire_on_commit=False), list(numbers)
    async with sessions.begin() as session:
        await requests.add(session, CHAIN, ORACLE, [_asked(number) for number in numbers])

    async def work() -> None:
        while waiting:
            number = waiting.pop()
            for state in _WAY:
                if state is State.PROVEN:
                    await asyncio.sleep(_PROOF_SECONDS)
                async with sessions.begin() as session:
                    row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
                    await requests.move(session, row, state, "measured", seconds=0.1)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return time.perf_counter() - began


def _asked(number: int) -> AssessmentRequest:
    from tests.support.board import asked

    return asked(number, timedelta())


async def transition_cost(engine: AsyncEngine, first: int) -> dict[str, float]:
    """Return how many changes of state a second are stored one by one, with and without the counters' triggers.

    `microseconds_a_change` is what the triggers cost the server alone, without the way to it: many entries at once.
    """
    sessions, found = async_sessionmaker(engine, expire_on_commit=False), {}
    roles = {"with_counters": "origin", "without_counters": "replica"}
    for number, (name, role) in enumerate([*roles.items()] * _ROUNDS):
        async with sessions.begin() as session:
            await requests.add(session, CHAIN, ORACLE, [_asked(first + number)])
        began = time.perf_counter()
        for place in range(_CHANGES):
            async with sessions.begin() as session:
                await session.execute(text(f"set local session_replication_role = {role}"))
                row = await requests.find(session, CHAIN, ORACLE, first + number, lock=True)
                await requests.move(session, row, _WAY[place % 3], "measured", seconds=0.1)
        rate = _CHANGES / (time.perf_counter() - began)
        found[name] = round(max(found.get(name, 0.0), rate), 1)
    took = {name: min([await _entered(engine, role) for _ in range(_ROUNDS)]) for name, role in roles.items()}
    more = (took["with_counters"] - took["without_counters"]) / _ENTRIES
    return {**found, "microseconds_a_change": round(more * 1_000_000, 1)}


async def _entered(engine: AsyncEngine, role: str) -> float:
    async with engine.connect() as connection:
        await connection.execute(text(f"set local session_replication_role = {role}"))
        began = time.perf_counter()
        await connection.execute(
            text(
                "insert into transitions (request, source, target, reason) select (select max(id) from requests), "
                "'scored', 'proven', 'measured' from generate_series(1, :entries)"
            ),
            {"entries": _ENTRIES},
        )
        seconds = time.perf_counter() - began
        await connection.rollback()
    return seconds
