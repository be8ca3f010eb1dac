"""An endpoint that lacks the newest blocks, and answers as if there were none: never believed, nothing of it kept."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.chain.pool import PoolProvider
from oracle.chain.rpc import connect
from oracle.history.collect import Reading, Services, collect_counted
from oracle.history.reading.memory import Stored
from tests.support.faulty_node import FaultyNode, Given, honest, refuse
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")

WALLET = "edge"
BEYOND = refuse(-32602, "block range extends beyond current head block")


@dataclass
class MemoryStore:
    """What is kept, by wallet."""

    kept: dict[Address, dict[str, Stored]] = field(default_factory=dict)

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        """See HistoryStore."""
        return dict(self.kept.get(wallet, {}))

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        """See HistoryStore."""
        self.kept.setdefault(wallet, {}).update(found)


@dataclass
class Behind:
    """Answers as a node does whose head is `head`; `hidden` are the hashes of the blocks that it lacks.

    `refusal` is what it says to a query of logs that goes on behind its head; without one it gives what it has.
    """

    head: int
    hidden: set[str]
    refusal: dict[str, Any] | None = None
    lags: bool = True

    def __call__(self, method: str, params: list[Any], true: dict[str, Any]) -> Given:
        """Give the answer."""
        result: Any = true.get("result")
        if not self.lags or result is None:
            return true
        if any(isinstance(one, dict) and one.get("blockHash") in self.hidden for one in params):
            return refuse(-32000, "header not found")
        match method:
            case "eth_getBlockByNumber" | "eth_getBlockByHash" if int(result["number"], 16) > self.head:
                return {"result": None}
            case "eth_blockNumber":
                return {"result": hex(self.head)}
            case "eth_getLogs" if int(params[0]["toBlock"], 16) > self.head:
                return self.refusal or {"result": [one for one in result if self._has(one)]}
            case "ots_searchTransactionsBefore":
                there = {place: [one for one in result[place] if self._has(one)] for place in ("txs", "receipts")}
                return {"result": {**result, **there}}
        return true

    def _has(self, one: dict[str, Any]) -> bool:
        return int(one["blockNumber"], 16) <= self.head


@dataclass(frozen=True)
class Newest:
    """The chain's newest block `at`, and a node that lacks it and the one before it, in which the wallet borrowed."""

    played: Played
    at: BlockRef
    behind: Behind

    @property
    def wallet(self) -> Address:
        return self.played.wallet(WALLET)

    async def read(self, store: MemoryStore | None, *urls: str) -> Reading:
        """Read the wallet through a pool of endpoints."""
        async with pool(*urls) as (w3, _):
            return await self.read_through(w3, store)

    async def read_through(self, w3: AsyncWeb3[Any], store: MemoryStore | None) -> Reading:
        """Read the wallet through a client."""
        return await collect_counted(w3, self.played.configuration, self.wallet, self.at, Services(store=store))


@asynccontextmanager
async def pool(*urls: str) -> AsyncIterator[tuple[AsyncWeb3[AsyncHTTPProvider], PoolProvider]]:
    """Give a client of several endpoints."""
    w3 = connect(urls, 60.0)
    assert isinstance(w3.provider, PoolProvider)
    try:
        yield w3, w3.provider
    finally:
        await w3.provider.disconnect()


@pytest_asyncio.fixture(loop_scope="session")
async def newest(played: Played) -> Newest:
    deeds = played.scenario.ledger.deeds
    last = max(deed.block for deed in deeds if deed.wallet == played.wallet(WALLET) and deed.kind != "liquidated")
    blocks = [await played.block(number) for number in (last, last + 1)]
    return Newest(played, blocks[1], Behind(last - 1, {block.hash for block in blocks}))


def without_calls(store: MemoryStore) -> dict[Address, dict[str, Stored]]:
    """Return what is kept of each wallet, but the single answers, which depend on what was asked."""
    return {
        wallet: {name: one for name, one in found.items() if name != "calls"} for wallet, found in store.kept.items()
    }


@pytest.mark.parametrize("refusal", [None, BEYOND], ids=["gives what it has", "refuses"])
async def test_history__when_the_first_endpoint_lags__then_that_of_the_second_is_read_and_kept(
    newest: Newest, refusal: dict[str, Any] | None
) -> None:
    newest.behind.refusal = refusal
    store, true_store, chain = MemoryStore(), MemoryStore(), newest.played.chain.rpc_url
    expected = await newest.read(true_store, chain)
    async with FaultyNode(chain, newest.behind) as lagging:
        found = await newest.read(store, lagging.url, chain)
    assert found.history == expected.history
    assert without_calls(store) == without_calls(true_store)
    assert lagging.calls["eth_getLogs"] == lagging.calls["ots_searchTransactionsBefore"] == 0


@pytest.mark.parametrize("endpoints", [1, 2])
async def test_history__when_all_endpoints_lag__then_unavailable_and_nothing_kept(
    newest: Newest, endpoints: int
) -> None:
    store = MemoryStore()
    async with FaultyNode(newest.played.chain.rpc_url, newest.behind) as lagging:
        with pytest.raises(BlockUnavailable, match=f"no block {newest.at.number} yet"):
            await newest.read(store, *[lagging.url] * endpoints)
    assert store.kept == {}


