"""Venus, a real fork of Compound V2: its events index nothing, and come from an index that is read once."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from eth_account.signers.local import LocalAccount
from sqlalchemy.ext.asyncio import async_sessionmaker
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import VENUS, packaged
from oracle.devnet.protocols.venus import Venus, deploy_venus
from oracle.history.lending.compound_v2 import CompoundV2Source
from oracle.history.markets import CompoundV2Market
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.event_store import Cursor, EventStore, MemoryEventStore
from oracle.history.reading.reader import ChainReader
from oracle.pipeline.history_stores import PostgresEventStore
from oracle.store import database
from tests.history.lending import Town, address_of, town

pytestmark = pytest.mark.asyncio(loop_scope="module")

MILLION = 10**6


@dataclass(frozen=True)
class Pool:
    """The market, and how users act in it."""

    town: Town
    venus: Venus
    market: CompoundV2Market

    def source(self, index: EventIndex, reader: ChainReader | None = None) -> CompoundV2Source:
        return CompoundV2Source(reader or self.town.reader, self.market, index, span_blocks=50)

    async def enter(self, name: str, **tokens: int) -> LocalAccount:
        """Return a user who may use every market, and whose ether backs debts."""
        user = await self.town.user(name, **tokens)
        for symbol, share in self.venus.shares.items():
            await self.call(user, self.town.market.tokens[symbol], "approve", share.address, 2**256 - 1)
        await self.call(user, self.venus.comptroller, "enterMarkets", [self.venus.shares["WETH"].address])
        return user

    async def call(self, user: LocalAccount, contract: Any, function: str, *arguments: Any) -> None:
        await self.town.transactor.call(user, contract, function, *arguments)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    async with town() as place:
        venus = await deploy_venus(place.transactor, place.owner, place.market)
        yield Pool(place, venus, CompoundV2Market("venus", to_address(venus.comptroller.address), venus.start_block))


@pytest.fixture(params=[0, 5, 10**6], ids=["all indexed", "half indexed", "nothing indexed"])
def index(request: pytest.FixtureRequest, pool: Pool) -> EventIndex:
    return EventIndex(MemoryEventStore(), pool.town.chain.chain_id, unindexed_blocks=request.param)


async def test_compound_v2__when_user_lends_and_is_liquidated__then_sums_are_the_events(
    pool: Pool, index: EventIndex
) -> None:
    weth, usdc = pool.venus.shares["WETH"], pool.venus.shares["USDC"]
    name = f"venus user {index._unindexed_blocks}"
    user = await pool.enter(name, WETH=10 * ETHER)
    hunter = await pool.enter(f"hunter of {name}", USDC=10_000 * MILLION)
    await pool.call(user, weth, "mint", 10 * ETHER)
    await pool.call(user, usdc, "borrow", 20_000 * MILLION)
    borrowed = await pool.town.now()
    await pool.call(user, usdc, "repayBorrow", 1_000 * MILLION)
    await pool.call(user, weth, "redeemUnderlying", ETHER // 10)
    safe = await pool.source(index).read(address_of(user), await pool.town.now())
    assert (safe.supplied_usd, safe.withdrawn_usd) == (30_000 * USD, 300 * USD)
    assert (safe.borrowed_usd, safe.repaid_usd) == (20_000 * USD, 1_000 * USD)
    assert (safe.event_count, safe.first_borrow_at, safe.liquidation_count) == (4, borrowed.timestamp, 0)
    assert safe.collateral_usd == pytest.approx(29_700 * USD, rel=1e-6)
    assert safe.debt_usd == pytest.approx(19_000 * USD, rel=1e-6)
    assert safe.health_factor_wad == pytest.approx(29_700 * 8_050 * WAD // (19_000 * 10_000), rel=1e-6)
    await pool.venus.publish(pool.town.transactor, "WETH", Decimal(2_000))
    await pool.call(hunter, usdc, "liquidateBorrow", user.address, 5_000 * MILLION, weth.address)
    hurt = await pool.source(index).read(address_of(user), await pool.town.now())
    await pool.venus.publish(pool.town.transactor, "WETH", Decimal(3_000))
    assert (hurt.liquidation_count, hurt.event_count) == (1, 5)
    assert hurt.liquidated_usd == pytest.approx(5_500 * USD, rel=1e-6)
    # What the liquidator paid back is none of the borrower's repayments.
    assert hurt.repaid_usd == 1_000 * USD
    assert hurt.health_factor_wad is not None
    assert hurt.health_factor_wad < WAD
    past = await pool.source(index).read(address_of(user), borrowed)
    assert (past.event_count, past.borrowed_usd, past.repaid_usd) == (2, 20_000 * USD, 0)
    # The hunter holds seized shares, but did nothing of its own in the market.
    hunted = await pool.source(index).read(address_of(hunter), await pool.town.now())
    assert hunted == LendingHistory(collateral_usd=hunted.collateral_usd)
    assert hunted.collateral_usd == pytest.approx(8_250 * USD, rel=1e-6)


async def test_compound_v2__when_a_borrow_is_refused_by_code__then_nothing_counts(pool: Pool) -> None:
    user = await pool.enter("venus beggar")
    await pool.call(user, pool.venus.shares["USDC"], "borrow", MILLION)
    index = EventIndex(MemoryEventStore(), pool.town.chain.chain_id)
    assert await pool.source(index).read(address_of(user), await pool.town.now()) == LendingHistory()


async def test_compound_v2__when_nobody_used_the_market_since__then_its_interest_counts_up_to_the_block(
    pool: Pool,
) -> None:
    place, weth, usdc = pool.town, pool.venus.shares["WETH"], pool.venus.shares["USDC"]
    user = await pool.enter("venus sleeper", WETH=10 * ETHER)
    await pool.call(user, weth, "mint", 10 * ETHER)
    await pool.call(user, usdc, "borrow", 10_000 * MILLION)
    index = EventIndex(MemoryEventStore(), place.chain.chain_id)
    before = await pool.source(index).read(address_of(user), await place.now())
    await place.chain.mine(300)
    at = await place.now()
    since = at.number - await place.transactor.read(usdc, "accrualBlockNumber")
    factor = await place.transactor.read(usdc, "borrowRatePerBlock") * since
    stored = await place.transactor.read(usdc, "borrowBalanceStored", user.address)
    found = await pool.source(index).read(address_of(user), at)
    assert found.debt_usd > before.debt_usd == stored * 100
    # The protocol adds interest to an index of the market, rounded down; one unit is a hundred of 1e-8 dollars.
    assert found.debt_usd == pytest.approx(stored * (WAD + factor) // WAD * 100, abs=100)
    assert before.health_factor_wad is not None
    assert found.health_factor_wad is not None
    assert found.health_factor_wad < before.health_factor_wad
    await pool.call(user, usdc, "accrueInterest")
    stored = await place.transactor.read(usdc, "borrowBalanceStored", user.address)
    assert (await pool.source(index).read(address_of(user), await place.now())).debt_usd == stored * 100


async def test_venus__when_its_stablecoin_was_minted__then_it_is_debt_where_the_controller_is_named(pool: Pool) -> None:
    place, weth = pool.town, pool.venus.shares["WETH"]
    controller = await place.transactor.deploy(place.owner, packaged(VENUS, "VAIUnitroller"))
    implementation = await place.transactor.deploy(place.owner, packaged(VENUS, "VAIController"))
    await pool.call(place.owner, controller, "_setPendingImplementation", implementation.address)
    await pool.call(place.owner, implementation, "_become", controller.address)
    await pool.call(place.owner, pool.venus.comptroller, "_setVAIController", controller.address)
    user = await pool.enter("venus minter", WETH=10 * ETHER)
    await pool.call(user, weth, "mint", 10 * ETHER)
    # The controller mints at a fixed address of another chain: it says here itself what it would have said then.
    mint = pool.venus.comptroller.encode("setMintedVAIOf", user.address, 6_000 * ETHER)
    await place.chain.rpc("anvil_impersonateAccount", controller.address)
    await place.chain.set_balance(controller.address, ETHER)
    sent = {"from": controller.address, "to": pool.venus.comptroller.address, "data": mint, "gas": hex(500_000)}
    await place.chain.rpc("eth_sendTransactionSync", sent)
    index, at = EventIndex(MemoryEventStore(), place.chain.chain_id), await place.now()
    named = replace(pool.market, vai_controller=to_address(controller.address))
    found = await replace(pool, market=named).source(index).read(address_of(user), at)
    assert found.debt_usd == 6_000 * USD
    # As the comptroller's own account of the wallet has it.
    _, liquidity, _ = await place.transactor.read(pool.venus.comptroller, "getAccountLiquidity", user.address)
    assert found.health_factor_wad is not None
    borrowable_usd = found.health_factor_wad * found.debt_usd // WAD
    assert borrowable_usd - found.debt_usd == pytest.approx(liquidity * USD // WAD, rel=1e-6)
    unnamed = await pool.source(index).read(address_of(user), at)
    assert unnamed == replace(found, debt_usd=0, health_factor_wad=None)


class CountingProvider(AsyncHTTPProvider):
    """A provider that notes the block ranges of log queries."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.ranges: list[tuple[int, int]] = []
        self.calls: Counter[str] = Counter()

    async def make_request(self, method: Any, params: Any) -> Any:
        self.calls[method] += 1
        if method == "eth_getLogs":
            self.ranges.append((int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)))
        return await super().make_request(method, params)


