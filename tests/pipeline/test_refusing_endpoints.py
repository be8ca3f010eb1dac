"""The daemon beside endpoints that refuse, drop and leave out: requests are found, kept, and closed all the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from oracle.assessment.errors import BlockUnavailable, DeclineReason
from oracle.assessment.states import State
from oracle.chain.contracts import OracleContract
from oracle.chain.pool import PoolProvider
from oracle.chain.rpc import connect
from oracle.chain.signer import Call
from oracle.chain.transactions import TransactionClient
from oracle.nodes.refusals import blocks_asked
from oracle.pipeline.context import Context
from oracle.pipeline.ingest import search_new_blocks
from oracle.pipeline.worker import run_once
from oracle.store import requests
from oracle.store.requests import to_request
from tests.support.event_source import Ingest
from tests.support.faulty_node import FaultyNode, Given, Tamper, Under, give_up, refuse

PLAN = refuse(-32600, "You can make eth_getLogs requests with up to a 500 block range")
SILENCE = 300.0
GAS = 500_000


@asynccontextmanager
async def through(ingest: Ingest, *urls: str) -> AsyncIterator[Context]:
    """Give a daemon's parts that ask other endpoints."""
    w3 = connect(urls, 60.0)
    contract = OracleContract(w3, ingest.context.address, ingest.context.chain_id)
    try:
        yield replace(ingest.context, w3=w3, oracle=contract, client=TransactionClient(w3))
    finally:
        await w3.provider.disconnect()


def _is_wide(method: str, params: list[Any]) -> bool:
    return blocks_asked(method, params) > 500


def _plan(given: Given) -> Tamper:
    return lambda method, params, true: given if _is_wide(method, params) else true


@pytest.mark.parametrize("given", [Under(400, PLAN), 400, 413, 422, 504, SILENCE], ids=str)
async def test_search__when_a_plan_allows_five_hundred_blocks__then_requests_are_found_with_the_default_range(
    ingest: Ingest, given: Given
) -> None:
    ingest.context.chain = ingest.context.chain.model_copy(update={"log_range": 2_000})
    await ingest.chain.mine(900)
    await ingest.oracle.ask()
    await ingest.chain.mine(900)
    async with FaultyNode(ingest.chain.rpc_url, _plan(given)) as node, through(ingest, node.url) as context:
        provider = context.w3.provider
        assert isinstance(provider, PoolProvider)
        if given == SILENCE:
            give_up(provider.endpoints[0].provider, _is_wide)
        assert await search_new_blocks(context) == 1
        assert provider.endpoints[0].failures == 0
    assert await ingest.states() == {State.REQUESTED: 1}


async def test_search__when_the_node_dropped_old_logs__then_the_cursor_stays_and_the_request_is_found_later(
    ingest: Ingest,
) -> None:
    await ingest.oracle.ask()
    await ingest.chain.mine(200)

    def dropped(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        return {"result": []} if method == "eth_getLogs" and int(params[0]["fromBlock"], 16) < 150 else true

    async with FaultyNode(ingest.chain.rpc_url, dropped) as node:
        async with through(ingest, node.url) as context:
            with pytest.raises(BlockUnavailable, match="are asked for"):
                await search_new_blocks(context)
        assert await ingest.next_block() == 0
        async with through(ingest, node.url, ingest.chain.rpc_url) as context:
            assert await search_new_blocks(context) == 1


async def test_reorganisation__when_the_node_dropped_the_known_blocks__then_no_request_vanishes(
    ingest: Ingest,
) -> None:
    await ingest.oracle.ask()
    await ingest.chain.mine(5)
    await ingest.search()

    def dropped(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        old = method == "eth_getBlockByNumber" and params[0] != "latest"
        return refuse(4444, "pruned history unavailable") if old else true

    async with FaultyNode(ingest.chain.rpc_url, dropped) as node, through(ingest, node.url) as context:
        with pytest.raises(BlockUnavailable):
            await search_new_blocks(context)
    assert await ingest.states() == {State.REQUESTED: 1}


@pytest.mark.parametrize(
    "refusal",
    [
        {"code": 3, "message": "execution reverted"},
        {"code": -32015, "message": "VM execution error."},
        {"code": -32603, "message": "internal turmoil"},
    ],
    ids=["no data", "another code", "no revert at all"],
)
async def test_submit__when_another_daemon_settled_it_and_the_refusal_has_no_name__then_settling(
    ingest: Ingest, refusal: dict[str, Any]
) -> None:
    await ingest.oracle.ask()
    await ingest.search()
    await _decline(ingest)
    await ingest.work_on(1, State.DECLINING)
    async with ingest.context.sessions.begin() as session:
        row = await requests.find(session, ingest.context.chain_id, ingest.context.address, 1, lock=True)
        row.decline_reason = DeclineReason.HISTORY_UNAVAILABLE.value

    def nameless(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return {"error": refusal} if method == "eth_estimateGas" else true

    async with FaultyNode(ingest.chain.rpc_url, nameless) as node, through(ingest, node.url) as context:
        assert await run_once(context, "decline")
    assert await ingest.states() == {State.SETTLING: 1}


async def _decline(ingest: Ingest) -> None:
    """Do what a faster daemon would."""
    oracle, context = ingest.oracle, ingest.context
    request = to_request(await ingest.row(1))
    _, _, digest = await oracle.contract.signers()
    reason = DeclineReason.HISTORY_UNAVAILABLE.value
    signature = oracle.signer.sign_message(oracle.contract.decline_message(request, reason, digest))
    call = Call(context.address, oracle.contract.decline(request, reason, [signature]), GAS)
    fees = context.fees.first(await oracle.client.base_fee_wei(), None)
    assert fees is not None
    nonce = await oracle.client.nonce(oracle.signer.address)
    signed = oracle.signer.sign_transaction(call, context.chain_id, nonce, fees)
    await oracle.client.broadcast(signed.raw)
    while (receipt := await oracle.client.receipt(signed.hash)) is None:
        await oracle.chain.mine(1)
    assert receipt.succeeded
