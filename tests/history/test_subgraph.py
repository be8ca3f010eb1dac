"""A market's history from its subgraph is the one from the node's logs; what the subgraph lacks is an error."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from eth_account.signers.local import LocalAccount

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.history import USD, LendingHistory, WalletHistory
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.protocols.aave_v2 import AaveV2, deploy_aave_v2, ether_price_wei
from oracle.devnet.protocols.venus import Venus, deploy_venus
from oracle.history.collect import Reading, Services, collect_counted, collect_history
from oracle.history.lending.aave_subgraph import QUERY_V3
from oracle.history.lending.aave_v2 import V2
from oracle.history.lending.aave_v3 import V3
from oracle.history.markets import AaveV2Market, CompoundV2Market
from oracle.history.protocols import Tools, lending_source
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.event_store import MemoryEventStore
from oracle.history.reading.memory import Stored
from oracle.history.reading.reader import ChainReader, quantity
from oracle.history.reading.subgraph import SubgraphClient
from tests.history.lending import Town, town
from tests.history.subgraph_entities import aave_entities, compound_v2_entities
from tests.history.subgraph_server import Entities, SubgraphServer, Tamper
from tests.history.test_wallets import MOMENTS, WALLETS, connected
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")


def serve(chain: Anvil, entities: Entities) -> SubgraphServer:
    async def number(block_hash: str) -> int | None:
        block = await chain.rpc("eth_getBlockByHash", block_hash, False)
        return None if block is None else quantity(block["number"])

    return SubgraphServer(entities, number)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(played: Played) -> AsyncIterator[SubgraphServer]:
    async with connected(played.chain.rpc_url) as web3:
        entities = await aave_entities(ChainReader(web3), V3, played.configuration.aave_v3[0].pool)
    async with serve(played.chain, entities) as running:
        yield running


def _client(server: SubgraphServer, page: int = 1_000) -> SubgraphClient:
    return SubgraphClient("aave-v3", server.url, requests_per_second=1_000, page=page, attempts=2)


async def _reading(
    server: SubgraphServer, played: Played, wallet: str, at: BlockRef, tamper: Tamper | None = None, page: int = 1_000
) -> Reading:
    client = _client(server, page)
    before, server.tamper = server.tamper, tamper or server.tamper
    server.queries.clear()
    try:
        async with connected(played.chain.rpc_url) as web3:
            services = Services(subgraphs={"aave-v3": client})
            return await collect_counted(web3, played.configuration, played.wallet(wallet), at, services)
    finally:
        server.tamper = before
        await client.close()


async def _read(
    server: SubgraphServer, played: Played, wallet: str, at: BlockRef, tamper: Tamper | None = None, page: int = 1_000
) -> WalletHistory:
    return (await _reading(server, played, wallet, at, tamper, page)).history


async def _from_logs(played: Played, wallet: str, at: BlockRef) -> WalletHistory:
    async with connected(played.chain.rpc_url) as web3:
        return await collect_history(web3, played.configuration, played.wallet(wallet), at)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", WALLETS)
async def test_history__when_from_the_subgraph__then_that_of_the_logs(
    played: Played, server: SubgraphServer, name: str, moment: str
) -> None:
    at = played.blocks[moment]
    assert await _read(server, played, name, at) == await _from_logs(played, name, at)


async def test_pages__when_small__then_same_history(played: Played, server: SubgraphServer) -> None:
    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, page=2) == await _from_logs(played, "edge", at)
    assert server.queries["all"] > 3


async def test_pages__when_the_gateway_cuts_them__then_same_history(played: Played, server: SubgraphServer) -> None:
    def cut(answer: dict[str, Any]) -> dict[str, Any]:
        return {"data": {name: value if name == "_meta" else value[:1] for name, value in answer["data"].items()}}

    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, cut) == await _from_logs(played, "edge", at)


def _data(**changes: Any) -> Tamper:
    return lambda answer: {"data": {**answer["data"], **changes}}


def _meta(**changes: Any) -> Tamper:
    return lambda answer: {"data": {**answer["data"], "_meta": {**answer["data"]["_meta"], **changes}}}


def _supply(**changes: Any) -> Tamper:
    """Put one odd entity where all others of its kind were, on the page that the borrowings are on."""
    asset = {"underlyingAsset": "0x" + "12" * 20}
    odd = {"id": "1:0:0x12:7:0", "amount": "1", "reserve": asset, **changes}
    return lambda answer: {"data": {**answer["data"], "supplies": [odd] if answer["data"]["borrows"] else []}}


def _errors(text: str) -> Tamper:
    return lambda _: {"errors": [{"message": text}]}


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (_errors("subgraph has only indexed up to block number 3"), BlockUnavailable, "has not indexed"),
        (
            _errors("bad indexers: {0xed: Unavailable(missing block: 9, latest: 7)}"),
            BlockUnavailable,
            "has not indexed",
        ),
        (_meta(block={"number": 1, "hash": "0x" + "77" * 32}), BlockUnavailable, "answered at block 0x7777"),
        (_meta(hasIndexingErrors=True), HistoryIncomplete, "indexing errors"),
        (_data(borrows=[]), HistoryIncomplete, "knows of no borrowing"),
        (_data(borrows=None), HistoryIncomplete, "expected a list"),
        (_data(supplies=[{"id": "2"}, {"id": "1"}]), HistoryIncomplete, "not in order"),
        (_supply(amount="x"), HistoryIncomplete, "without a usable amount"),
        (_supply(amount="-1"), HistoryIncomplete, "that cannot be"),
        (_supply(reserve={}), HistoryIncomplete, "without a usable reserve.underlyingAsset"),
        (_supply(id="0x12:7"), HistoryIncomplete, "block:transaction:hash:log:log"),
        (_supply(id="99999999:0:0x12:7:0"), HistoryIncomplete, "sent one of 99999999"),
        (_errors("Type `Query` has no field `supplies`"), ConfigurationFault, "another schema"),
        (_errors("bad indexers: unavailable"), TransientFault, "bad indexers"),
        (lambda _: (429, {}), TransientFault, "HTTP 429"),
        (lambda _: (401, {}), ConfigurationFault, "check its URL and key"),
        (lambda _: {}, HistoryIncomplete, "without data"),
    ],
    ids=[
        *("behind", "gateway behind", "another block", "indexing errors", "no borrowing", "null", "order"),
        *("no number", "negative", "no reserve", "other id", "later block", "schema", "errors", "busy", "key", "empty"),
    ],
)
async def test_answer__when_wrong__then_an_error(
    played: Played, server: SubgraphServer, tamper: Tamper, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as refused:
        await _read(server, played, "edge", played.blocks["end"], tamper)
    assert "127.0.0.1" not in str(refused.value)


async def test_busy__when_it_passes__then_repeated_after_the_pause_that_it_asks_for(
    played: Played, server: SubgraphServer
) -> None:
    asked: list[float] = []

    def once(answer: dict[str, Any]) -> "dict[str, Any] | tuple[int, dict[str, str]]":
        asked.append(time.monotonic())
        return (429, {"Retry-After": "1"}) if len(asked) == 1 else answer

    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, once) == await _from_logs(played, "edge", at)
    assert asked[1] - asked[0] >= 1


async def test_rate__when_configured__then_queries_are_spaced(played: Played, server: SubgraphServer) -> None:
    client, at = SubgraphClient("aave-v3", server.url, requests_per_second=20), played.blocks["end"]
    wallet = played.wallet("newcomer")

    async def ask() -> None:
        values = {"wallet": wallet, "target": wallet}
        assert [page async for page in client.pages(QUERY_V3, values, at)] == []

    started = time.monotonic()
    try:
        await asyncio.gather(*(ask() for _ in range(7)))
    finally:
        await client.close()
    assert time.monotonic() - started >= 6 / 20


async def test_calls__when_a_history_is_read__then_those_of_the_api_are_counted_apart(
    played: Played, server: SubgraphServer
) -> None:
    at = played.blocks["end"]
    one, other = await asyncio.gather(_reading(server, played, "edge", at), _reading(server, played, "careful", at))
    assert one.api_calls + other.api_calls == server.queries["all"]
    assert min(one.api_calls, other.api_calls) > 1
    async with connected(played.chain.rpc_url) as web3:
        plain = await collect_counted(web3, played.configuration, played.wallet("edge"), at, Services())
    assert plain.api_calls == 0


class Kept:
    """A store of one wallet's findings."""

    def __init__(self) -> None:
        self._found: dict[str, Stored] = {}

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        return dict(self._found)

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        self._found |= found


