"""Private data through the whole daemon: opened or proven by the borrower, refused when wrong, and left nowhere."""

import asyncio
import hashlib
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from nacl.public import PrivateKey
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.states import State
from oracle.devnet.stack import Stack, local_stack
from oracle.models.inference import Model
from oracle.passports.opening import Opening
from oracle.passports.schema import SCHEMA_HASH
from oracle.proving.prover import Proof, Prover
from oracle.store import database
from oracle.store.tables import ExplanationRow, OpeningRow, PostedProofRow, RequestRow
from tests.daemon.watching import requests, transitions, until, until_reached, until_state
from tests.support.plaintext import Needles, forms
from tests.support.private_data import Doors, ask_with, drawn

pytestmark = pytest.mark.asyncio(loop_scope="module")

_RANDOM = random.Random(15)  # noqa: S311
_OPENED: list[Opening] = []


def opening() -> Opening:
    """Return a fresh opening; what becomes of its values is looked for at the end."""
    _OPENED.append(drawn(_RANDOM))
    return _OPENED[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("private")
    async with local_stack(folder, histories=False, durable=False, privacy=True) as running:
        with running.settings_file.open("a") as settings:
            settings.write("decline_margin_seconds = 60\n")
        text = running.settings_file.read_text()
        running.settings_file.write_text(
            text.replace("[api]\nenabled = true", "[api]\nenabled = true\npublic_per_minute = 6000\npublic_burst = 600")
        )
        await running.start_daemon()
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(stack: Stack) -> AsyncIterator[Doors]:
    async with aiohttp.ClientSession() as client:
        yield Doors(stack, client)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prover(stack: Stack) -> AsyncIterator[Prover]:
    """The borrower's own machine."""
    async with Prover(stack.model.directory, stack.settings.model.keys) as running:
        yield running


def model_of(stack: Stack) -> Model:
    return Model.open(stack.model)


async def way(stack: Stack, row: RequestRow) -> list[str]:
    return [step.target for step in await transitions(stack) if step.request == row.id and step.source != step.target]


def posted(proof: Proof, **more: Any) -> dict[str, Any]:
    return {"proof": "0x" + proof.proof.hex(), "outputs": [str(one) for one in proof.outputs], **more}


async def test_opening__handed_over__is_answered_with_the_passport_and_erased(stack: Stack, doors: Doors) -> None:
    own = opening()
    number = await ask_with(stack, "opens", own.commitment)
    await until_state(stack, number, State.AWAITING_PROOF)
    status, told = await doors.get("/passports/key")
    assert (status, told["schemas"][0]["hash"]) == (200, "0x" + SCHEMA_HASH.hex())
    _, features = await doors.get(f"/requests/{number}/features")
    assert (features["wants"], features["data_commitment"]) == ("opening_or_proof", str(own.commitment))

    status, taken = await doors.hand_over(own, number)
    assert (status, taken) == (202, {"request_id": str(number), "state": "awaiting_proof"})
    again, _ = await doors.hand_over(own, number)
    assert again == 202, "the same opening again is no fault"
    row = await until_state(stack, number, State.FINAL)

    with_it = model_of(stack).infer(features["encoded"], own.tensor)
    assert row.outputs == list(with_it.outputs)
    assert with_it.outputs != model_of(stack).infer(features["encoded"]).outputs, "the passport moves the score"
    assert await way(stack, row) == [
        "requested", "awaiting_proof", "collected", "scored", "proven", "signed", "submitted", "confirmed", "final",
    ]  # fmt: skip
    stored = await stack.transactor.read(stack.contracts.oracle, "assessmentOf", number)
    assert stored[1] == with_it.scores.score_bps
    assert await rows_of(stack, OpeningRow) == []
    [told_why] = [one for one in await rows_of(stack, ExplanationRow) if one.request == row.id]
    assert told_why.content is not None
    reasons = told_why.content["outputs"]["score"]["reasons"]
    assert any(reason["feature"] is None for reason in reasons), "all private data together are one reason"
    assert (told_why.content["recourse"], told_why.content["recourse_withheld"]) == ([], True)
    status, refused = await doors.hand_over(own, number)
    assert (status, refused["state"]) == (409, "final")


async def test_opening__that_is_wrong__says_which_check_failed_and_may_be_corrected(stack: Stack, doors: Doors) -> None:
    own, other = opening(), opening()
    number = await ask_with(stack, "mistaken", own.commitment)
    await until_state(stack, number, State.AWAITING_PROOF)
    stranger = bytes(PrivateKey.generate().public_key)
    encoded, salt = list(own.encoded), list(own.salt)
    too_high = [1_025, *encoded[1:]]
    for sealed, check in (
        (await doors.sealed(own, number, stranger), "not_sealed_to_this_key"),
        ((await doors.sealed(own, number))[:-1] + b"?", "not_sealed_to_this_key"),
        (await doors.sealed(own, number + 1), "another_request"),
        (await doors.sealed(other, number), "another_commitment"),
        (await doors.sealed_by_hand(number, too_high, salt), "out_of_range"),
        (await doors.sealed_by_hand(number, encoded[1:], salt), "out_of_range"),
        (await doors.sealed_by_hand(number, encoded, salt[1:]), "out_of_range"),
        (await doors.sealed_by_hand(number, encoded, [2**32, *salt[1:]]), "out_of_range"),
    ):
        status, refused = await doors.open(number, sealed)
        assert (status, refused["check"]) == (422, check), refused
        assert "1025" not in refused["detail"]
    for body in ({"sealed": "not base64!"}, {"sealed": ""}, {}, {"sealed": "AA", "salt": "0x00"}):
        status, refused = await doors.post(f"/passports/{number}/opening", body)
        assert status == 422, refused
    status, _ = await doors.post(f"/passports/{number}/opening", {"sealed": "A" * 2_000_000})
    assert status == 413
    assert (await requests(stack))[number].state == State.AWAITING_PROOF
    assert await rows_of(stack, OpeningRow) == []

    assert (await doors.hand_over(own, number))[0] == 202
    await until_state(stack, number, State.FINAL)


async def test_opening__for_a_request_that_wants_none__is_a_conflict(stack: Stack, doors: Doors) -> None:
    own = opening()
    number = await ask_with(stack, "without", stack.model.neutral_commitment)
    await until(stack, lambda found: number in found)
    status, refused = await doors.hand_over(own, number)
    assert (status, "no private data" in refused["detail"]) == (409, True)
    assert (await doors.hand_over(own, number + 1_000))[0] == 404
    await until_reached(stack, State.SCORED, [number])
    assert State.AWAITING_PROOF not in await way(stack, (await requests(stack))[number])
    _, features = await doors.get(f"/requests/{number}/features")
    assert features["wants"] == "nothing"


async def test_proof__of_the_borrowers_own_machine__is_answered_without_an_opening(
    stack: Stack, doors: Doors, prover: Prover
) -> None:
    own, other = opening(), opening()
    number = await ask_with(stack, "proves", own.commitment)
    await until_state(stack, number, State.AWAITING_PROOF)
    _, features = await doors.get(f"/requests/{number}/features")
    chain = tuple(features["encoded"])
    right = await prover.prove(chain, own.tensor)
    other_features = await prover.prove((*chain[:-1], 1 - min(chain[-1], 1)), own.tensor)
    other_data = await prover.prove(chain, other.tensor)
    better = [str(right.outputs[0] + 1), *(str(one) for one in right.outputs[1:])]
    told = {"feature_commitment": str(other_features.instances[0])}
    for body, check in (
        (posted(other_features), "proof_does_not_verify"),
        (posted(other_features, **told), "other_chain_features"),
        (posted(other_data), "proof_does_not_verify"),
        (posted(other_data, data_commitment=str(other_data.instances[1])), "another_commitment"),
        (posted(right) | {"outputs": better}, "proof_does_not_verify"),
        (posted(right) | {"proof": "0x" + os.urandom(3_840).hex()}, "proof_does_not_verify"),
        (posted(right) | {"proof": "0x"}, "proof_does_not_verify"),
        # The library reads no further than it must; the contract does, and would revert.
        (posted(right) | {"proof": "0x" + right.proof.hex() + "00"}, "proof_does_not_verify"),
    ):
        status, refused = await doors.post(f"/passports/{number}/proof", body)
        assert (status, refused["check"]) == (422, check), refused
    status, _ = await doors.post(f"/passports/{number}/proof", posted(right) | {"outputs": better[1:]})
    assert status == 422
    assert await rows_of(stack, PostedProofRow) == []

    commitments = {"feature_commitment": features["feature_commitment"], "data_commitment": str(own.commitment)}
    status, taken = await doors.post(f"/passports/{number}/proof", posted(right, **commitments))
    assert (status, taken["state"]) == (202, "awaiting_proof")
    row = await until_state(stack, number, State.FINAL)
    assert (row.proof, row.outputs) == (right.proof, list(right.outputs))
    [told_why] = [one for one in await rows_of(stack, ExplanationRow) if one.request == row.id]
    assert told_why.content is not None
    assert told_why.content["recourse_withheld"] is True
    assert await rows_of(stack, PostedProofRow) == []


async def test_keys__of_the_model__come_in_ranges_with_their_digests(stack: Stack, doors: Doors) -> None:
    model_id = "0x" + stack.model.model_id.hex()
    status, told = await doors.get(f"/models/{model_id}/keys")
    assert (status, told["model_id"]) == (200, model_id)
    # All that a borrower downloads: the proving key is made from it and from the model.
    assert sum(one["bytes"] for one in told["files"] if one["name"] == "kzg.srs") < 1_000_000
    small = next(one for one in told["files"] if one["name"] == "verifying.key")
    path = small["url"].removeprefix("/v1")
    status, headers, content = await doors.raw(path)
    assert (status, len(content), hashlib.sha256(content).hexdigest()) == (200, small["bytes"], small["sha256"])
    status, _, part = await doors.raw(path, headers={"Range": "bytes=100-199"})
    assert (status, part) == (206, content[100:200])
    status, _, _ = await doors.raw(path, headers={"If-None-Match": headers["ETag"]})
    assert status == 304
    assert (await doors.get(f"/models/0x{'17' * 32}/keys"))[0] == 404
    assert (await doors.get(f"/models/{model_id}/keys/manifest.json"))[0] == 422


async def test_passports__that_were_handed_in__are_not_in_the_daemons_memory(stack: Stack) -> None:
    needles = Needles(_OPENED)
    holding = "import sys; held = sys.stdin.buffer.read(); print(len(held), flush=True); __import__('time').sleep(60)"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", holding, stdin=PIPE, stdout=PIPE)
    try:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdin.write(max(forms(_OPENED[0]), key=len))
        holder.stdin.write_eof()
        await holder.stdout.readline()
        assert needles.in_process(holder.pid)[0] != [], "what is looked for would be found"
    finally:
        holder.kill()
        await holder.wait()
    hits, size = await asyncio.to_thread(needles.in_process, stack.daemons[-1].pid)
    assert (hits, size > 50_000_000) == ([], True)


async def test_opening__when_the_daemon_is_killed_with_it__is_answered_by_the_next(stack: Stack, doors: Doors) -> None:
    own = opening()
    number = await ask_with(stack, "killed", own.commitment)
    await until_state(stack, number, State.AWAITING_PROOF)
    assert (await doors.hand_over(own, number))[0] == 202
    daemon = stack.daemons.pop()
    os.kill(daemon.pid, signal.SIGKILL)
    await asyncio.to_thread(daemon.wait, 10)
    assert (await requests(stack))[number].state == State.AWAITING_PROOF, "a proof takes longer than a kill"
    [kept] = await rows_of(stack, OpeningRow)
    assert not any(form in kept.sealed for form in forms(own))
    await stack.start_daemon("again")
    await until_state(stack, number, State.FINAL)
    assert await rows_of(stack, OpeningRow) == []


async def test_request__whose_data_never_come__is_reminded_once_and_declined(stack: Stack) -> None:
    number = await ask_with(stack, "silent", opening().commitment)
    row = await until_state(stack, number, State.AWAITING_PROOF)
    await stack.chain.warp((row.deadline - row.requested_at) // 2)
    await look_again(stack, row)
    await until_noticed(stack, row)
    await look_again(stack, row)
    await stack.chain.warp((row.deadline - row.requested_at) // 2 - 60)
    await look_again(stack, row)
    declined = await until_state(stack, number, State.DECLINED)
    assert declined.decline_reason == 3
    notices = [step for step in await transitions(stack) if step.request == row.id and step.notice is not None]
    assert [step.notice for step in notices] == ["reminder"]
    assert "private_data_wanted" in stack.daemons[-1].log.read_text()


async def test_passports__that_were_handed_in__are_in_no_file_of_the_database_and_in_no_log(stack: Stack) -> None:
    needles = Needles(_OPENED)
    assert needles.found_in(b"x" + max(forms(_OPENED[0]), key=len) + b"x") != [], "what is looked for would be found"
    stack.stop_daemons()
    engine = database.connect(stack.database_url, pool_size=1)
    async with engine.connect() as connection:
        # What is in the server's memory alone is written to its files.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("checkpoint")
    await engine.dispose()
    in_files, file_bytes = await asyncio.to_thread(needles.in_files, [stack.folder])
    assert (in_files, file_bytes > 10_000_000) == ([], True)


async def rows_of(stack: Stack, table: type[Any]) -> list[Any]:
    """Return all rows of a table, whatever its key."""
    engine = database.connect(stack.database_url, pool_size=1)
    try:
        async with async_sessionmaker(engine)() as session:
            return list((await session.scalars(select(table))).all())
    finally:
        await engine.dispose()


async def look_again(stack: Stack, row: RequestRow) -> None:
    """Mine a block, so that the daemon sees the time, and let a request that rests be looked at."""
    await stack.chain.mine()
    engine = database.connect(stack.database_url, pool_size=1)
    async with async_sessionmaker(engine).begin() as session:
        await session.execute(update(RequestRow).where(RequestRow.id == row.id).values(run_after=func.now()))
    await engine.dispose()


async def until_noticed(stack: Stack, row: RequestRow) -> None:
    """Wait until a request has asked for its data; the daemon may see the head a moment later."""
    for _ in range(200):
        if any(step.notice for step in await transitions(stack) if step.request == row.id):
            return
        await look_again(stack, row)
        await asyncio.sleep(0.1)
    raise AssertionError(f"no reminder: {stack.daemons[-1].tail(30)}")
