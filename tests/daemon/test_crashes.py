"""The daemon is killed, stopped and started again: no request is lost, none is answered twice."""

import asyncio
import os
import signal

import psutil
import pytest

from oracle.assessment.request import to_address
from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.stack import Stack
from tests.daemon.conftest import changed
from tests.daemon.watching import ask, events, requests, transactions, transitions, until, until_reached

pytestmark = pytest.mark.asyncio(loop_scope="module")

# One before any work, one in the proof, one between the ledger's commit and the receipt, one after it.
_KILL_AT = (State.REQUESTED, State.SCORED, State.SUBMITTED, State.CONFIRMED)


async def test_daemon__when_killed_again_and_again__answers_each_request_exactly_once(stack: Stack) -> None:
    asked = []
    for number, state in enumerate(_KILL_AT):
        # Nothing is mined for a while, so that the answer is caught between ledger and receipt.
        daemon = await stack.start_daemon(f"killed-{number}")
        asked += [await ask(stack, f"crash {number} {index}") for index in range(2)]
        if state is State.SUBMITTED:
            await stack.chain.rpc("evm_setAutomine", False)
        await until_reached(stack, state, {request.request_id for request in asked[-2:]})
        worker = psutil.Process(daemon.pid).children(recursive=True)
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait(30)
        _, alive = psutil.wait_procs(worker, timeout=30)
        assert not alive, "the prover outlived the daemon"
        await stack.chain.rpc("evm_setAutomine", True)
        await stack.chain.mine()
    await stack.start_daemon("last")
    await until(stack, lambda found: len(found) == len(asked) and all(r.state == State.FINAL for r in found.values()))

    answered = sorted(int(log["topics"][1], 16) for log in await events(stack, "AssessmentProvided"))
    assert answered == [request.request_id for request in asked]
    signer = to_address(named_account("operator").address)
    spent = int(await stack.chain.rpc("eth_getTransactionCount", signer, "latest"), 16)
    ledger = await transactions(stack)
    assert spent == len(asked) == len(ledger), "a nonce was spent twice for one request, or given away"
    assert [row.nonce for row in ledger] == list(range(len(asked)))


async def test_daemon__when_told_to_stop_in_the_middle__ends_within_ten_seconds_and_releases_its_work(
    stack: Stack,
) -> None:
    before = await requests(stack)
    daemon = stack.daemons[-1] if stack.daemons else await stack.start_daemon("stopped")
    asked = [await ask(stack, f"stop {index}") for index in range(3)]
    await until_reached(stack, State.SCORED, {asked[0].request_id})
    daemon.signal(signal.SIGTERM)
    code = await asyncio.to_thread(daemon.wait, 10)
    assert code == 0, daemon.tail()
    assert len(await requests(stack)) == len(before) + 3

    await stack.start_daemon("again")
    await until(stack, lambda found: all(row.state == State.FINAL for row in found.values()))
    counted = [row.target for row in await transitions(stack)]
    assert counted.count("final") == len(before) + 3


async def test_daemons__two_on_one_database__share_the_work_and_answer_each_request_once(stack: Stack) -> None:
    before = len(await events(stack, "AssessmentProvided"))
    if not stack.daemons:
        await stack.start_daemon("first")
    original = stack.settings_file
    text = changed(original, "port", str(free_port()))
    stack.settings_file = original.with_name("second.toml")
    stack.settings_file.write_text(text)
    second = await stack.start_daemon("second")
    stack.settings_file = original
    asked = [await ask(stack, f"shared {index}") for index in range(6)]
    await until(stack, lambda found: all(row.state == State.FINAL for row in found.values()))
    answered = [int(log["topics"][1], 16) for log in await events(stack, "AssessmentProvided")]
    assert len(answered) == len(set(answered)) == before + len(asked)
    ledger = await transactions(stack)
    assert [row.nonce for row in ledger] == list(range(len(ledger)))
    assert "request_proven" in second.tail(1_000), "the second daemon did nothing"
