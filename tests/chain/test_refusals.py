"""What nodes refuse under HTTP statuses, in silence and in batches: less is asked for, another, or one at a time."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from eth_utils.crypto import keccak
from web3.types import RPCEndpoint

from oracle.assessment.errors import BlockUnavailable
from oracle.chain.abi import abi
from oracle.chain.contracts import OracleContract
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import BlockWithheld, EndpointRefused, block_ref
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.history.reading.logs import Log, read_logs
from oracle.history.reading.reader import ChainReader
from oracle.nodes.refusals import blocks_asked
from tests.chain.test_pool import pool
from tests.support.faulty_node import FaultyNode, Given, Tamper, Under, give_up, honest, refuse

PLAN = refuse(-32600, "You can make eth_getLogs requests with up to a 500 block range")
SILENCE = 300.0
TOPIC = "0x" + "ab" * 32


def beyond(blocks: int, given: Given) -> Tamper:
    """Give an answer to queries of more blocks' logs."""

    def tamper(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        if method != "eth_getLogs":
            return true
        return given if int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1 > blocks else true

    return tamper


async def _log_once(chain: Anvil, blocks: int) -> str:
    """Let a contract log in a block amid many; return its address."""
    contract, account = "0x" + "c0" * 20, named_account("caller").address
    # PUSH32 topic, PUSH1 0, PUSH1 0, LOG1
    await chain.rpc("anvil_setCode", contract, "0x7f" + TOPIC[2:] + "60006000a1")
    await chain.rpc("anvil_setBalance", account, hex(10**18))
    await chain.rpc("anvil_autoImpersonateAccount", True)
    await chain.mine(blocks // 2)
    await chain.rpc("eth_sendTransaction", {"from": account, "to": contract, "gas": hex(100_000)})
    await chain.mine(blocks // 2)
    return contract


@pytest.mark.parametrize(
    "given",
    [Under(400, PLAN), Under(403, PLAN), 400, 413, 422, 502, 504, 408, SILENCE, PLAN, refuse(-32603, "strange")],
    ids=["400 in words", "403 in words", "400", "413", "422", "502", "504", "408", "silence", "words", "odd words"],
)
async def test_logs__when_a_wide_range_is_refused__then_less_is_asked_for_and_no_strike(
    chain: Anvil, given: Given
) -> None:
    contract = await _log_once(chain, 40)
    async with FaultyNode(chain.rpc_url, beyond(9, given)) as node, pool(node.url) as (w3, provider):
        if given == SILENCE:
            give_up(provider.endpoints[0].provider, lambda *asked: blocks_asked(*asked) > 9)
        found: list[Log] = []
        async for logs in read_logs(ChainReader(w3), [contract], [[TOPIC]], 1, 40, 40):  # type: ignore[list-item]
            found += logs
        assert len(found) == 1
        assert provider.endpoints[0].failures == 0


@pytest.mark.parametrize("given", [SILENCE, 502])
async def test_logs__when_the_endpoint_answers_nothing_at_all__then_a_strike_and_the_next_one(
    chain: Anvil, given: Given
) -> None:
    await chain.mine(40)
    async with FaultyNode(chain.rpc_url, lambda *_: given) as dead, pool(dead.url, chain.rpc_url) as (_, provider):
        if given == SILENCE:
            give_up(provider.endpoints[0].provider, lambda *_: True)
        query = {"fromBlock": "0x1", "toBlock": "0x28", "topics": [TOPIC]}
        assert (await provider.make_request(RPCEndpoint("eth_getLogs"), [query]))["result"] == []
        assert provider.endpoints[0].failures > 0


async def test_logs__when_one_endpoint_refuses_even_one_block__then_the_next_one_is_asked(chain: Anvil) -> None:
    contract = await _log_once(chain, 10)
    async with FaultyNode(chain.rpc_url, beyond(0, 413)) as narrow, pool(narrow.url, chain.rpc_url) as (w3, _):
        ranges = read_logs(ChainReader(w3), [contract], [[TOPIC]], 1, 10, 1)  # type: ignore[list-item]
        assert len([log async for logs in ranges for log in logs]) == 1


@pytest.mark.parametrize(
    "answer",
    [
        refuse(4444, "history pruned, unavailable"),
        refuse(-32000, "old data not available: pruning"),
        refuse(-32002, "no state available for block"),
        refuse(-32603, "state at block is pruned"),
        refuse(-32602, "no historical node"),
    ],
)
async def test_state__when_one_endpoint_pruned_it__then_the_next_one_answers_and_alone_it_is_unavailable(
    chain: Anvil, answer: dict[str, Any]
) -> None:
    await chain.mine(3)

    def pruned(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return answer if method in ("eth_getBlockByNumber", "eth_getBalance") else true

    async with FaultyNode(chain.rpc_url, pruned) as node:
        async with pool(node.url, chain.rpc_url) as (w3, _):
            assert (await block_ref(w3, 2)).number == 2
        async with pool(node.url) as (w3, _):
            with pytest.raises(BlockWithheld) as withheld:
                await block_ref(w3, 2)
            assert isinstance(withheld.value, BlockUnavailable)


async def test_extra_data__when_longer_than_a_word__then_read(chain: Anvil) -> None:
    def signed(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        if method.startswith("eth_getBlockBy"):
            true["result"]["extraData"] = "0x" + "00" * 97
        return true

    async with FaultyNode(chain.rpc_url, signed) as node, pool(node.url) as (w3, _):
        assert (await block_ref(w3, "latest")).number == 0


async def test_logs__when_a_young_chain_logged_nothing_yet__then_nothing_is_believed(chain: Anvil) -> None:
    await chain.mine(30)
    async with pool(chain.rpc_url) as (w3, _):
        ranges = read_logs(ChainReader(w3), ["0x" + "11" * 20], [], 1, 30, 10)  # type: ignore[list-item]
        assert [log async for logs in ranges for log in logs] == []


# ------------------------------------------------------------------ batches


@pytest.mark.parametrize("takes", [True, False])
async def test_batch__when_several_are_asked_at_once__then_together_or_each_alone_where_refused(
    chain: Anvil, takes: bool
) -> None:
    accounts = ["0x" + f"{number:040x}" for number in range(1, 21)]
    for number, account in enumerate(accounts):
        await chain.set_balance(account, number)
    async with FaultyNode(chain.rpc_url, honest, takes_batches=takes) as node, pool(node.url) as (_, provider):
        for _ in range(2):
            asked = (provider.make_request(RPCEndpoint("eth_getBalance"), [one, "latest"]) for one in accounts)
            found = await asyncio.gather(*asked)
            assert [int(answer["result"], 16) for answer in found] == list(range(20))
        assert node.calls["eth_getBalance"] == 40
        assert node.batches == (2 if takes else 1), "what was refused once is not tried again"
        assert provider.endpoints[0].failures == 0


async def test_batch__when_one_of_it_is_refused__then_the_others_have_their_answers(chain: Anvil) -> None:
    def pruned(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        return refuse(-32000, "header not found") if method == "eth_getCode" else true

    async with FaultyNode(chain.rpc_url, pruned, takes_batches=True) as node, pool(node.url) as (_, provider):
        account = "0x" + "11" * 20
        code, balance = await asyncio.gather(
            provider.make_request(RPCEndpoint("eth_getCode"), [account, "latest"]),
            provider.make_request(RPCEndpoint("eth_getBalance"), [account, "latest"]),
        )
        assert "error" in code
        assert balance["result"] == "0x0"
        assert node.batches == 1


@pytest.mark.parametrize("given", [b"", "<html>", "[1, 2]", "[]"], ids=["cut off", "no JSON", "numbers", "too few"])
async def test_batch__when_it_is_answered_with_nonsense__then_nobody_waits_for_ever(chain: Anvil, given: Any) -> None:
    class Nonsense(FaultyNode):
        async def _batch(self, several: list[dict[str, Any]]) -> Any:
            return web.Response(body=given, content_type="application/json")

    async with Nonsense(chain.rpc_url, honest) as node, pool(node.url) as (_, provider):
        asked = (provider.make_request(RPCEndpoint("eth_getBalance"), ["0x" + "11" * 20, "latest"]) for _ in range(3))
        assert [answer["result"] for answer in await asyncio.gather(*asked)] == ["0x0"] * 3


# ------------------------------------------------------------------ estimates


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"code": 3, "message": "execution reverted"}, ""),
        ({"code": -32015, "message": "VM execution error."}, ""),
        ({"code": -32000, "message": "execution reverted", "data": "Reverted {data}"}, "RequestNotPending"),
        ({"code": 3, "message": "execution reverted", "data": {"data": "{data}"}}, "RequestNotPending"),
        ({"code": 3, "message": "x", "data": {"originalError": {"data": "{data}"}}}, "RequestNotPending"),
        ({"code": -32603, "message": "execution reverted: {data}"}, "RequestNotPending"),
        ({"code": -32000, "message": "reverted with custom error 'RequestNotPending(7)'"}, "RequestNotPending"),
        ({"code": -32000, "message": "{data}"}, "RequestNotPending"),
    ],
)
async def test_estimate__when_revert_data_are_missing_or_elsewhere__then_found_or_without_a_name(
    chain: Anvil, error: dict[str, Any], name: str
) -> None:
    data = _not_pending()

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(one) for key, one in value.items()}
        return value.replace("{data}", data) if isinstance(value, str) else value

    def refusing(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return {"error": filled(error)} if method == "eth_estimateGas" else true

    async with FaultyNode(chain.rpc_url, refusing) as node, pool(node.url) as (w3, _):
        contract = OracleContract(w3, "0x" + "ab" * 20, chain.chain_id)  # type: ignore[arg-type]
        with pytest.raises(Reverted) as refused:
            await contract.gas_of("0x" + "cd" * 20, b"\x01")  # type: ignore[arg-type]
    assert refused.value.name == name


async def test_estimate__when_refused_for_another_reason__then_a_fault_that_passes(chain: Anvil) -> None:
    def refusing(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return refuse(-32603, "internal turmoil") if method == "eth_estimateGas" else true

    async with FaultyNode(chain.rpc_url, refusing) as node, pool(node.url) as (w3, _):
        contract = OracleContract(w3, "0x" + "ab" * 20, chain.chain_id)  # type: ignore[arg-type]
        with pytest.raises(EndpointRefused, match="internal turmoil"):
            await contract.gas_of("0x" + "cd" * 20, b"\x01")  # type: ignore[arg-type]


def _not_pending() -> str:
    entry = next(one for one in abi("AIRiskOracle") if one.get("name") == "RequestNotPending")
    types = [item["type"] for item in entry["inputs"]]
    return "0x" + (keccak(text=f"RequestNotPending({','.join(types)})")[:4] + bytes(32 * len(types))).hex()
