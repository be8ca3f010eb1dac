"""The first reading of a market that indexes nothing: long, so it can be interrupted, and nobody waits inside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import async_sessionmaker
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import HistoryIncomplete, TransientFault
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, aave_v3
from oracle.history.reading import event_index
from oracle.history.reading.abi import topic_address
from oracle.history.reading.event_index import EventIndex, IndexBehind
from oracle.history.reading.event_store import Cursor, EventStore, MemoryEventStore
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader
from oracle.pipeline.history_stores import PostgresEventStore
from oracle.pipeline.jobs import index_markets
from oracle.store import database
from tests.support.event_source import Ingest
from tests.support.played import block_at

SPAN = 5
MINTS = 20
USER = named_account("holder")


class Gate(AsyncHTTPProvider):
    """A provider that notes the ranges of log queries, and keeps back the one with the number `closed_at`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.ranges: list[tuple[int, int]] = []
        self.closed_at: int | None = None
        self.reached, self.open = asyncio.Event(), asyncio.Event()

    async def make_request(self, method: Any, params: Any) -> Any:
        if method == "eth_getLogs":
            self.ranges.append((int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)))
            if len(self.ranges) == self.closed_at:
                self.reached.set()
                await self.open.wait()
        return await super().make_request(method, params)


@dataclass
class Market:
    """Two tokens that were minted to a user block after block, read through a gate."""

    transactor: Transactor
    tokens: list[Deployed]
    gate: Gate
    at: BlockRef = field(init=False)
    reader: ChainReader = field(init=False)

    def __post_init__(self) -> None:
        self.reader = ChainReader(AsyncWeb3(self.gate))
        self.contracts = [to_address(token.address) for token in self.tokens]

    async def fill(self, index: EventIndex, told: Any = lambda block, until: None) -> None:
        topics = [_transfer()]
        await index.fill(
            self.reader, self.contracts, topics, _receiver, self.at, start_block=1, span_blocks=SPAN, told=told
        )

    async def logs(self, index: EventIndex) -> list[Log]:
        wallet, topics = to_address(USER.address), [_transfer()]
        return await index.logs(
            self.reader, self.contracts, topics, _receiver, wallet, self.at, start_block=1, span_blocks=SPAN
        )

    async def mint(self, times: int) -> None:
        for _ in range(times):
            for token in self.tokens:
                await self.transactor.call(USER, token, "mint(address,uint256)", USER.address, 1)

    async def move_to_head(self, chain: Anvil) -> None:
        self.at = await block_at(chain, await chain.block_number())

    def index(self, store: EventStore, longest_catch_up: int | None = None) -> EventIndex:
        return EventIndex(store, 31337, unindexed_blocks=0, longest_catch_up=longest_catch_up)


def _transfer() -> str:
    return "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def _receiver(log: Log) -> Address:
    return topic_address(log.topics[2])


def _told(log: Log) -> tuple[object, ...]:
    """What the store keeps of a log: events that index nothing have one topic."""
    return log.address, log.topics[0], log.data, log.block_number, log.block_hash, log.index


@pytest.fixture
async def market(chain: Anvil) -> AsyncIterator[Market]:
    transactor = Transactor(chain)
    await chain.set_balance(USER.address, 100 * ETHER)
    tokens = [await transactor.deploy(USER, aave_v3("mocks/tokens/MintableERC20"), "Token", "T", 6) for _ in "ab"]
    market = Market(transactor, tokens, Gate(chain.rpc_url))
    await market.mint(MINTS)
    await market.move_to_head(chain)
    yield market
    await market.gate.disconnect()


def _open_transactions(url: str) -> int:
    """Return how many other connections to the database are in a transaction."""
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as connection:
        query = (
            "select count(*) from pg_stat_activity "
            "where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()"
        )
        found = connection.execute(query).fetchone()
    assert found is not None
    return int(found[0])


async def _interrupted(market: Market, url: str, after: int) -> None:
    """Fill the index until a query is on its way, and be killed there."""
    engine = database.connect(url, pool_size=2)
    market.gate.closed_at = after
    try:
        index = market.index(PostgresEventStore(async_sessionmaker(engine, expire_on_commit=False)))
        filling = asyncio.create_task(market.fill(index))
        await market.gate.reached.wait()
        assert _open_transactions(url) == 0, "a transaction is open while the node is read"
        filling.cancel()
        await asyncio.wait([filling])
    finally:
        market.gate.closed_at = None
        market.gate.open.set()
        await engine.dispose()


