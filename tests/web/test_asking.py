"""Calls for the chain and signed answers by `POST /v1/oracle/assess`, on a real chain with the real contract."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3 import Web3

from oracle.assessment.request import NATIVE_COIN, LoanTerms
from oracle.assessment.states import State
from oracle.config.api import ApiSettings
from oracle.devnet.machinery.accounts import named_account
from oracle.store import requests
from tests.support.event_source import Ingest
from tests.web.conftest import LOAN, PATH, Door, assess, opened
from tests.web.records import OUTPUTS, SCORES


@pytest.fixture
async def on_chain(ingest: Ingest) -> AsyncIterator[Door]:
    """A door of a daemon on a real chain with the real contract."""
    async with opened(ingest.engine, ApiSettings(enabled=True)) as door:
        door.api.chain_id, door.api.oracle = ingest.context.chain_id, ingest.context.address
        door.context = ingest.context
        yield door


async def send(ingest: Ingest, call: dict[str, Any]) -> None:
    await ingest.oracle.transactor.send(
        ingest.oracle.user, call["to"], value=int(call["value_wei"]), data=bytes.fromhex(call["calldata"][2:])
    )


async def test_onchain__for_oneself__then_the_calldata_is_a_request_that_the_contract_takes(
    on_chain: Door, ingest: Ingest
) -> None:
    found = await assess(on_chain, mode="onchain", user_address=ingest.oracle.user.address)
    assert (found["function"], found["sender"]) == ("requestAssessment", ingest.oracle.user.address)
    assert found["consent_typed_data"] is None
    await send(ingest, found)
    await ingest.search()
    row = await ingest.row(1)
    assert row.terms == asdict(LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 0, 30 * 86_400))
    assert int(row.data_commitment) == int(found["data_commitment"])


async def test_onchain__for_another__then_the_consent_signed_as_told_is_taken_by_the_contract(
    on_chain: Door, ingest: Ingest
) -> None:
    borrower = named_account("borrower")
    asked = {
        "mode": "onchain",
        "user_address": borrower.address,
        "requester": ingest.oracle.user.address,
        "loan_amount": str(2**128 - 1),
    }
    found = await assess(on_chain, **asked)
    assert (found["calldata"], found["sender"]) == (None, ingest.oracle.user.address)
    typed = json.loads(json.dumps(found["consent_typed_data"]))
    signature = Account.sign_message(encode_typed_data(full_message=typed), borrower.key).signature.to_0x_hex()
    consent = {"valid_until": int(typed["message"]["validUntil"]), "signature": signature}
    await send(ingest, await assess(on_chain, **asked, consent=consent))
    await ingest.search()
    row = await ingest.row(1)
    assert (row.user, row.requester) == (borrower.address.lower(), ingest.oracle.user.address.lower())


async def test_onchain__when_paused__then_409(on_chain: Door, ingest: Ingest) -> None:
    await ingest.oracle.transactor.call(ingest.oracle.owner, ingest.oracle.deployed, "pause")
    found = await on_chain.problem("POST", PATH, json=LOAN | {"mode": "onchain"})
    assert (found["status"], "paused" in found["detail"]) == (409, True)


async def signed_row(ingest: Ingest, state: State) -> None:
    """Ask on the chain, and fill the row as its stages would; the proof is none."""
    await ingest.oracle.ask()
    await ingest.search()
    async with ingest.context.sessions.begin() as session:
        key = (ingest.context.chain_id, ingest.context.address, 1)
        row = await requests.find(session, *key, lock=True)
        row.proof, row.scores, row.outputs = b"\x01\x02", SCORES, OUTPUTS
        row.model_id, row.feature_commitment = "0x" + "01" * 32, Decimal(7)
        message = ingest.context.oracle.report_message(
            requests.to_request(row), _report(row), ingest.context.signer_set_digest
        )
        row.signatures = ["0x" + ingest.context.signer.sign_message(message).hex()]
        await requests.move(session, row, state, "test")


def _report(row: Any) -> Any:
    from oracle.pipeline.answer import report_of

    return report_of(row)


async def test_signed__then_the_report_that_was_signed_and_calldata_with_it(on_chain: Door, ingest: Ingest) -> None:
    await signed_row(ingest, State.SIGNED)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    found = await response.json()
    assert response.status == 200, found
    assert (found["state"], found["submittable"]) == ("signed", True)
    typed = encode_typed_data(full_message=found["report_typed_data"])
    signer = Account.recover_message(typed, signature=found["signatures"][0])
    assert signer.lower() == ingest.context.signer.address
    contract = Web3().eth.contract(abi=ingest.oracle.deployed.codec.abi)
    name, arguments = contract.decode_function_input(found["calldata"])
    assert name.fn_name == "provideAssessment"
    assert arguments["proof"] == bytes.fromhex(found["proof"][2:])
    assert arguments["report"]["requestId"] == 1


async def test_signed__when_the_set_of_signers_changed__then_not_submittable(on_chain: Door, ingest: Ingest) -> None:
    await signed_row(ingest, State.SIGNED)
    ingest.context.signer_set_digest = b"\x01" * 32
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (await response.json())["submittable"] is False


@pytest.mark.parametrize("state", [State.REQUESTED, State.PROVEN])
async def test_signed__while_on_the_way__then_409_with_the_state_and_when_to_ask_again(
    on_chain: Door, ingest: Ingest, state: State
) -> None:
    await signed_row(ingest, state)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (response.status, (await response.json())["state"]) == (409, state.value)
    assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("state", [State.DECLINED, State.EXPIRED, State.VANISHED, State.DEAD])
async def test_signed__when_there_will_be_none__then_409(on_chain: Door, ingest: Ingest, state: State) -> None:
    await signed_row(ingest, state)
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": 1})
    assert (response.status, "Retry-After" in response.headers) == (409, False)


async def test_signed__when_unknown__then_404(on_chain: Door) -> None:
    response = await on_chain.ask("POST", PATH, json={"mode": "signed", "request_id": str(2**256 - 1)})
    assert response.status == 404
