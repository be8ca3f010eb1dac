"""Aave V2, deployed as on mainnet: what the source reads equals what the users did, in dollars of that moment."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.protocols.aave_v2 import AaveV2, deploy_aave_v2, ether_price_wei
from oracle.history.lending.aave_v2 import BORROW, AaveV2Source
from oracle.history.markets import AaveV2Market
from oracle.history.reading.reader import ChainReader
from tests.history.lending import Town, address_of, town

pytestmark = pytest.mark.asyncio(loop_scope="module")

MILLION = 10**6
VARIABLE = 2


@dataclass(frozen=True)
class Pool:
    """The market and a source of it."""

    town: Town
    v2: AaveV2
    market: AaveV2Market

    @property
    def source(self) -> AaveV2Source:
        return AaveV2Source(self.town.reader, self.market, span_blocks=1_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    async with town() as place:
        v2 = await deploy_aave_v2(place.transactor, place.owner, place.market)
        market = AaveV2Market(
            "aave-v2",
            to_address(v2.addresses_provider.address),
            to_address(v2.pool.address),
            to_address(place.market.feeds.contracts["WETH"].address),
            v2.start_block,
        )
        yield Pool(place, v2, market)


async def test_aave_v2__when_user_lends_and_repays__then_sums_are_dollars_at_each_event(pool: Pool) -> None:
    place, call = pool.town, pool.town.transactor.call
    user = await place.user("aave v2 user", WETH=10 * ETHER)
    weth, usdc = place.token("WETH"), place.token("USDC")
    before = await place.now()
    for token in ("WETH", "USDC"):
        await call(user, place.market.tokens[token], "approve", pool.v2.pool.address, 2**256 - 1)
    await call(user, pool.v2.pool, "deposit", weth, 10 * ETHER, user.address, 0)
    await call(user, pool.v2.pool, "borrow", usdc, 12_000 * MILLION, VARIABLE, 0, user.address)
    borrowed = await place.now()
    await place.market.feeds.publish(place.transactor, "WETH", Decimal(4_000))
    await pool.v2.publish(place.transactor, "USDC", ether_price_wei(Decimal(1), Decimal(4_000)))
    await call(user, pool.v2.pool, "repay", usdc, 2_000 * MILLION, VARIABLE, user.address)
    await call(user, pool.v2.pool, "withdraw", weth, ETHER, user.address)
    history = await pool.source.read(address_of(user), await place.now())
    assert (history.supplied_usd, history.withdrawn_usd) == (30_000 * USD, 4_000 * USD)
    # One dollar is 0.000333… ether: rounding in wei takes a hundredth of a micro-dollar.
    assert history.borrowed_usd == 12_000 * USD - 1
    assert history.repaid_usd == 2_000 * USD
    assert (history.event_count, history.first_borrow_at) == (4, borrowed.timestamp)
    assert history.collateral_usd == 36_000 * USD
    assert history.debt_usd == pytest.approx(10_000 * USD, rel=1e-6)
    assert history.health_factor_wad == pytest.approx(36_000 * 83 * WAD // 1_000_000, rel=1e-5)
    assert history.protocols == {"aave-v2"}
    past = await pool.source.read(address_of(user), borrowed)
    assert (past.borrowed_usd, past.repaid_usd, past.event_count) == (history.borrowed_usd, 0, 2)
    assert past.collateral_usd == 30_000 * USD
    assert await pool.source.read(address_of(user), before) == LendingHistory()
    await place.market.feeds.publish(place.transactor, "WETH", Decimal(3_000))
    await pool.v2.publish(place.transactor, "USDC", ether_price_wei(Decimal(1), Decimal(3_000)))


async def test_aave_v2__when_liquidated__then_counts_the_collateral_that_went(pool: Pool) -> None:
    place, call = pool.town, pool.town.transactor.call
    user = await place.user("aave v2 victim", WETH=10 * ETHER)
    hunter = await place.user("aave v2 hunter", USDC=20_000 * MILLION)
    weth, usdc = place.token("WETH"), place.token("USDC")
    await call(user, place.market.tokens["WETH"], "approve", pool.v2.pool.address, 2**256 - 1)
    await call(hunter, place.market.tokens["USDC"], "approve", pool.v2.pool.address, 2**256 - 1)
    await call(user, pool.v2.pool, "deposit", weth, 10 * ETHER, user.address, 0)
    await call(user, pool.v2.pool, "borrow", usdc, 24_000 * MILLION, VARIABLE, 0, user.address)
    await place.market.feeds.publish(place.transactor, "WETH", Decimal(2_500))
    await pool.v2.publish(place.transactor, "USDC", ether_price_wei(Decimal(1), Decimal(2_500)))
    await call(hunter, pool.v2.pool, "liquidationCall", weth, usdc, user.address, 6_000 * MILLION, False)
    history = await pool.source.read(address_of(user), await place.now())
    assert history.liquidation_count == 1
    assert history.liquidated_usd == pytest.approx(6_300 * USD, abs=10)
    assert history.repaid_usd == 0
    hunted = await pool.source.read(address_of(hunter), await place.now())
    assert hunted == LendingHistory()


class Forgetful(AsyncHTTPProvider):
    """A provider that leaves the first few logs of borrowing out of its answers."""

    def __init__(self, url: str, forgotten: int) -> None:
        super().__init__(url)
        self._forgotten = forgotten

    async def make_request(self, method: Any, params: Any) -> Any:
        answer = await super().make_request(method, params)
        if method == "eth_getLogs":
            places = [place for place, log in enumerate(answer["result"]) if log["topics"][0] == BORROW.topic]
            for place in reversed(places[: self._forgotten]):
                del answer["result"][place]
        return answer


async def test_aave_v2__when_the_borrowing_of_a_debt_that_is_gone_is_left_out__then_a_gap(pool: Pool) -> None:
    place, call = pool.town, pool.town.transactor.call
    user = await place.user("aave v2 debtor of before", WETH=10 * ETHER, USDC=100 * MILLION)
    weth, usdc = place.token("WETH"), place.token("USDC")
    for token in ("WETH", "USDC"):
        await call(user, place.market.tokens[token], "approve", pool.v2.pool.address, 2**256 - 1)
    await call(user, pool.v2.pool, "deposit", weth, 10 * ETHER, user.address, 0)
    for _ in range(2):
        await call(user, pool.v2.pool, "borrow", usdc, 1_000 * MILLION, VARIABLE, 0, user.address)
        await call(user, pool.v2.pool, "repay", usdc, 2**256 - 1, VARIABLE, user.address)
    at = await place.now()
    told = await pool.source.read(address_of(user), at)
    assert (told.debt_usd, told.event_count) == (0, 5)
    for forgotten in (2, 1):
        provider = Forgetful(place.chain.rpc_url, forgotten)
        reader = ChainReader(AsyncWeb3(provider))
        try:
            with pytest.raises(HistoryIncomplete, match=r"paid back in block \d+, but there is no event of borrowing"):
                await AaveV2Source(reader, pool.market, span_blocks=1_000).read(address_of(user), at)
        finally:
            await provider.disconnect()


async def test_aave_v2__when_asked_before_its_start__then_nothing(pool: Pool) -> None:
    late = replace(pool.market, start_block=10**9)
    source = AaveV2Source(pool.town.reader, late, span_blocks=1_000)
    assert await source.read(address_of(pool.town.owner), await pool.town.now()) == LendingHistory()