async def test_history__when_the_one_endpoint_that_had_the_block_is_lost__then_unavailable_and_nothing_kept(
    newest: Newest,
) -> None:
    """The block was confirmed, but nobody who has it is there any more."""
    store, chain = MemoryStore(), newest.played.chain.rpc_url

    def lost(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return true if method == "eth_getBlockByNumber" else 503

    async with FaultyNode(chain, newest.behind) as lagging, FaultyNode(chain, lost) as losing:
        with pytest.raises(BlockUnavailable, match=f"no RPC endpoint has block {newest.at.number}"):
            await newest.read(store, lagging.url, losing.url)
    assert store.kept == {}
    assert lagging.calls["eth_getLogs"] == 0


@pytest.mark.parametrize("other", ["falls behind", "is reorganised"])
async def test_history__when_an_endpoint_loses_the_block_while_it_answers__then_unavailable_and_nothing_kept(
    newest: Newest, other: str
) -> None:
    store, chain = MemoryStore(), newest.played.chain.rpc_url
    newest.behind.lags = False

    def changing(method: str, params: list[Any], true: dict[str, Any]) -> Given:
        newest.behind.lags |= method == "eth_getLogs"
        if newest.behind.lags and other == "is reorganised" and method == "eth_getBlockByNumber":
            return {"result": {**true["result"], "hash": "0x" + "77" * 32}}
        # A list of transactions that lacks some is noticed by itself.
        return true if method.startswith("ots_") else newest.behind(method, params, true)

    # The second one has the block all the time, and would say so.
    async with FaultyNode(chain, changing) as first, FaultyNode(chain, honest) as second:
        with pytest.raises(BlockUnavailable):
            await newest.read(store, first.url, second.url)
    assert store.kept == {}


async def test_history__when_an_endpoint_is_asked_whether_it_has_the_block__then_once_a_read(newest: Newest) -> None:
    chain = newest.played.chain.rpc_url
    async with FaultyNode(chain, newest.behind) as lagging, FaultyNode(chain, honest) as good:
        async with pool(lagging.url, good.url) as (w3, provider):
            provider.endpoints[0].clock = lambda: 100.0
            await newest.read_through(w3, None)
        checks = (lagging.calls["eth_getBlockByNumber"], good.calls["eth_getBlockByNumber"])
        assert checks == (1, 2), "the good one is asked before the read and after"
        assert lagging.calls.total() == 1
        good.calls.clear()
        reading = await newest.read(None, good.url)
        assert good.calls.total() == reading.rpc_calls, "an endpoint alone is asked nothing more"


async def test_history__when_a_lagging_endpoint_catches_up__then_asked(newest: Newest) -> None:
    chain = newest.played.chain.rpc_url
    now = [100.0]
    async with (
        FaultyNode(chain, newest.behind) as lagging,
        FaultyNode(chain, honest) as good,
        pool(lagging.url, good.url) as (_, provider),
    ):
        provider.endpoints[0].clock = lambda: now[0]
        held = provider.holding(newest.at.number, newest.at.hash)
        balance = (RPCEndpoint("eth_getBalance"), [newest.wallet, {"blockHash": newest.at.hash}])
        for _ in range(3):
            await held.make_request(*balance)
        newest.behind.lags = False
        await held.make_request(*balance)
        assert (lagging.calls.total(), good.calls["eth_getBalance"]) == (1, 4)
        now[0] += 1.1
        await held.make_request(*balance)
        assert (lagging.calls["eth_getBalance"], good.calls["eth_getBalance"]) == (1, 4)


async def test_logs__when_no_read_of_a_block_asks__then_of_one_that_has_the_ranges_last_block(newest: Newest) -> None:
    """The event source and the index ask so: they know a number, and look at its hash before and after."""
    chain, first = newest.played.chain.rpc_url, newest.behind.head + 1
    query = {"fromBlock": hex(first), "toBlock": hex(newest.at.number)}
    logs = RPCEndpoint("eth_getLogs")
    async with FaultyNode(chain, newest.behind) as lagging, FaultyNode(chain, honest) as good:
        async with pool(lagging.url, good.url) as (_, provider):
            for _ in range(2):
                assert len((await provider.make_request(logs, [query]))["result"]) > 0
            assert good.calls["eth_getBlockByNumber"] == 1, "what it showed to have is not asked again"
        async with pool(lagging.url, lagging.url) as (_, provider):
            with pytest.raises(BlockUnavailable, match=f"no RPC endpoint has block {newest.at.number}"):
                await provider.make_request(logs, [query])
    assert lagging.calls["eth_getLogs"] == 0


async def test_method__when_only_an_endpoint_that_lags_knows_it__then_unavailable_and_no_fault_of_configuration(
    newest: Newest,
) -> None:
    chain = newest.played.chain.rpc_url

    def plain(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        return refuse(-32601, "the method does not exist") if method.startswith("ots_") else true

    async with FaultyNode(chain, plain) as without, FaultyNode(chain, newest.behind) as lagging:
        with pytest.raises(BlockUnavailable, match=f"no RPC endpoint has block {newest.at.number}"):
            await newest.read(None, without.url, lagging.url)


async def test_history__when_the_first_endpoints_index_has_a_gap__then_the_next_is_asked_and_with_none_left_incomplete(
    newest: Newest,
) -> None:
    chain = newest.played.chain.rpc_url

    def gappy(method: str, _: list[Any], true: dict[str, Any]) -> Given:
        if method != "ots_searchTransactionsBefore":
            return true
        result = true["result"]
        own = next((one["hash"] for one in result["txs"] if one["from"].lower() == newest.wallet), None)
        places = [place for place, one in enumerate(result["txs"]) if one["hash"] != own]
        return {
            "result": {**result, **{part: [result[part][place] for place in places] for part in ("txs", "receipts")}}
        }

    async with FaultyNode(chain, gappy) as broken, FaultyNode(chain, honest) as good:
        true = await newest.read(None, good.url)
        assert true.history.transactions.sent_count > 0
        assert (await newest.read(None, broken.url, good.url)).history == true.history
        assert broken.calls["ots_searchTransactionsBefore"] > 0
        with pytest.raises(HistoryIncomplete):
            await newest.read(None, broken.url, broken.url)