async def test_fill__when_killed_half_way__then_goes_on_behind_the_last_range_that_was_kept(
    market: Market, database_url: str
) -> None:
    engine = database.connect(database_url, pool_size=2)
    await database.migrate(engine)
    try:
        await _interrupted(market, database_url, after=4)
        assert market.gate.ranges == [(1, 5), (6, 10), (11, 15), (16, 20)]
        market.gate.ranges.clear()
        heard: list[tuple[int, int]] = []
        index = market.index(PostgresEventStore(async_sessionmaker(engine, expire_on_commit=False)))
        await market.fill(index, lambda *place: heard.append(place))
        assert market.gate.ranges == [(start, start + 4 if start < 41 else 42) for start in range(16, 43, 5)]
        assert heard == [(end, 42) for _, end in market.gate.ranges]
        found = await market.logs(index)
    finally:
        await engine.dispose()
    anew = await market.logs(market.index(MemoryEventStore()))
    assert [_told(log) for log in found] == [_told(log) for log in anew]
    assert len(found) == 2 * MINTS


async def test_logs__while_the_index_is_filled__then_told_how_far_it_is_and_not_kept_waiting(market: Market) -> None:
    index = market.index(MemoryEventStore(), longest_catch_up=7)
    with pytest.raises(IndexBehind, match="indexed up to block 0, 42 is needed"):
        await market.logs(index)
    assert market.gate.ranges == [], "the request must not read for itself"
    market.gate.closed_at = 3
    filling = asyncio.create_task(market.fill(index))
    await market.gate.reached.wait()
    with pytest.raises(HistoryIncomplete, match=r"indexed up to block 10, 42 is needed: waiting until they are read"):
        await market.logs(index)
    market.gate.open.set()
    await filling
    assert len(await market.logs(index)) == 2 * MINTS


@pytest.mark.parametrize("look_back", [2, 64], ids=["page after page", "at once"])
@pytest.mark.parametrize("kept_in", ["memory", "postgres"])
async def test_index__when_the_newest_blocks_were_reorganised_away__then_those_alone_are_read_again(
    market: Market,
    chain: Anvil,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    kept_in: str,
    look_back: int,
) -> None:
    monkeypatch.setattr(event_index, "_FIRST_LOOK_BACK", look_back)
    engine = database.connect(database_url, pool_size=2)
    await database.migrate(engine)
    kept: EventStore = PostgresEventStore(async_sessionmaker(engine)) if kept_in == "postgres" else MemoryEventStore()
    try:
        shared, snapshot = market.at.number, await chain.snapshot()
        await market.mint(9)
        await market.move_to_head(chain)
        index = market.index(kept, longest_catch_up=30)
        await market.fill(index)
        assert len(await market.logs(index)) == 2 * MINTS + 18
        await chain.revert(snapshot)
        await chain.mine(5, interval_seconds=7)
        await market.mint(10)
        await market.move_to_head(chain)
        market.gate.ranges.clear()
        found = await market.logs(index)
        # Each token goes back to its own last block before: the first one's is a block older.
        assert min(market.gate.ranges)[0] == shared
        assert len(found) == 2 * MINTS + 20
    finally:
        await engine.dispose()
    anew = await market.logs(market.index(MemoryEventStore()))
    assert [_told(log) for log in found] == [_told(log) for log in anew]


async def test_index__when_nothing_of_it_is_the_chains__then_requests_wait_until_it_is_filled_anew(
    market: Market, chain: Anvil
) -> None:
    store = MemoryEventStore()
    await market.fill(market.index(store))
    # Another chain's: every indexed block has a hash that this one does not have.
    contract = market.contracts[0]
    cursor = await store.cursor(31337, contract)
    assert cursor is not None
    assert await store.rewind(31337, contract, cursor, None)
    log = (await market.logs(market.index(MemoryEventStore())))[0]
    strange = replace(log, address=contract, block_hash="0x" + "ab" * 32)
    until = Cursor(market.at.number, "0x" + "cd" * 32)
    assert await store.append(31337, contract, None, until, [(to_address(USER.address), strange)])
    with pytest.raises(IndexBehind, match="indexed up to block 0"):
        await market.logs(market.index(store, longest_catch_up=7))
    assert len(await market.logs(market.index(store))) == 2 * MINTS


