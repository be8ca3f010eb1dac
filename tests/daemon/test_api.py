"""The API of a running daemon, by the client: preview, consent, request, signed answer, events; and how it stops."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.client import ApiRefused, RiskOracle
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.stack import Stack
from tests.daemon.watching import borrower

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DAYS, _PRINCIPAL, _COLLATERAL = 30, ETHER, 2 * ETHER


def new_key(stack: Stack) -> str:
    command = [str(Path(sys.executable).with_name("risk-oracle")), "keys", "create", "--name", "test", "--json"]
    scopes = ["--scope", "read", "--scope", "assess", "--scope", "webhooks"]
    made = subprocess.run(
        [*command, *scopes, "--config", str(stack.settings_file)], capture_output=True, text=True, check=True
    )
    return str(json.loads(made.stdout)["key"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(stack: Stack) -> AsyncIterator[RiskOracle]:
    await stack.start_daemon()
    key = await asyncio.to_thread(new_key, stack)
    async with RiskOracle(f"http://127.0.0.1:{stack.settings.web.port}", key) as running:
        yield running


async def test_api__from_the_preview_to_the_signed_answer__is_one_story(stack: Stack, client: RiskOracle) -> None:
    person, asker = await borrower(stack, "previewed"), await borrower(stack, "asker")
    loan = (person.address, _PRINCIPAL, _DAYS, _COLLATERAL)
    preview = await client.assess(*loan)
    assert preview.address == person.address
    assert preview.thin is True, "nothing is known of this wallet"

    wanted = await client.ask(*loan, requester=asker.address)
    assert wanted.consent_typed_data is not None
    assert wanted.calldata is None
    signed = Account.sign_message(encode_typed_data(full_message=wanted.consent_typed_data), person.key)
    until = int(wanted.consent_typed_data["message"]["validUntil"])
    call = await client.ask(*loan, requester=asker.address, consent=(until, signed.signature.to_0x_hex()))
    assert call.calldata is not None
    await stack.transactor.send(asker, call.to, value=call.value_wei, data=bytes.fromhex(call.calldata[2:]))
    number = int(await stack.transactor.read(stack.contracts.oracle, "requestCount"))

    over = await client.wait(number, seconds=120)
    assert (over.state, over.user, over.requester) == ("final", person.address, asker.address)
    assert over.assessment == preview.assessment, "nothing happened to this wallet in between"
    assert over.answer_transaction is not None

    answer = await client.signed(number)
    assert (answer.submittable, answer.assessment) == (False, over.assessment)
    typed = encode_typed_data(full_message=answer.report_typed_data)
    assert Account.recover_message(typed, signature=answer.signatures[0]) == named_account("operator").address
    digest = await stack.transactor.read(stack.contracts.oracle, "stateOf", number)
    assert digest == 2, "the chain says answered"
    latest = (await client.wallet(person.address)).latest
    assert latest is not None
    assert latest.request_id == number

    states = []
    async for change in client.events(last=0, request_id=str(number)):
        states.append(change.target)
        if change.target == "final":
            break
    assert states == ["requested", "collected", "scored", "proven", "signed", "submitted", "confirmed", "final"]


async def test_verify__of_what_the_api_gave__finds_every_claim_true(stack: Stack, client: RiskOracle) -> None:
    proof = await client.proof(1)
    found = await client.verify(proof, features=True)
    assert [claim.name for claim in found.claims] == [
        "document", "request", "block", "signatures", "model", "proof", "scores", "features",
    ]  # fmt: skip
    assert (found.holds, [claim.text for claim in found.claims if not claim.holds]) == (True, [])
    signed = await _signed(client)
    whole = await client.verify(signed)
    assert (whole.holds, len(whole.claims)) == (True, 7)
    few = await client.verify({name: signed[name] for name in ("request_id", "calldata")})
    assert few.holds is True


async def test_verify__of_what_was_altered__names_the_claim_that_fails(stack: Stack, client: RiskOracle) -> None:
    proof, signed = await client.proof(1), await _signed(client)
    outputs = [str(int(proof["outputs"][0]) + 1), *proof["outputs"][1:]]
    better = signed["assessment"] | {"risk_score": 100.0}
    message = signed["report_typed_data"]
    other = message | {"message": message["message"] | {"user": "0x" + "17" * 20}}
    for document, failed in (
        (proof | {"outputs": outputs}, ["document", "signatures", "proof"]),
        (proof | {"instances": ["1", *proof["instances"][1:]]}, ["document"]),
        (proof | {"data_commitment": "1"}, ["document"]),
        (proof | {"proof": proof["proof"][:-2] + ("01" if proof["proof"].endswith("00") else "00")}, ["proof"]),
        (proof | {"signatures": []}, ["signatures"]),
        (proof | {"block": proof["block"] | {"number": 1}}, ["block", "signatures"]),
        (signed | {"assessment": better}, ["scores"]),
        (signed | {"proof": "0x"}, ["document"]),
        (signed | {"model_id": "0x" + "17" * 32}, ["document"]),
        (signed | {"to": "0x" + "17" * 20}, ["document"]),
        (signed | {"report_typed_data": other}, ["document"]),
    ):
        found = await client.verify(document)
        names = [claim.name for claim in found.claims if not claim.holds]
        assert (found.holds, set(failed) <= set(names)) == (False, True), (failed, names)
        assert set(names) - set(failed) <= {"scores"}, "outputs that changed may decode to other scores"


async def test_verify__by_the_command__takes_the_same_documents(stack: Stack, client: RiskOracle) -> None:
    for document in (await client.proof(1), await _signed(client)):
        path = stack.folder / "given.json"
        path.write_text(json.dumps(document))
        where = ["--rpc", stack.chain.rpc_url, "--oracle", stack.contracts.oracle.address, "--no-features", "--json"]
        command = [str(Path(sys.executable).with_name("risk-oracle")), "verify", str(path), *where]
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        assert json.loads(ended.stdout)["holds"] is True


async def _signed(client: RiskOracle) -> dict[str, Any]:
    answer = await client._call("POST", "/oracle/assess", {"mode": "signed", "request_id": "1"})
    return dict(answer)


async def test_api__when_an_asset_has_no_price__previews_the_decline(stack: Stack, client: RiskOracle) -> None:
    with pytest.raises(ApiRefused) as refused:
        await client.assess("0x" + "17" * 20, 5, _DAYS, 0, loan_token=stack.contracts.lending.address)
    assert (refused.value.status, refused.value.problem["decline_reason"]) == (422, "unsupported_asset")


async def test_api__when_the_daemon_ends__lets_nobody_wait_for_a_stream(stack: Stack, client: RiskOracle) -> None:
    async def listen() -> None:
        async for _ in client.events():
            pass

    listening = asyncio.create_task(listen())
    await client.wallet("0x" + "17" * 20)
    began = time.monotonic()
    await asyncio.to_thread(stack.stop_daemons)
    assert time.monotonic() - began < 10
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