async def _read_twice(pool: Pool, stores: Sequence[EventStore]) -> tuple[list[LendingHistory], CountingProvider]:
    provider = CountingProvider(pool.town.chain.rpc_url)
    web3: AsyncWeb3[Any] = AsyncWeb3(provider)
    found = []
    try:
        for store in stores:
            index = EventIndex(store, pool.town.chain.chain_id, unindexed_blocks=3)
            provider.ranges.clear()
            source = pool.source(index, ChainReader(web3))
            found.append(await source.read(address_of(pool.town.owner), await pool.town.now()))
    finally:
        await web3.provider.disconnect()
    return found, provider


async def test_index__when_asked_again_by_another_process__then_only_new_blocks_are_read(
    pool: Pool, database_url: str
) -> None:
    engine = database.connect(database_url, pool_size=3)
    await database.migrate(engine)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    try:
        stores = [PostgresEventStore(sessions), PostgresEventStore(sessions)]
        (first, second), provider = await _read_twice(pool, stores)
        newest = (await pool.town.now()).number
        assert first == second
        assert first.event_count == 3
        assert provider.ranges == [(newest - 2, newest)]
        await pool.town.chain.mine(7)
        (third, *_), provider = await _read_twice(pool, stores[:1])
        assert third.event_count == 3
        assert min(start for start, _ in provider.ranges) == newest - 2
    finally:
        await engine.dispose()


