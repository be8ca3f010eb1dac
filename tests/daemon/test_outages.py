"""The daemon outlives its database and its neighbours: it waits, says what for, and loses nothing."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.stack import Stack
from oracle.processes import Child
from oracle.store import database
from oracle.store.embedded import create_database
from tests.daemon.conftest import changed, refusal
from tests.daemon.watching import ask, requests, until, until_said, until_state
from tests.support.faulty_node import FaultyNode, Given, honest, refuse

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

# A pause that no test waits out, and patience with an answer that lasts longer than any silence here.
_SETTINGS = "\n[worker]\nmax_attempts = 1\nretry_seconds = 600\nconcurrency = 2\n"
_SILENCE_SECONDS = 20.0
_NUL_AND_HALF_A_CHARACTER = "no \x00 reason \ud83d given"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(stack: Stack) -> AsyncIterator[FaultyNode]:
    """What the daemon's endpoint is: the chain, honestly, until a test says otherwise."""
    async with FaultyNode(stack.chain.rpc_url, honest) as between:
        written = changed(
            stack.settings_file, "rpc_url", f'"{between.url}/?key=key-in-the-query"\nrequest_timeout_seconds = 600'
        )
        stack.settings_file.write_text(written + _SETTINGS)
        yield between


@pytest_asyncio.fixture(loop_scope="module")
async def daemon(stack: Stack, node: FaultyNode) -> AsyncIterator[Child]:
    """A daemon of the test's own."""
    number = len(list(stack.folder.glob("outage-*.log")))
    yield await stack.start_daemon(f"outage-{number}")
    node.tamper = honest
    stack.stop_daemons()


async def ready(stack: Stack) -> dict[str, Any]:
    url = f"http://127.0.0.1:{stack.settings.web.port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        answer: dict[str, Any] = await response.json()
        assert (response.status == 200) == answer["ready"]
        return answer


async def until_ready(
    stack: Stack, condition: Callable[[dict[str, Any]], bool], seconds: float = 120
) -> dict[str, Any]:
    """Wait for what /readyz says."""
    deadline = time.monotonic() + seconds
    while not condition(found := await ready(stack)):
        assert time.monotonic() < deadline, f"still {found}: {stack.daemons[-1].tail(30)}"
        await asyncio.sleep(0.1)
    return found


async def serve_again(stack: Stack) -> None:
    await until_ready(stack, lambda said: said["ready"])


async def alter(stack: Stack, setting: str) -> None:
    """Change a setting of the daemon's database, and end its connections so that all later ones have it."""
    name = make_url(stack.database_url).database
    engine = database.connect(make_url(stack.database_url).set(database="postgres").render_as_string(False))
    async with engine.connect() as connection:
        committing = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await committing.execute(text(f"alter database {name} {setting}"))
        await committing.execute(
            text("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = :name"), {"name": name}
        )
    await engine.dispose()


async def until_place_held(stack: Stack) -> None:
    """Wait for the connection that a daemon holds for as long as it runs: its end is what the daemon tells at once."""
    name = make_url(stack.database_url).database
    held = text(
        "select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database "
        "where datname = :name and locktype = 'advisory'"
    )
    engine = database.connect(make_url(stack.database_url).set(database="postgres").render_as_string(False))
    async with engine.connect() as connection, asyncio.timeout(120):
        while not await connection.scalar(held, {"name": name}):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await engine.dispose()


# ------------------------------------------------------------------ the database


async def test_database__that_fails_over_to_a_standby__is_waited_for_by_the_same_process(
    stack: Stack, daemon: Child
) -> None:
    await alter(stack, "set default_transaction_read_only = on")
    said = await until_ready(stack, lambda said: not said["ready"])
    await until_ready(stack, lambda said: "read-only" in said["parts"]["database"]["text"])
    asked = await ask(stack, "during the failover")
    await alter(stack, "reset default_transaction_read_only")
    await serve_again(stack)
    await until_state(stack, asked.request_id, State.FINAL)
    assert daemon.running
    assert not said["parts"]["database"]["ok"]
    log = daemon.tail(10_000)
    assert "database_lost" in log
    assert "database_reached" in log
    assert "Traceback" not in log