async def test_history__when_read_again_from_the_subgraph__then_blocks_and_prices_are_remembered(
    played: Played, server: SubgraphServer
) -> None:
    client, at, wallet = _client(server), played.blocks["end"], played.wallet("edge")
    services = Services(subgraphs={"aave-v3": client}, store=Kept())
    try:
        async with connected(played.chain.rpc_url) as web3:
            early = await collect_counted(web3, played.configuration, wallet, played.blocks["crash"], services)
            cold = await collect_counted(web3, played.configuration, wallet, at, services)
            warm = await collect_counted(web3, played.configuration, wallet, at, services)
    finally:
        await client.close()
    assert early.history == await _from_logs(played, "edge", played.blocks["crash"])
    assert warm.history == cold.history == await _from_logs(played, "edge", at)
    events = cold.history.lending.event_count
    assert warm.rpc_calls < events < cold.rpc_calls
    # The subgraph is asked each time: what it held at the block before says nothing of this one.
    assert warm.api_calls == cold.api_calls > 0


MILLION = 10**6


@dataclass(frozen=True)
class Street:
    """Aave V2 and Venus with a user whose life in both had everything, at three moments of it."""

    town: Town
    user: LocalAccount
    markets: tuple[AaveV2Market, CompoundV2Market]
    servers: dict[str, SubgraphServer]
    moments: list[BlockRef]

    async def lending(self, at: BlockRef, *, from_subgraphs: bool) -> list[LendingHistory]:
        """Return the user's histories in both markets."""
        clients = {
            name: SubgraphClient(name, server.url, requests_per_second=1_000, page=2)
            for name, server in self.servers.items()
        }
        index = EventIndex(MemoryEventStore(), self.town.chain.chain_id)
        tools = Tools(self.town.reader, index, 1_000, clients if from_subgraphs else {})
        try:
            return [await lending_source(one, tools).read(to_address(self.user.address), at) for one in self.markets]
        finally:
            for client in clients.values():
                await client.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def street() -> AsyncIterator[Street]:
    async with town() as place:
        aave = await deploy_aave_v2(place.transactor, place.owner, place.market)
        venus = await deploy_venus(place.transactor, place.owner, place.market)
        user = await place.user("user of both", WETH=20 * ETHER)
        hunter = await place.user("hunter of both", USDC=20_000 * MILLION)
        for spender in (aave.pool, *venus.shares.values()):
            for token in ("WETH", "USDC"):
                for account in (user, hunter):
                    await place.transactor.call(
                        account, place.market.tokens[token], "approve", spender.address, 2**256 - 1
                    )
        moments = [await place.now(), await _borrow(place, aave, venus, user)]
        await _liquidate(place, aave, venus, user, hunter)
        moments.append(await place.now())
        feed = to_address(place.market.feeds.contracts["WETH"].address)
        provider, pool = to_address(aave.addresses_provider.address), to_address(aave.pool.address)
        comptroller = to_address(venus.comptroller.address)
        markets = (
            AaveV2Market("aave-v2", provider, pool, feed, aave.start_block),
            CompoundV2Market("venus", comptroller, venus.start_block),
        )
        first = serve(place.chain, await aave_entities(place.reader, V2, pool))
        second = serve(place.chain, await compound_v2_entities(place.reader, comptroller, moments[-1].hash))
        async with first, second:
            yield Street(place, user, markets, {"aave-v2": first, "venus": second}, moments)