class Shared(MemoryEventStore):
    """A store in which other processes do something right before and right after a wallet's logs are read."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[Callable[[], Awaitable[None]]] = []
        self.after: list[Callable[[], Awaitable[None]]] = []

    async def logs(self, chain_id: int, contracts: Sequence[Address], wallet: Address, until_block: int) -> list[Log]:
        if self.before:
            await self.before.pop(0)()
        found = await super().logs(chain_id, contracts, wallet, until_block)
        if self.after:
            await self.after.pop(0)()
        return found

    async def take_back(self, contract: Address, number: int) -> None:
        """Do what a process does that sees a reorganisation."""
        cursor = await self.cursor(31337, contract)
        assert cursor is not None
        (shared,) = await self.blocks_before(31337, contract, number, 1)
        assert await self.rewind(31337, contract, cursor, shared)


async def test_logs__when_another_process_takes_the_index_back_meanwhile__then_an_error_and_no_fewer_logs(
    market: Market,
) -> None:
    store = Shared()
    await market.fill(market.index(store))
    store.before.append(lambda: store.take_back(market.contracts[1], 15))
    with pytest.raises(HistoryIncomplete, match=f"the index of {market.contracts[1]} was changed by another process"):
        await market.logs(market.index(store))
    assert len(await market.logs(market.index(store))) == 2 * MINTS


async def test_logs__when_the_index_is_taken_back_and_filled_further_meanwhile__then_none_is_missing(
    market: Market, chain: Anvil
) -> None:
    store, later = Shared(), Market(market.transactor, market.tokens, market.gate)
    await market.fill(market.index(store))
    await later.mint(2)
    await later.move_to_head(chain)
    store.before.append(lambda: store.take_back(market.contracts[0], 15))
    store.after.append(lambda: later.fill(later.index(store)))
    found = await market.logs(market.index(store))
    assert [_told(log) for log in found] == [_told(log) for log in await market.logs(market.index(MemoryEventStore()))]
    assert len(found) == 2 * MINTS


async def test_logs__when_another_process_fills_the_index_further_meanwhile__then_none_is_doubled(
    market: Market,
) -> None:
    store = Shared()
    store.before.append(lambda: market.fill(market.index(store)))
    found = await market.logs(EventIndex(store, 31337, unindexed_blocks=12))
    assert await store.cursor(31337, market.contracts[0]) == Cursor(market.at.number, market.at.hash)
    assert [_told(log) for log in found] == [_told(log) for log in await market.logs(market.index(MemoryEventStore()))]
    assert len(found) == 2 * MINTS


async def test_logs__when_other_processes_never_rest__then_an_error(market: Market, chain: Anvil) -> None:
    store = Shared()
    await market.fill(market.index(store))

    async def fill_further() -> None:
        later = Market(market.transactor, market.tokens, market.gate)
        await chain.mine(1)
        await later.move_to_head(chain)
        await later.fill(later.index(store))

    store.before += [fill_further] * 20
    with pytest.raises(HistoryIncomplete, match="changed by another process"):
        await market.logs(market.index(store))


async def test_logs__when_little_is_missing__then_the_request_reads_it(market: Market) -> None:
    index = market.index(MemoryEventStore(), longest_catch_up=42)
    assert len(await market.logs(index)) == 2 * MINTS


async def test_upkeep__while_an_index_is_far_behind__then_not_ready_and_says_how_far(ingest: Ingest) -> None:
    places: Sequence[tuple[int, int]] = ((4_000_000, 21_000_000),)

    async def read(at: BlockRef, told: Any) -> None:
        for block, until in places:
            told("venus", block, until)
        raise TransientFault("the node is away now")

    await ingest.search()
    ingest.context.histories = SimpleNamespace(index_markets=read)  # type: ignore[assignment]
    await index_markets(ingest.context)
    part = ingest.context.health.parts["index"]
    assert (part.ok, part.text) == (
        False,
        "venus: its events are indexed up to block 4000000 of 21000000; requests wait for it",
    )
    places = ((20_000_000, 21_000_000), (20_995_000, 21_000_000))
    await index_markets(ingest.context)
    part = ingest.context.health.parts["index"]
    assert (part.ok, part.text) == (True, "")