async def test_index__when_filled_ahead__then_a_request_reads_the_newest_blocks_only(pool: Pool) -> None:
    store = MemoryEventStore()
    index = EventIndex(store, pool.town.chain.chain_id, unindexed_blocks=3)
    await pool.source(index).fill_index(await pool.town.now())
    newest = (await pool.town.now()).number
    (history,), provider = await _read_twice(pool, [store])
    assert history.event_count == 3
    assert provider.ranges == [(newest - 2, newest)]


async def test_index__when_indexed_blocks_were_reorganised_away__then_it_is_read_anew(
    pool: Pool, database_url: str
) -> None:
    engine = database.connect(database_url, pool_size=3)
    await database.migrate(engine)
    store = PostgresEventStore(async_sessionmaker(engine, expire_on_commit=False))
    try:
        index = EventIndex(store, pool.town.chain.chain_id, unindexed_blocks=0)
        user = await pool.town.user("venus orphan", WETH=ETHER)
        await pool.call(user, pool.town.market.tokens["WETH"], "approve", pool.venus.shares["WETH"].address, ETHER)
        snapshot = await pool.town.chain.snapshot()
        await pool.call(user, pool.venus.shares["WETH"], "mint", ETHER)
        assert (await pool.source(index).read(address_of(user), await pool.town.now())).event_count == 1
        await pool.town.chain.revert(snapshot)
        await pool.town.chain.mine(3, interval_seconds=7)
        assert (await pool.source(index).read(address_of(user), await pool.town.now())).event_count == 0
    finally:
        await engine.dispose()


async def test_index__when_a_contract_was_indexed_by_another_process_meanwhile__then_nothing_is_doubled(
    pool: Pool, database_url: str
) -> None:
    engine = database.connect(database_url, pool_size=3)
    await database.migrate(engine)
    store = PostgresEventStore(async_sessionmaker(engine, expire_on_commit=False))
    contract = to_address(pool.venus.shares["WETH"].address)
    chain_id = pool.town.chain.chain_id
    try:
        index = EventIndex(store, chain_id, unindexed_blocks=0)
        await pool.source(index).read(address_of(pool.town.owner), await pool.town.now())
        cursor = await store.cursor(chain_id, contract)
        assert cursor is not None
        assert not await store.append(chain_id, contract, None, cursor, [])
        assert await store.append(chain_id, contract, cursor, cursor, [])
    finally:
        await engine.dispose()


async def test_index__when_a_node_that_dropped_old_logs_filled_it__then_dropped_and_filled_anew(pool: Pool) -> None:
    """An earlier release believed such a node: what it kept must not hide what wallets did, for ever."""
    user = await pool.enter("hidden", WETH=10 * ETHER)
    await pool.call(user, pool.venus.shares["WETH"], "mint", ETHER)
    at = await pool.town.now()
    true = await pool.source(EventIndex(MemoryEventStore(), 31337)).read(address_of(user), at)
    assert true.event_count == 1
    store, end = MemoryEventStore(), at.number
    block = await pool.town.reader.request("eth_getBlockByNumber", [hex(end), False])
    for share in pool.venus.shares.values():
        assert await store.append(31337, to_address(share.address), None, Cursor(end, block["hash"]), [])
    index = EventIndex(store, 31337, unindexed_blocks=0)
    assert await pool.source(index).read(address_of(user), at) == true
    assert await store.first_block(31337, to_address(pool.venus.shares["WETH"].address)) is not None