async def test_database__that_takes_no_connection_for_a_while__is_waited_for(stack: Stack, daemon: Child) -> None:
    await alter(stack, "with allow_connections false")
    await until_ready(stack, lambda said: not said["parts"]["database"]["ok"])
    await alter(stack, "with allow_connections true")
    await serve_again(stack)
    asked = await ask(stack, "after the closed door")
    await until_state(stack, asked.request_id, State.FINAL)
    assert daemon.running


async def test_database__that_ends_idle_transactions__is_not_lost_over_a_slow_endpoint(
    stack: Stack, daemon: Child, node: FaultyNode
) -> None:
    oracle = stack.oracle_address
    await until_place_held(stack)
    await alter(stack, "set idle_in_transaction_session_timeout = '5s'")
    await until_said(stack, "database_lost")
    await serve_again(stack)

    def slow(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        searched = method == "eth_getLogs" and oracle in str(params[0].get("address", "")).lower()
        return 8.0 if searched or method in ("eth_estimateGas", "eth_getTransactionReceipt") else true

    node.tamper = slow
    asked = await ask(stack, "slow and idle")
    await until_state(stack, asked.request_id, State.FINAL, seconds=400)
    assert "idled" not in daemon.tail(10_000), "a transaction was open while the endpoint was asked"
    await alter(stack, "reset idle_in_transaction_session_timeout")


# ------------------------------------------------------------------ one request must not stop the others


async def test_revert__in_words_that_no_database_holds__is_a_dead_letter_and_stops_nobody_else(
    stack: Stack, daemon: Child, node: FaultyNode
) -> None:
    wallet = named_account("poisoned").address.removeprefix("0x").lower()

    def poison(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        hers = method == "eth_estimateGas" and wallet in str(params[0]).lower()
        return refuse(3, f"execution reverted: {_NUL_AND_HALF_A_CHARACTER} {'x' * 3_000_000}") if hers else true

    node.tamper = poison
    dead = await ask(stack, "poisoned")
    await until_state(stack, dead.request_id, State.DEAD)
    asked = await ask(stack, "beside the poisoned")
    await until_state(stack, asked.request_id, State.FINAL)
    log = daemon.tail(10_000)
    [line] = [line for line in log.splitlines() if "request_dead" in line]
    assert "error" in line
    assert len(line) < 5_000
    assert "Traceback" not in log, "an expected revert is a line"

    stack.stop_daemons()
    await stack.start_daemon("after-the-poison")
    # It still serves the others.
    said = await until_ready(stack, lambda said: said["warnings"] != [] and said["ready"])
    [warning] = said["warnings"]
    assert warning["name"] == "dead_letters"
    assert f"request {dead.request_id} last" in warning["text"]
    assert f"requests requeue {dead.request_id}" in warning["text"]
    again = await ask(stack, "beside the poisoned again")
    await until_state(stack, again.request_id, State.FINAL)


# ------------------------------------------------------------------ the endpoint


async def test_request__that_waited_for_the_endpoint__is_due_at_once_when_it_is_back(
    stack: Stack, daemon: Child, node: FaultyNode
) -> None:
    node.tamper = lambda method, _, true: 503 if method == "eth_estimateGas" else true
    asked = await ask(stack, "waits for the endpoint")
    await until(stack, lambda found: bool(found[asked.request_id].fault) if asked.request_id in found else False)
    assert (await requests(stack))[asked.request_id].state == State.SIGNED
    node.tamper = lambda *_: 503
    said = await until_ready(stack, lambda said: not said["parts"]["chain"]["ok"])
    assert "the RPC endpoint 127.0.0.1 answers HTTP 503" in said["parts"]["chain"]["text"]
    node.tamper = honest
    await until_state(stack, asked.request_id, State.FINAL)
    assert "key-in-the-query" not in daemon.tail(10_000)


async def test_request__that_waits_for_long__is_due_at_once_after_a_restart(
    stack: Stack, daemon: Child, node: FaultyNode
) -> None:
    node.tamper = lambda method, _, true: 503 if method == "eth_estimateGas" else true
    asked = await ask(stack, "waits over a restart")
    await until(stack, lambda found: bool(found[asked.request_id].fault) if asked.request_id in found else False)
    stack.stop_daemons()
    node.tamper = honest
    await stack.start_daemon("after-the-wait")
    await until_state(stack, asked.request_id, State.FINAL)
    assert not daemon.running


async def test_endpoint__that_says_nothing__is_told_before_the_first_request_runs_out_of_patience(
    stack: Stack, daemon: Child, node: FaultyNode
) -> None:
    node.tamper = lambda *_: _SILENCE_SECONDS
    said = await until_ready(stack, lambda said: not said["ready"])
    assert "the RPC endpoint 127.0.0.1 has not answered for" in said["parts"]["chain"]["text"]
    node.tamper = honest
    await serve_again(stack)
    log = daemon.tail(10_000)
    assert "endpoint_silent" in log
    assert "maximum number of running instances" not in log


# ------------------------------------------------------------------ the start


async def test_start__on_a_port_that_is_taken__says_so_in_a_line(stack: Stack, daemon: Child) -> None:
    said = await refused_beside(stack, stack.settings_file.read_text())
    assert f"web.port: cannot listen on 127.0.0.1:{stack.settings.web.port}: another program listens there" in said
    assert "Traceback" not in said
    assert daemon.running


async def test_start__with_a_user_that_the_database_does_not_know__says_so(stack: Stack, node: FaultyNode) -> None:
    url = make_url(stack.database_url).set(username="nobody_here").render_as_string(False)
    said = await refusal(stack, changed(stack.settings_file, "url", f'"{url}"'))
    assert 'role "nobody_here" does not exist; check database.url' in said


async def test_prover__that_is_killed_while_it_starts__is_started_again(stack: Stack, node: FaultyNode) -> None:
    daemon = await stack.start_daemon("prover-killed", wait=False)
    try:
        while not (spawned := await asyncio.to_thread(provers, daemon.pid)):
            assert daemon.running, daemon.tail(30)
        os.kill(spawned[0].pid, signal.SIGKILL)
        await stack.wait_ready(daemon)
        assert "did not start" in daemon.tail(10_000)
        asked = await ask(stack, "after the killed prover")
        await until_state(stack, asked.request_id, State.FINAL)
    finally:
        stack.stop_daemons()


def provers(pid: int) -> list[psutil.Process]:
    children = psutil.Process(pid).children(recursive=True)
    return [child for child in children if any("spawn_main" in part for part in child.cmdline())]


async def refused_beside(stack: Stack, settings_text: str) -> str:
    """Start a daemon beside the one that runs, which must refuse with exit code 2; return what it said."""
    original = stack.settings_file
    stack.settings_file = original.with_name("beside.toml")
    stack.settings_file.write_text(settings_text)
    beside = await stack.start_daemon(f"beside-{free_port()}", wait=False)
    stack.settings_file = original
    assert await asyncio.to_thread(beside.wait, 280) == 2, beside.tail(30)
    stack.daemons.remove(beside)
    return beside.tail(200)


# ------------------------------------------------------------------ last: it moves the chain's clock


async def test_database__that_is_new_on_an_old_chain__finds_answered_requests_settled_not_expired(
    stack: Stack, node: FaultyNode
) -> None:
    before = await requests(stack)
    answered = {number for number, row in before.items() if row.state == State.FINAL}
    open_ones = set(before) - answered
    assert answered
    assert open_ones
    await stack.chain.warp_to(max(row.deadline for row in before.values()) + 10)
    await stack.chain.mine()
    stack.database_url = create_database(stack.database_url, "anew")
    engine = database.connect(stack.database_url, pool_size=1)
    await database.migrate(engine)
    await engine.dispose()
    stack.settings_file.write_text(changed(stack.settings_file, "url", f'"{stack.database_url}"'))
    daemon = await stack.start_daemon("anew")
    try:
        ended = {State.CLOSED, State.EXPIRED}
        await until(stack, lambda found: set(found) == set(before) and all(r.state in ended for r in found.values()))
        found = await requests(stack)
        assert {number for number, row in found.items() if row.state == State.CLOSED} == answered
        assert {number for number, row in found.items() if row.state == State.EXPIRED} == open_ones
        assert daemon.tail(10_000).count("request_expired") == len(open_ones)
    finally:
        stack.stop_daemons()
