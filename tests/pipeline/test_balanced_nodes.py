"""Nodes that are not of one mind: receipts that come late, tips of their own, transactions that they find too cheap."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from oracle.assessment.states import State
from oracle.chain.fees import GWEI, FeePolicy, Tips, tips_of
from oracle.chain.rpc import connect
from tests.support.declining import ask_and_decline, confirm_all, forms, step, talk_through, transactions
from tests.support.event_source import Ingest
from tests.support.faulty_node import FaultyNode, Given, Refuse, Tamper, honest, refuse

Answer = dict[str, Any]


@asynccontextmanager
async def behind(ingest: Ingest, *tampers: Tamper, before: Refuse | None = None) -> AsyncIterator[None]:
    """Let the daemon talk to the chain through one or more nodes that answer as they are told."""
    nodes = [FaultyNode(ingest.chain.rpc_url, tamper, refuse_first=before) for tamper in tampers]
    for node in nodes:
        await node.__aenter__()
    w3 = connect([node.url for node in nodes], 10.0, chain_id=ingest.chain.chain_id)
    talk_through(ingest, w3)
    try:
        yield
    finally:
        await w3.provider.disconnect()
        for node in nodes:
            await node.__aexit__(None, None, None)


def without(methods: set[str], while_: Callable[[], bool]) -> Tamper:
    """Answer null to some methods for a while."""

    def tamper(method: str, _: list[Any], answer: Answer) -> Given:
        return {"result": None} if method in methods and while_() else answer

    return tamper


@pytest.mark.parametrize("knows_the_transaction", [True, False])
async def test_receipt__that_comes_later_than_the_count__is_waited_for(
    ingest: Ingest, knows_the_transaction: bool
) -> None:
    hidden = True
    methods = {"eth_getTransactionReceipt"} | (set() if knows_the_transaction else {"eth_getTransactionByHash"})
    await ask_and_decline(ingest)
    async with behind(ingest, without(methods, lambda: hidden)):
        await step(ingest, "decline")
        await step(ingest, "confirm")
        # A node that knows the transaction is believed for longer than the depth, which is 2 here.
        await ingest.chain.mine(4 if knows_the_transaction else 1)
        await step(ingest, "confirm")
        assert (await ingest.row(1)).state == State.SUBMITTED
        hidden = False
        await confirm_all(ingest)
        assert (await ingest.row(1)).state == State.CONFIRMED
    (one,) = await transactions(ingest)
    assert (one.nonce, one.passed_block) == (0, None)


async def test_receipt__that_only_the_other_endpoint_has__is_found_there(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    async with behind(ingest, without({"eth_getTransactionReceipt"}, lambda: True), honest):
        await step(ingest, "decline")
        await confirm_all(ingest)
        assert (await ingest.row(1)).state == State.CONFIRMED


async def test_tip__that_the_node_suggests__is_paid(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    suggested = 37 * GWEI

    def tamper(method: str, _: list[Any], answer: Answer) -> Given:
        return {"result": hex(suggested)} if method == "eth_maxPriorityFeePerGas" else answer

    async with behind(ingest, tamper):
        await step(ingest, "decline")
    assert (await forms(ingest, 0))[0].priority_fee_wei == suggested


async def test_tip__where_the_node_suggests_none__is_what_recent_blocks_paid(ingest: Ingest) -> None:
    await ask_and_decline(ingest)

    def tamper(method: str, _: list[Any], answer: Answer) -> Given:
        if method == "eth_maxPriorityFeePerGas":
            return refuse(-32601, "the method eth_maxPriorityFeePerGas does not exist")
        if method == "eth_feeHistory":
            return {"result": {"reward": [[hex(gwei * GWEI)] for gwei in (2, 9, 4)]}}
        return answer

    async with behind(ingest, tamper):
        await step(ingest, "decline")
    assert (await forms(ingest, 0))[0].priority_fee_wei == 4 * GWEI


@pytest.mark.parametrize(("chain_id", "tip_wei"), [(137, 35 * GWEI), (8453, 10**6)])
async def test_tip__where_the_node_says_nothing__is_the_networks(ingest: Ingest, chain_id: int, tip_wei: int) -> None:
    await ask_and_decline(ingest)
    ingest.context.fees = FeePolicy(10**12, tips_of(chain_id))

    def tamper(method: str, _: list[Any], answer: Answer) -> Given:
        silent = ("eth_maxPriorityFeePerGas", "eth_feeHistory")
        return refuse(-32601, "no such method") if method in silent else answer

    async with behind(ingest, tamper):
        await step(ingest, "decline")
    assert (await forms(ingest, 0))[0].priority_fee_wei == tip_wei


async def test_transaction__that_a_node_finds_too_cheap__is_mined_after_a_few_tries(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    ingest.context.fees = FeePolicy(10**12, Tips(GWEI, GWEI, 100 * GWEI))

    def tamper(method: str, _: list[Any], answer: Answer) -> Given:
        return {"result": hex(GWEI)} if method == "eth_maxPriorityFeePerGas" else answer

    def before(method: str, params: list[Any]) -> Answer | None:
        cheap = method == "eth_sendRawTransaction" and _tip_wei(params[0]) < 25 * GWEI
        return refuse(-32000, "transaction underpriced: gas tip cap too low") if cheap else None

    async with behind(ingest, tamper, before=before):
        await step(ingest, "decline")
        await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert [int(form.priority_fee_wei) // GWEI for form in await forms(ingest, 0)] == [32, 16, 8, 4, 2, 1]


def _tip_wei(raw: str) -> int:
    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["maxPriorityFeePerGas"]
