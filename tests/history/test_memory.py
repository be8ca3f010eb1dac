"""A second request for a wallet reads only new blocks, and gives what a first one would; a reorganisation voids it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponseError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from oracle.assessment.history import WalletHistory
from oracle.assessment.request import BlockRef
from oracle.history.collect import Reading, Services, collect_counted, collect_history
from oracle.history.reading.memory import WalletMemory
from oracle.history.transactions.etherscan_client import EtherscanClient
from oracle.pipeline.history_stores import PostgresHistoryStore
from oracle.store import database
from tests.history.etherscan_server import KEY, EtherscanServer
from tests.history.test_wallets import MOMENTS, WALLETS, connected
from tests.support.faulty_node import FaultyNode, Given, late
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = database.connect(database_url, pool_size=2)
    await database.migrate(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
def services(engine: AsyncEngine) -> Services:
    return Services(store=PostgresHistoryStore(async_sessionmaker(engine)))


async def _read(url: str, played: Played, wallet: str, at: BlockRef, services: Services) -> Reading:
    async with connected(url) as web3:
        return await collect_counted(web3, played.configuration, played.wallet(wallet), at, services)


async def _anew(played: Played, wallet: str, at: BlockRef) -> WalletHistory:
    async with connected(played.chain.rpc_url) as web3:
        return await collect_history(web3, played.configuration, played.wallet(wallet), at)


@pytest.mark.parametrize("name", WALLETS)
async def test_history__when_read_block_after_block__then_as_if_read_anew(
    played: Played, services: Services, name: str
) -> None:
    # Forth, back behind what is kept, and forth again.
    for moment in (*MOMENTS, "early", "end"):
        at = played.blocks[moment]
        reading = await _read(played.chain.rpc_url, played, name, at, services)
        assert reading.history == await _anew(played, name, at)


async def test_history__when_read_again_later__then_only_new_blocks_are_asked_for(
    played: Played, services: Services
) -> None:
    first_at, second_at = played.blocks["crash"], played.blocks["end"]
    asked: list[tuple[int, int]] = []

    def watch(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getLogs":
            asked.append((int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)))
        return answer

    async with FaultyNode(played.chain.rpc_url, watch) as node:
        cold = await _read(node.url, played, "edge", first_at, services)
        assert min(first for first, _ in asked) < first_at.number
        asked.clear()
        node.calls.clear()
        warm = await _read(node.url, played, "edge", second_at, services)
        assert {first for first, _ in asked} == {first_at.number + 1}
        assert node.calls.total() == warm.rpc_calls < cold.rpc_calls
        asked.clear()
        again = await _read(node.url, played, "edge", second_at, services)
        assert asked == []
        assert node.calls["ots_searchTransactionsBefore"] <= 5
    assert warm.history == again.history == await _anew(played, "edge", second_at)


async def test_history__when_the_block_was_reorganised_away__then_read_anew(played: Played, services: Services) -> None:
    chain, wallet = played.chain, played.wallet("edge")
    readings = []
    for value, blocks in (("0x1", 2), ("0x2", 4)):
        before = await chain.snapshot()
        try:
            await chain.rpc("anvil_impersonateAccount", wallet)
            call = {"from": wallet, "to": played.wallet("trader"), "value": value, "gas": "0x5208"}
            await chain.rpc("eth_sendTransactionSync", call)
            await chain.mine(blocks)
            at = await played.block(await chain.block_number())
            reading = await _read(chain.rpc_url, played, "edge", at, services)
            assert reading.history == await _anew(played, "edge", at)
            readings.append(reading)
        finally:
            await chain.revert(before)
    first, second = (reading.history for reading in readings)
    assert first.block.number < second.block.number
    assert second.transactions.sent_wei == first.transactions.sent_wei + 1
    at = played.blocks["end"]
    assert (await _read(chain.rpc_url, played, "edge", at, services)).history == await _anew(played, "edge", at)


async def test_history__when_nothing_is_new__then_nothing_is_written(
    played: Played, services: Services, engine: AsyncEngine
) -> None:
    at = played.blocks["end"]

    async def written() -> list[Any]:
        async with engine.connect() as connection:
            found = await connection.execute(
                text("select source, updated_at, to_block from history_findings order by 1")
            )
            return list(found)

    await _read(played.chain.rpc_url, played, "edge", at, services)
    first = await written()
    assert {source.split(":")[0] for source, *_ in first} == {"logs", "transactions", "calls"}
    assert {block for _, _, block in first} == {at.number}
    await _read(played.chain.rpc_url, played, "edge", at, services)
    assert await written() == first


async def test_history__when_answers_come_in_another_order__then_nothing_is_written(
    played: Played, services: Services, engine: AsyncEngine
) -> None:
    at = played.blocks["end"]
    readings, kept = [], []
    for parity in (0, 1):
        async with FaultyNode(played.chain.rpc_url, late(parity)) as node:
            readings.append(await _read(node.url, played, "edge", at, services))
        async with engine.connect() as connection:
            found = await connection.execute(
                text("select source, updated_at, content from history_findings order by 1")
            )
            kept.append([tuple(row) for row in found])
    assert readings[0].history == readings[1].history
    assert kept[0] == kept[1], "what is remembered depends on which answer came first"


async def test_history__when_configuration_changes__then_other_contracts_logs_are_not_taken(
    played: Played, services: Services
) -> None:
    at = played.blocks["end"]
    await _read(played.chain.rpc_url, played, "late", at, services)
    lender = played.configuration.term_lenders[0]
    moved = replace(played.configuration, term_lenders=(replace(lender, start_block=at.number),), aave_v3=())
    async with connected(played.chain.rpc_url) as web3:
        reading = await collect_counted(web3, moved, played.wallet("late"), at, services)
    assert reading.history.term_loans.taken == 0
    assert reading.history.lending.event_count == 0


async def test_api__when_read_again_later__then_only_new_blocks_are_asked_for(
    played: Played, services: Services
) -> None:
    async with EtherscanServer(played.chain) as server:
        async with EtherscanClient(server.url, played.chain.chain_id, key=KEY, requests_per_second=1_000) as client:
            both = replace(services, transactions_api=client)
            await _read(played.chain.rpc_url, played, "edge", played.blocks["crash"], both)
            server.queries.clear()
            reading = await _read(played.chain.rpc_url, played, "edge", played.blocks["end"], both)
        starts = {query["startblock"] for query in server.queries if query["action"] == "txlist"}
    assert starts == {str(played.blocks["crash"].number + 1)}
    assert reading.history == await _anew(played, "edge", played.blocks["end"])


async def test_answers__when_kept__then_of_blocks_before_that_are_named_by_hash_or_of_all_alike(
    played: Played, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, given = played.blocks["end"], list[tuple[str, str]]()
    keep_answer = WalletMemory.keep_answer

    def note(memory: WalletMemory, method: str, params: Sequence[Any], answer: Any) -> None:
        given.append((method, json.dumps(params)))
        keep_answer(memory, method, params, answer)

    # What is stored has digests for names, so look at what they are made of.
    monkeypatch.setattr(WalletMemory, "keep_answer", note)
    await _read(played.chain.rpc_url, played, "edge", at, services)
    assert {method for method, _ in given} >= {"eth_getBlockByHash", "words", "constant"}
    for method, params in given:
        assert not [word for word in ("latest", "pending", "safe", "finalized", "earliest", at.hash) if word in params]
        # The longest word of 32 bytes by itself in what was asked is the block's hash.
        assert method == "constant" or re.search(r'"0x[0-9a-f]{64}"', params), (method, params)


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
async def test_history__when_a_long_read_comes_to_no_end__then_the_next_one_goes_on(
    played: Played, services: Services, how: str
) -> None:
    at, wallet = played.blocks["end"], played.wallet("edge")
    narrow = replace(played.configuration, logs_span_blocks=3)
    first_asked, away = dict[str, int](), asyncio.Event()
    beyond = at.number - 60

    def broken(method: str, params: list[Any], answer: dict[str, Any]) -> Given:
        if method != "eth_getLogs" or int(params[0]["fromBlock"], 16) <= beyond:
            return answer
        away.set()
        return 503 if how == "fails" else 600.0

    async with FaultyNode(played.chain.rpc_url, broken) as node, connected(node.url) as web3:
        reading = asyncio.create_task(collect_counted(web3, narrow, wallet, at, services))
        await away.wait()
        if how == "is cancelled":
            reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled() or isinstance(reading.exception(), ClientResponseError)

    assert services.store is not None
    kept = await services.store.load(played.configuration.chain_id, wallet)
    assert {name.split(":")[0] for name in kept} == {"logs"}
    assert all(one.to_block <= beyond + 3 for one in kept.values())
    assert min(one.to_block for one in kept.values()) > 100

    def watch(method: str, params: list[Any], answer: dict[str, Any]) -> dict[str, Any]:
        if method == "eth_getLogs":
            query = json.dumps([params[0]["address"], params[0]["topics"]])
            first_asked.setdefault(query, int(params[0]["fromBlock"], 16))
        return answer

    async with FaultyNode(played.chain.rpc_url, watch) as node, connected(node.url) as web3:
        found = await collect_counted(web3, narrow, wallet, at, services)
    assert found.history == await _anew(played, "edge", at)
    assert {one.to_block + 1 for one in kept.values()} <= set(first_asked.values())
