"""A node that dropped old receipts, and answers as if nothing had been logged there: never believed, nothing kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.history.collect import Reading, Services, collect_counted
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.event_store import MemoryEventStore
from oracle.history.reading.reader import ChainReader
from tests.history.test_lagging_endpoint import MemoryStore, pool
from tests.support.faulty_node import FaultyNode, Given, Tamper, honest, refuse
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")

Answer = dict[str, Any]


def dropping(horizon: int, how: Callable[[dict[str, Any], Answer], Given]) -> Tamper:
    """Answer a query of logs that begins before a block as `how` makes of its filter and its true answer."""

    def tamper(method: str, params: list[Any], true: Answer) -> Given:
        if method != "eth_getLogs" or int(params[0]["fromBlock"], 16) >= horizon:
            return true
        return how(params[0], true)

    return tamper


def _kept(horizon: int) -> Callable[[dict[str, Any], Answer], Given]:
    return lambda _, true: {"result": [log for log in true["result"] if int(log["blockNumber"], 16) >= horizon]}


def _forms(horizon: int) -> dict[str, Tamper]:
    return {
        "what it has": dropping(horizon, _kept(horizon)),
        "nothing": dropping(horizon, lambda *_: {"result": []}),
        "nothing to a filter": dropping(
            horizon, lambda query, true: {"result": []} if "address" in query or "topics" in query else true
        ),
        "an error to no filter": dropping(
            horizon,
            lambda query, true: {"result": []} if "address" in query else refuse(-32602, "name a contract"),
        ),
        "an error in words": dropping(horizon, lambda *_: refuse(4444, "pruned history unavailable")),
    }


FORMS = list(_forms(0))


async def _read(played: Played, store: MemoryStore | None, *urls: str, span: int = 50) -> Reading:
    configuration = replace(played.configuration, logs_span_blocks=span)
    async with pool(*urls) as (w3, _):
        return await collect_counted(
            w3, configuration, played.wallet("liquidated"), played.blocks["end"], Services(store=store)
        )


@pytest.mark.parametrize("form", FORMS)
async def test_history__when_the_node_dropped_its_old_logs__then_unavailable_and_nothing_kept(
    played: Played, form: str
) -> None:
    store, middle = MemoryStore(), played.blocks["end"].number // 2
    async with FaultyNode(played.chain.rpc_url, _forms(middle)[form]) as pruned:
        with pytest.raises(BlockUnavailable, match=r"pruned|the logs of blocks \d+ to \d+ are asked for"):
            await _read(played, store, pruned.url)
    assert store.kept == {}


@pytest.mark.parametrize("form", FORMS)
async def test_history__when_another_endpoint_kept_the_logs__then_that_one_is_believed(
    played: Played, form: str
) -> None:
    true = await _read(played, None, played.chain.rpc_url)
    assert true.history.lending.liquidation_count > 0
    middle = played.blocks["end"].number // 2
    async with FaultyNode(played.chain.rpc_url, _forms(middle)[form]) as pruned:
        assert (await _read(played, None, pruned.url, played.chain.rpc_url)).history == true.history
        assert pruned.calls["eth_call"] > 0, "it is asked for what it has"


async def test_history__when_the_node_kept_its_logs__then_few_requests_show_it_and_once(played: Played) -> None:
    async with FaultyNode(played.chain.rpc_url, honest) as node, pool(node.url) as (w3, _):
        wallet, at = played.wallet("newcomer"), played.blocks["end"]
        first = await collect_counted(w3, played.configuration, wallet, at, Services())
        assert node.calls.total() == first.rpc_calls, "what shows it is counted"
        again = await collect_counted(w3, played.configuration, wallet, at, Services())
        assert 0 < first.rpc_calls - again.rpc_calls < 40


async def test_history__when_the_first_endpoints_transactions_have_a_gap__then_the_seconds_are_read(
    played: Played,
) -> None:
    true = await _read(played, None, played.chain.rpc_url)

    def gap(method: str, _: list[Any], answer: Answer) -> Given:
        if method != "ots_searchTransactionsBefore":
            return answer
        page = answer["result"]
        return {"result": {**page, "txs": page["txs"][1:], "receipts": page["receipts"][1:]}}

    async with FaultyNode(played.chain.rpc_url, gap) as broken:
        assert (await _read(played, None, broken.url, played.chain.rpc_url)).history == true.history
        with pytest.raises(HistoryIncomplete, match="its index has a gap"):
            await _read(played, None, broken.url, broken.url)


async def test_index__when_the_node_dropped_its_old_logs__then_nothing_is_indexed(played: Played) -> None:
    at, contract, middle = played.blocks["end"], played.configuration.aave_v3[0].pool, played.blocks["end"].number // 2
    start = played.configuration.aave_v3[0].start_block
    store = MemoryEventStore()
    index = EventIndex(store, played.chain.chain_id, unindexed_blocks=0)
    topic = "0x" + "22" * 32
    async with FaultyNode(played.chain.rpc_url, _forms(middle)["nothing"]) as pruned, pool(pruned.url) as (w3, _):
        with pytest.raises(BlockUnavailable, match="are asked for"):
            await index.fill(
                ChainReader(w3), [contract], [topic], lambda log: log.address, at, start_block=start, span_blocks=50
            )
    assert await store.cursor(played.chain.chain_id, contract) is None
