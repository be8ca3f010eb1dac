"""A node that answers badly makes an error, or the same history: never a smaller one."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponseError, ClientTimeout
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.history import WalletHistory
from oracle.history.collect import collect_history
from oracle.history.lending.aave import LIQUIDATION
from oracle.history.lending.aave_v3 import BORROW
from oracle.history.reading.reader import ChainReader, RateLimited
from oracle.history.transactions.otterscan import check_otterscan
from tests.history.test_lagging_endpoint import pool
from tests.support.faulty_node import FaultyNode, Tamper, honest, refuse
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")

Answer = dict[str, Any]


async def _read(played: Played, node: FaultyNode, wallet: str = "edge", **changes: Any) -> WalletHistory:
    # web3's own retries would hide how often a node is asked.
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(node.url, exception_retry_configuration=None))
    try:
        configuration = replace(played.configuration, **changes)
        return await collect_history(web3, configuration, played.wallet(wallet), played.blocks["end"])
    finally:
        await web3.provider.disconnect()


async def _true_history(played: Played, wallet: str = "edge") -> WalletHistory:
    async with FaultyNode(played.chain.rpc_url, honest) as node:
        return await _read(played, node, wallet)


def _span(params: list[Any]) -> int:
    return int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1


def _only(method: str, change: Callable[[list[Any], Answer], "Answer | int"]) -> Tamper:
    def tamper(asked: str, params: list[Any], answer: Answer) -> "Answer | int":
        return change(params, answer) if asked == method else answer

    return tamper


def _refusing_logs(refusal: Answer, asked: list[Answer]) -> Tamper:
    """Refuse every query of logs, and note those of more than one block: of one, it is asked what the node keeps."""

    def tamper(params: list[Any], answer: Answer) -> Answer:
        if _span(params) > 1:
            asked.append(params[0])
        return refusal

    return _only("eth_getLogs", tamper)


def _check_whole_and_once(played: Played, asked: list[Answer]) -> None:
    """How many queries are on their way at the first refusal, the machine decides: but none comes twice, or in two."""
    assert len(asked) == len({json.dumps(query) for query in asked})
    # Of two halves, the first would end before the block.
    assert {query["toBlock"] for query in asked} <= {hex(played.blocks["end"].number)}


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(-32005, "query returned more than 10000 results"),
        refuse(-32602, "block range too large, maximum is 50"),
        refuse(-32000, "query timeout exceeded"),
        413,
        400,
        422,
        502,
        504,
    ],
    ids=["too many results", "range too large", "timeout", "answer too large", "400", "422", "502", "504"],
)
async def test_logs__when_big_ranges_are_refused__then_halved_and_complete(
    played: Played, refusal: "Answer | int"
) -> None:
    tamper = _only("eth_getLogs", lambda params, answer: refusal if _span(params) > 50 else answer)
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        assert await _read(played, node) == await _true_history(played)
        # Three queries (owner, liquidated, term loans) over more than 600 blocks, each in ranges of at most 50.
        assert node.calls["eth_getLogs"] > 3 * 12


async def test_logs__when_answer_is_cut_at_a_round_number__then_range_is_halved(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[int] = []

    def cut(params: list[Any], answer: Answer) -> Answer:
        cuts.append(len(answer["result"]) - 5)
        return {"result": answer["result"][:5]}

    true_history = await _true_history(played)
    monkeypatch.setattr("oracle.history.reading.logs._SILENT_CUTS", frozenset({5}))
    async with FaultyNode(played.chain.rpc_url, _only("eth_getLogs", cut)) as node:
        assert await _read(played, node) == true_history
    assert max(cuts) > 0, "nothing was ever cut"


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(-32602, "block range extends beyond current head block"),
        refuse(-32000, "toBlock 0x64 is beyond the latest head 0x62"),
    ],
    ids=["geth", "another"],
)
async def test_logs__when_the_node_lacks_the_last_block__then_unavailable_and_no_range_is_halved(
    played: Played, refusal: Answer
) -> None:
    asked: list[Answer] = []
    async with FaultyNode(played.chain.rpc_url, _refusing_logs(refusal, asked)) as node:
        with pytest.raises(BlockUnavailable, match="beyond"):
            await _read(played, node)
    _check_whole_and_once(played, asked)


async def test_logs__when_one_block_is_refused__then_incomplete(played: Played) -> None:
    tamper = _only("eth_getLogs", lambda params, answer: refuse(-32005, "limit exceeded"))
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        with pytest.raises(HistoryIncomplete, match="refuses even the logs of block"):
            await _read(played, node)


async def test_logs__when_doubled_and_shuffled__then_same_history(played: Played) -> None:
    tamper = _only("eth_getLogs", lambda params, answer: {"result": answer["result"][::-1] + answer["result"][:3]})
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        assert await _read(played, node) == await _true_history(played)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda log: {**log, "removed": True}, "was reorganised away"),
        (lambda log: {**log, "blockNumber": "0xfffff"}, "sent a log of 1048575"),
        (lambda log: {**log, "blockNumber": None}, "left out a number"),
    ],
    ids=["removed", "outside the range", "without a block"],
)
async def test_logs__when_one_is_wrong__then_incomplete(
    played: Played, change: Callable[[Answer], Answer], words: str
) -> None:
    tamper = _only("eth_getLogs", lambda params, answer: {"result": [change(log) for log in answer["result"]]})
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        with pytest.raises(HistoryIncomplete, match=words):
            await _read(played, node)


async def test_logs__when_null__then_incomplete(played: Played) -> None:
    async with FaultyNode(played.chain.rpc_url, _only("eth_getLogs", lambda *_: {"result": None})) as node:
        with pytest.raises(HistoryIncomplete, match="expected a list"):
            await _read(played, node)


async def test_logs__when_those_of_borrowing_are_left_out__then_the_debt_gives_it_away(played: Played) -> None:
    def leave_out(params: list[Any], answer: Answer) -> Answer:
        return {"result": [log for log in answer["result"] if log["topics"][0] != BORROW.topic]}

    async with FaultyNode(played.chain.rpc_url, _only("eth_getLogs", leave_out)) as node:
        with pytest.raises(HistoryIncomplete, match="is in debt at aave-v3, but there is no event of borrowing"):
            await _read(played, node)


async def test_logs__when_read__then_liquidations_of_borrowers_alone_since_they_borrowed(played: Played) -> None:
    asked: list[tuple[str, int]] = []

    def note(params: list[Any], answer: Answer) -> Answer:
        asked.extend((topic, int(params[0]["fromBlock"], 16)) for topic in params[0]["topics"][0])
        return answer

    async with FaultyNode(played.chain.rpc_url, _only("eth_getLogs", note)) as node:
        history = await _read(played, node, "liquidated")
        since = [block for topic, block in asked if topic == LIQUIDATION.topic]
        assert history.lending.liquidation_count == 2
        assert len(since) == 1
        assert since[0] > min(block for topic, block in asked if topic == BORROW.topic)
        asked.clear()
        await _read(played, node, "newcomer")
        assert BORROW.topic in dict(asked)
        assert LIQUIDATION.topic not in dict(asked)


def _without_newest(page: Answer) -> Answer:
    return {**page, "txs": page["txs"][1:], "receipts": page["receipts"][1:]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_without_newest, "its index has a gap"),
        (lambda page: {**page, "receipts": page["receipts"][:-1]}, "without all of its receipts"),
        (lambda page: {**page, "txs": page["txs"][:-1] + page["txs"][:1]}, "nonce"),
        (lambda page: {**page, "lastPage": True}, "its index has a gap"),
        (lambda page: {**page, "txs": [], "receipts": [], "lastPage": False}, "empty page"),
        (lambda page: {"error": "unavailable"}, "something else than a page"),
    ],
    ids=["one transaction left out", "receipt left out", "one twice", "stops early", "empty page", "no page at all"],
)
async def test_transactions__when_a_page_is_wrong__then_incomplete(
    played: Played, change: Callable[[Answer], Answer], words: str
) -> None:
    tamper = _only("ots_searchTransactionsBefore", lambda params, answer: {"result": change(answer["result"])})
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        with pytest.raises(HistoryIncomplete, match=words):
            await _read(played, node)


async def test_transactions__when_node_repeats_a_page__then_incomplete(played: Played) -> None:
    first: list[Answer] = []

    def repeat(params: list[Any], answer: Answer) -> Answer:
        first.append(answer)
        return first[0]

    async with FaultyNode(played.chain.rpc_url, _only("ots_searchTransactionsBefore", repeat)) as node:
        with pytest.raises(HistoryIncomplete, match="got later ones"):
            await _read(played, node)


@pytest.mark.parametrize(
    "refusal",
    [refuse(-32601, "the method does not exist"), refuse(-32603, "unimplemented")],
    ids=["not there", "known by name only"],
)
async def test_transactions__when_node_has_no_otterscan__then_configuration_fault_at_the_start_too(
    played: Played, refusal: Answer
) -> None:
    tamper = _only("ots_searchTransactionsBefore", lambda *_: refusal)
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        with pytest.raises(ConfigurationFault, match="does not know ots_searchTransactionsBefore"):
            await _read(played, node)
        async with pool(node.url) as (w3, _):
            with pytest.raises(ConfigurationFault, match="does not know ots_searchTransactionsBefore"):
                await check_otterscan(ChainReader(w3))
    async with pool(played.chain.rpc_url) as (w3, _):
        await check_otterscan(ChainReader(w3))


@pytest.mark.parametrize("used_up", [False, True])
async def test_transactions__when_receipts_are_older_than_their_status__then_told_by_the_gas_or_incomplete(
    played: Played, used_up: bool
) -> None:
    def older(page: Answer) -> Answer:
        for sent, receipt in zip(page["txs"], page["receipts"], strict=True):
            if receipt["status"] == "0x1":
                del receipt["status"]
                receipt["root"] = "0x" + "11" * 32
                sent["gas"] = hex(int(receipt["gasUsed"], 16) + (not used_up))
        return page

    tamper = _only("ots_searchTransactionsBefore", lambda params, answer: {"result": older(answer["result"])})
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        if used_up:
            with pytest.raises(HistoryIncomplete, match="has no status and all of its gas is used"):
                await _read(played, node)
        else:
            assert await _read(played, node) == await _true_history(played)


async def test_transactions__when_a_rollup_charges_for_its_data__then_not_in_the_gas_that_was_spent(
    played: Played,
) -> None:
    """Not every transactions API tells of it, and the history must be the same from each."""

    def charge(page: Answer) -> Answer:
        return {**page, "receipts": [{**receipt, "l1Fee": hex(10**15)} for receipt in page["receipts"]]}

    tamper = _only("ots_searchTransactionsBefore", lambda params, answer: {"result": charge(answer["result"])})
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        assert await _read(played, node) == await _true_history(played)


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(-32000, "missing trie node 1234 (path ) state 0xabcd is not available"),
        refuse(-32000, "header not found"),
        refuse(-32001, "Resource not found"),
        refuse(-32000, "hash 0xabcd is not currently canonical"),
    ],
    ids=["pruned", "unknown header", "anvil", "reorganised"],
)
async def test_state__when_node_does_not_serve_the_block__then_unavailable(played: Played, refusal: Answer) -> None:
    async with FaultyNode(played.chain.rpc_url, _only("eth_call", lambda *_: refusal)) as node:
        with pytest.raises(BlockUnavailable):
            await _read(played, node)


async def test_state__when_node_refuses_for_another_reason__then_transient_with_its_words(played: Played) -> None:
    tamper = _only("eth_getBalance", lambda *_: refuse(-32603, "internal turmoil"))
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        with pytest.raises(TransientFault, match="internal turmoil"):
            await _read(played, node)


async def test_price__when_oracle_has_none__then_incomplete(played: Played) -> None:
    def zero(params: list[Any], answer: Answer) -> Answer:
        if "to" not in params[0]:  # several calls in one: the price is the last word
            return {"result": answer["result"][:-64] + "00" * 32}
        asks_price = params[0]["data"].startswith("0xb3596f07")
        return {"result": "0x" + "00" * 32} if asks_price else answer

    async with FaultyNode(played.chain.rpc_url, _only("eth_call", zero)) as node:
        with pytest.raises(HistoryIncomplete, match="has no price of"):
            await _read(played, node)


@pytest.mark.parametrize(
    "refusal",
    [
        refuse(-32602, "missing field to"),
        refuse(3, "execution reverted"),
        {"result": "0x"},
        {"result": "0x" + "00" * 64},
    ],
    ids=["refused", "reverted", "nothing", "too short"],
)
async def test_bundle__when_the_node_does_not_run_it__then_each_call_alone_and_the_same_history(
    played: Played, refusal: Answer
) -> None:
    tamper = _only("eth_call", lambda params, answer: answer if "to" in params[0] else refusal)
    async with FaultyNode(played.chain.rpc_url, tamper) as node:
        assert await _read(played, node) == await _true_history(played)


async def test_price__when_the_oracle_was_another_one_then__then_the_other_one_is_asked(played: Played) -> None:
    def other(params: list[Any], answer: Answer) -> Answer:
        # As if governance had replaced the oracle since: the first word that a bundle gives is its address.
        return answer if "to" in params[0] else {"result": answer["result"][:66] + "77" * 32 + answer["result"][130:]}

    async with FaultyNode(played.chain.rpc_url, _only("eth_call", other)) as node:
        assert await _read(played, node) == await _true_history(played)


async def test_transactions__when_the_node_limits_the_page__then_its_limit_is_kept(played: Played) -> None:
    sizes: list[int] = []

    def limited(params: list[Any], answer: Answer) -> Answer:
        sizes.append(params[2])
        return answer if params[2] <= 25 else refuse(-32000, "max allowed page size: 25")

    async with FaultyNode(played.chain.rpc_url, _only("ots_searchTransactionsBefore", limited)) as node:
        assert await _read(played, node) == await _true_history(played)
    assert sizes[0] == 100
    assert set(sizes[1:]) == {25}


@pytest.mark.parametrize(
    ("method", "silence"), [("eth_getLogs", 5.0), ("ots_searchTransactionsBefore", 5.0), ("eth_call", 5.0)]
)
async def test_answer__when_it_does_not_come__then_a_fault_of_the_transport(
    played: Played, method: str, silence: float
) -> None:
    async with FaultyNode(played.chain.rpc_url, _only(method, lambda *_: silence)) as node:
        timeout = {"timeout": ClientTimeout(total=0.5)}
        provider = AsyncHTTPProvider(node.url, request_kwargs=timeout, exception_retry_configuration=None)
        web3: AsyncWeb3[Any] = AsyncWeb3(provider)
        try:
            with pytest.raises(TimeoutError):
                await collect_history(web3, played.configuration, played.wallet("edge"), played.blocks["end"])
        finally:
            await web3.provider.disconnect()


async def test_rate__when_refused_in_words__then_no_range_is_halved(played: Played) -> None:
    asked: list[Answer] = []
    refusal = refuse(-32005, "daily request rate limit reached, upgrade your plan")
    async with FaultyNode(played.chain.rpc_url, _refusing_logs(refusal, asked)) as node:
        with pytest.raises(RateLimited, match="rate limit"):
            await _read(played, node)
    _check_whole_and_once(played, asked)


async def test_status__when_node_limits_the_rate__then_passes_through(played: Played) -> None:
    async with FaultyNode(played.chain.rpc_url, _only("eth_getLogs", lambda *_: 429)) as node:
        with pytest.raises(ClientResponseError, match="429"):
            await _read(played, node)


async def test_block__when_it_vanishes_during_the_read__then_unavailable(played: Played) -> None:
    asked: list[int] = []

    def vanish(params: list[Any], answer: Answer) -> Answer:
        asked.append(1)
        if len(asked) == 1:
            return answer
        return {"result": {**answer["result"], "hash": "0x" + "77" * 32}}

    async with FaultyNode(played.chain.rpc_url, _only("eth_getBlockByNumber", vanish)) as node:
        with pytest.raises(BlockUnavailable, match="it was reorganised away"):
            await _read(played, node)
        assert len(asked) == 2


async def test_read__when_cancelled_again_and_again__then_the_next_one_still_answers(played: Played) -> None:
    async with FaultyNode(played.chain.rpc_url, honest) as node:
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(node.url))
        wallet, at = played.wallet("careful"), played.blocks["end"]
        for patience in range(12):
            reading = asyncio.create_task(collect_history(web3, played.configuration, wallet, at))
            await asyncio.sleep(patience / 400)
            reading.cancel()
            await asyncio.wait([reading])
        async with asyncio.timeout(120):
            history = await collect_history(web3, played.configuration, wallet, at)
        await web3.provider.disconnect()
    assert history == await _true_history(played, "careful")