async def _borrow(place: Town, aave: AaveV2, venus: Venus, user: LocalAccount) -> BlockRef:
    call, usdc, weth = place.transactor.call, place.token("USDC"), place.token("WETH")
    await call(user, aave.pool, "deposit", weth, 10 * ETHER, user.address, 0)
    await call(user, venus.comptroller, "enterMarkets", [venus.shares["WETH"].address])
    await call(user, venus.shares["WETH"], "mint", 10 * ETHER)
    for amount in (15_000, 5_000):
        await call(user, aave.pool, "borrow", usdc, amount * MILLION, 2, 0, user.address)
        await call(user, venus.shares["USDC"], "borrow", amount * MILLION)
    return await place.now()


async def _liquidate(place: Town, aave: AaveV2, venus: Venus, user: LocalAccount, hunter: LocalAccount) -> None:
    call, usdc, weth = place.transactor.call, place.token("USDC"), place.token("WETH")
    await call(user, aave.pool, "repay", usdc, 300 * MILLION, 2, user.address)
    await call(user, aave.pool, "withdraw", weth, ETHER // 10, user.address)
    await call(user, venus.shares["USDC"], "repayBorrow", 200 * MILLION)
    await call(user, venus.shares["WETH"], "redeemUnderlying", ETHER // 10)
    # A friend's repayment counts as one of the user's, a liquidator's does not.
    await call(hunter, venus.shares["USDC"], "repayBorrowBehalf", user.address, 100 * MILLION)
    await place.market.feeds.publish(place.transactor, "WETH", Decimal(2_000))
    await aave.publish(place.transactor, "USDC", ether_price_wei(Decimal(1), Decimal(2_000)))
    await venus.publish(place.transactor, "WETH", Decimal(2_000))
    await call(hunter, aave.pool, "liquidationCall", weth, usdc, user.address, 4_000 * MILLION, False)
    for amount in (3_000, 2_000):
        await call(
            hunter,
            venus.shares["USDC"],
            "liquidateBorrow",
            user.address,
            amount * MILLION,
            venus.shares["WETH"].address,
        )


async def test_aave_v2_and_compound_v2__when_from_their_subgraphs__then_that_of_the_logs(street: Street) -> None:
    read = [await street.lending(at, from_subgraphs=True) for at in street.moments]
    assert read == [await street.lending(at, from_subgraphs=False) for at in street.moments]
    assert all(server.queries["all"] for server in street.servers.values())
    assert read[0] == [LendingHistory(), LendingHistory()]
    sums = ("supplied_usd", "withdrawn_usd", "borrowed_usd", "repaid_usd", "liquidated_usd", "first_borrow_at")
    assert [name for name in sums for one in read[-1] if not getattr(one, name)] == []
    assert [one.liquidation_count for one in read[-1]] == [1, 2]
    # One dollar is 0.000333… ether: rounding in wei takes a hundredth of a micro-dollar.
    assert [one.repaid_usd for one in read[-1]] == [300 * USD - 1, 300 * USD]


async def test_compound_v2__when_a_liquidation_lacks_its_repayment__then_an_error(street: Street) -> None:
    def without(answer: dict[str, Any]) -> dict[str, Any]:
        return {"data": {**answer["data"], "repays": []}}

    venus = street.servers["venus"]
    before, venus.tamper = venus.tamper, without
    try:
        with pytest.raises(HistoryIncomplete, match="without its repayment"):
            await street.lending(street.moments[-1], from_subgraphs=True)
    finally:
        venus.tamper = before
