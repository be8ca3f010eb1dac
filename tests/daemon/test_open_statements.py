"""Requests without private data are proven with features in the clear, while the registry has the open circuit."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.assessment.report import Batch
from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.assessment.words import feature_words
from oracle.chain.answers import answers_in
from oracle.chain.contracts import OracleContract, request_hash
from oracle.chain.rpc import connect
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.artifacts import BUILD
from oracle.devnet.stack import Stack
from oracle.models.registry import OpenCircuit
from oracle.pipeline.answer import instances_of
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow
from tests.daemon.test_verify import failing, verify
from tests.daemon.watching import ask, events, requests, until_said, until_state

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def circuit(stack: Stack) -> OpenCircuit:
    assert stack.model.open_circuit is not None
    return stack.model.open_circuit


async def _command(stack: Stack, name: str, *options: str) -> str:
    """Run a command of the model's open circuit with the governor's key, and return what it said."""
    key_file = stack.folder / "governor.key"
    key_file.write_text(named_account("owner").key.to_0x_hex())
    key_file.chmod(0o600)
    config = ["--config", str(stack.settings_file), "--key-file", str(key_file)]
    ended = await asyncio.to_thread(
        subprocess.run,
        [Path(sys.executable).with_name("risk-oracle"), "models", name, stack.model.name, "--open", *config, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answered(stack: Stack) -> RequestRow:
    """The first answer of a daemon that found the open circuit active."""
    said = await _command(stack, "promote", "--build", str(BUILD))
    assert f"{stack.model.name}-open" in said
    assert "is the open model" in said
    await stack.start_daemon()
    number = (await ask(stack, "in the open")).request_id
    await until_state(stack, number, State.FINAL)
    return (await requests(stack))[number]


async def _calldata(stack: Stack, row: RequestRow) -> bytes:
    for log in await events(stack, "AssessmentProvided"):
        if int(log["topics"][1], 16) == int(row.request_id):
            sent = await stack.chain.rpc("eth_getTransactionByHash", log["transactionHash"])
            return bytes.fromhex(sent["input"][2:])
    raise AssertionError(f"no answer of {row.request_id}")


async def test_answer__when_the_open_circuit_is_active__then_its_features_stand_on_the_chain(
    stack: Stack, answered: RequestRow, circuit: OpenCircuit
) -> None:
    assert answered.open_model_id == f"0x{circuit.model_id.hex()}"
    assert answered.model_id == f"0x{stack.model.model_id.hex()}"
    assert answered.feature_commitment is None
    [given] = answers_in(await _calldata(stack, answered))
    assert given.shared is not None
    assert given.report.model_id == circuit.model_id
    assert answered.features is not None
    assert given.report.feature_words == feature_words(answered.features["encoded"])
    [log] = await events(stack, "AssessmentProvided")
    assert log["topics"][3] == answered.open_model_id
    scores = await stack.transactor.read(stack.contracts.oracle, "assessmentOf", int(answered.request_id))
    assert answered.scores is not None
    assert scores[1] == answered.scores["score_bps"]
    assert scores[-1] is False


async def test_verify__of_an_open_answer__finds_every_claim_true(stack: Stack, answered: RequestRow) -> None:
    code, found = verify(stack, str(answered.request_id), "--no-features")
    assert (code, failing(found)) == (0, [])
    assert "in the clear" in found["proof"][1]


async def _write(stack: Stack, row: RequestRow, batch: Batch, *, key: Any = None) -> str:
    """Write the answer's file, signed by the operator's key whatever it says."""
    w3 = connect(stack.chain.rpc_url, 30.0)
    oracle = OracleContract(w3, Address(stack.contracts.oracle.address.lower()), stack.chain.chain_id)
    try:
        _, _, digest = await oracle.signers()
    finally:
        await w3.provider.disconnect()
    request = to_request(row)
    message = encode_typed_data(full_message=oracle.batch_message([request_hash(request)], batch, digest))
    signature = bytes(Account.sign_message(message, key or named_account("operator").key).signature)
    calldata = oracle.answer_batch([request], batch, [signature], row.proof or b"")
    path = stack.folder / "answer.json"
    path.write_text(json.dumps({"request_id": str(row.request_id), "calldata": f"0x{calldata.hex()}"}))
    return str(path)


async def test_verify__of_a_forged_open_answer__says_what_does_not_hold(
    stack: Stack, answered: RequestRow, circuit: OpenCircuit
) -> None:
    true = Batch(circuit.model_id, (int(answered.request_id),), (answered.block_hash,), instances_of(answered))
    code, found = verify(stack, await _write(stack, answered, true), "--no-features")
    assert (code, failing(found)) == (0, [])
    assert answered.features is not None
    other = list(answered.features["encoded"])
    other[0] = (other[0] + 1) % 1024
    of_other = (*feature_words(other), *true.words[2:])
    forgeries: list[tuple[Batch, dict[str, Any], list[str]]] = [
        (replace(true, words=of_other), {}, ["proof"]),
        (replace(true, words=true.words[:-1]), {}, ["proof", "scores"]),
        (replace(true, block_hashes=("0x" + "17" * 32,)), {}, ["block"]),
        (replace(true, model_id=stack.model.model_id), {}, ["proof", "scores"]),
        (true, {"key": named_account("stranger").key}, ["signatures"]),
    ]
    for batch, how, failed in forgeries:
        code, found = verify(stack, await _write(stack, answered, batch, **how), "--no-features")
        assert (code, failing(found)) == (1, failed), (batch, how)


async def test_answer__when_the_open_circuit_is_retired__then_the_next_is_committed_without_a_restart(
    stack: Stack, answered: RequestRow
) -> None:
    await _command(stack, "retire")
    number = (await ask(stack, "behind a commitment")).request_id
    row = await until_state(stack, number, State.FINAL)
    assert row.open_model_id is None
    assert row.feature_commitment is not None
    [given] = answers_in(await _calldata(stack, row))
    assert given.shared is None
    await until_said(stack, "open_circuit_changed")
