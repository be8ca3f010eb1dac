"""What the sources read from the chain equals what the wallets were ordered to do, now and at past blocks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN, BlockRef, LoanTerms, to_address
from oracle.history.collect import build_sources, collect_history, read_history
from oracle.history.configuration import CoinPriceFeed, TermLender
from oracle.history.reading.reader import ChainReader
from tests.history.ledger_history import (
    expected_lending,
    expected_price,
    expected_term_loans,
    expected_transactions,
    expected_volatility,
)
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")

WALLETS = ("careful", "edge", "liquidated", "newcomer", "phishing", "trader", "late")
MOMENTS = ("early", "crash", "end")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncWeb3[Any]]:
    """Give a plain client of an endpoint."""
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(url))
    yield web3
    await web3.provider.disconnect()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web3(played: Played) -> AsyncIterator[AsyncWeb3[Any]]:
    async with connected(played.chain.rpc_url) as client:
        yield client


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", WALLETS)
async def test_history__when_read__then_equals_the_scenarios_ledger(
    played: Played, web3: AsyncWeb3[Any], name: str, moment: str
) -> None:
    wallet, at = played.wallet(name), played.blocks[moment]
    history = await collect_history(web3, played.configuration, wallet, at)
    expected = expected_lending(played.scenario, wallet, at.number, "aave-v3")
    # A liquidation's amounts are rounded in token units on the chain.
    assert history.lending.liquidated_usd == pytest.approx(expected.liquidated_usd, abs=10)
    positions = ("collateral_usd", "debt_usd", "health_factor_wad", "liquidated_usd")
    same = {field: getattr(expected, field) for field in positions}
    assert replace(history.lending, **same) == expected
    assert history.term_loans == expected_term_loans(played.scenario, wallet, at.number, "smart-lending")
    transactions = expected_transactions(played.scenario, wallet, at.number)
    if name == "late":
        # Loans are paid out, and collateral comes back, by the contract: no transaction of anybody's.
        balance = int(await played.chain.rpc("eth_getBalance", wallet, hex(at.number)), 16)
        transactions = replace(transactions, balance_wei=balance)
    assert history.transactions == transactions
    assert history.social.verifications == ({"ens", "personhood", "developer"} if name == "careful" else set())
    assert (history.chain_id, history.wallet, history.block) == (played.chain.chain_id, wallet, at)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_market__when_read__then_equals_the_published_prices(
    played: Played, web3: AsyncWeb3[Any], moment: str
) -> None:
    at = played.blocks[moment]
    market = (await collect_history(web3, played.configuration, played.wallet("newcomer"), at)).market
    price = expected_price(played.scenario, "WETH", at.timestamp)
    assert price is not None
    assert market.coin_price_usd == price
    assert market.volatility_ppm == pytest.approx(expected_volatility(played.scenario, at) * 1e6, abs=1)
    assert market.base_fee_wei == 12 * 10**9
    tokens = {symbol: to_address(token.address) for symbol, token in played.market.tokens.items()}
    assert market.token_prices_usd == {
        tokens["WETH"]: price,
        tokens["USDC"]: 1 * USD,
        tokens["WBTC"]: 60_000 * USD,
    }
    assert market.token_decimals == {tokens["WETH"]: 18, tokens["USDC"]: 6, tokens["WBTC"]: 8}
    # The owner's first deposits, and the wallets' on top.
    assert market.total_value_locked_usd is not None
    first_deposits = 4_000 * price + (12_000_000 + 6_000_000) * USD
    assert first_deposits < market.total_value_locked_usd < first_deposits * 102 // 100


async def test_positions__when_read__then_stories_are_true(played: Played, web3: AsyncWeb3[Any]) -> None:
    at = played.blocks["end"]
    histories = {name: await collect_history(web3, played.configuration, played.wallet(name), at) for name in WALLETS}
    assert histories["careful"].lending.health_factor_wad > 10 * WAD
    edge = histories["edge"].lending
    assert 1.05 * WAD < edge.health_factor_wad < 1.15 * WAD
    # 50 WETH and half a WBTC; 134,000 USDC were never paid back, and interest runs.
    assert edge.collateral_usd == pytest.approx(180_000 * USD, rel=1e-4)
    assert 134_000 * USD < edge.debt_usd < 136_000 * USD
    assert edge.protocols == {"aave-v3"}
    liquidated = histories["liquidated"].lending
    assert liquidated.liquidation_count == 2
    assert histories["newcomer"].lending == LendingHistory()
    assert histories["late"].term_loans.repaid_late == 2
    assert histories["late"].term_loans.lenders == {"smart-lending"}
    phishing = histories["phishing"].transactions
    assert phishing.senders == 49
    assert phishing.recipients == 2
    assert phishing.balance_wei < phishing.received_wei // 50


async def test_position__when_block_is_the_crash__then_health_factor_is_that_of_the_moment(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    before = await played.block(played.blocks["crash"].number - 1)
    history = await collect_history(web3, played.configuration, played.wallet("liquidated"), before)
    assert history.lending.liquidation_count == 0
    # 10 WETH at 2,200 USD and a threshold of 83 % against 19,000 USD and a little interest.
    assert history.lending.collateral_usd == pytest.approx(22_000 * USD, rel=1e-3)
    assert history.lending.health_factor_wad == pytest.approx(int(0.96 * WAD), rel=0.01)


async def test_history__when_read_twice_and_later__then_identical(played: Played, web3: AsyncWeb3[Any]) -> None:
    wallet, at = played.wallet("edge"), played.blocks["crash"]
    first = await collect_history(web3, played.configuration, wallet, at)
    narrow = replace(played.configuration, logs_span_blocks=17, transactions_page=3)
    assert await collect_history(web3, narrow, wallet, at) == first
    loan = LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 2 * 10**18, 30 * 86_400)
    assert engineer(first, loan).encoded == engineer(await collect_history(web3, narrow, wallet, at), loan).encoded


async def test_transactions__when_more_than_a_page__then_pages_are_asked_until_the_first(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    at, wallet = played.blocks["end"], played.wallet("edge")
    reader = ChainReader(web3)
    source = build_sources(reader, replace(played.configuration, transactions_page=25)).transactions
    history = await source.read(wallet, at)
    assert history.sent_count + history.received_count > 4 * 25
    # Nonce and balance are two more requests.
    assert reader.requests - 2 >= 5
    assert history == expected_transactions(played.scenario, wallet, at.number)


async def test_transactions__when_wallet_is_a_contract__then_its_creations_are_no_gap(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    feed = to_address(played.market.feeds.contracts["WETH"].address)
    source = build_sources(ChainReader(web3), played.configuration).transactions
    history = await source.read(feed, played.blocks["end"])
    assert (history.sent_count, history.received_count) == (0, 0)


async def test_history__when_hash_is_another_blocks__then_refused(played: Played, web3: AsyncWeb3[Any]) -> None:
    at = played.blocks["end"]
    wrong = BlockRef(at.number, played.blocks["crash"].hash, at.timestamp)
    with pytest.raises(BlockUnavailable, match=f"block {at.number} is {at.hash} on the node, expected {wrong.hash}"):
        await collect_history(web3, played.configuration, played.wallet("edge"), wrong)


async def test_history__when_block_is_not_there_yet__then_refused(played: Played, web3: AsyncWeb3[Any]) -> None:
    future = BlockRef(10**6, "0x" + "11" * 32, 2_000_000_000)
    with pytest.raises(BlockUnavailable, match="has no block 1000000 yet"):
        await collect_history(web3, played.configuration, played.wallet("edge"), future)


async def test_history__when_time_is_not_the_blocks__then_refused(played: Played, web3: AsyncWeb3[Any]) -> None:
    at = replace(played.blocks["end"], timestamp=1)
    with pytest.raises(HistoryIncomplete, match="the request says 1"):
        await collect_history(web3, played.configuration, played.wallet("edge"), at)


async def test_history__when_block_is_older_than_protocols__then_they_are_empty(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    before_aave = await played.block(played.configuration.aave_v3[0].start_block - 1)
    sources = build_sources(ChainReader(web3), played.configuration)
    assert await sources.lending[0].read(played.wallet("edge"), before_aave) == LendingHistory()
    assert await sources.term_loans[0].read(played.wallet("late"), before_aave) == TermLoanHistory()


async def test_history__when_pool_address_has_no_code__then_configuration_fault_names_it(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    nowhere = to_address("0x" + "ab" * 20)
    broken = replace(played.configuration, aave_v3=(replace(played.configuration.aave_v3[0], pool=nowhere),))
    with pytest.raises(ConfigurationFault, match=nowhere):
        await collect_history(web3, broken, played.wallet("edge"), played.blocks["end"])


async def test_history__when_provider_is_another_contract__then_configuration_fault(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    aave = played.configuration.aave_v3[0]
    broken = replace(played.configuration, aave_v3=(replace(aave, addresses_provider=aave.pool),))
    with pytest.raises(ConfigurationFault, match="reverted"):
        await collect_history(web3, broken, played.wallet("edge"), played.blocks["end"])


async def test_market__when_price_is_older_than_allowed__then_incomplete(played: Played, web3: AsyncWeb3[Any]) -> None:
    at = await played.block(played.blocks["end"].number)
    feed = CoinPriceFeed(played.configuration.coin_price_feed.address, max_age_seconds=0)
    stale = replace(played.configuration, coin_price_feed=feed)
    with pytest.raises(HistoryIncomplete, match=r"expected at most 0 s: wait for its next round"):
        await collect_history(web3, stale, played.wallet("newcomer"), at)


async def test_term_loans__when_start_block_is_after_the_payout__then_incomplete(
    played: Played, web3: AsyncWeb3[Any]
) -> None:
    wallet = played.wallet("late")
    taken = next(deed.block for deed in played.scenario.ledger.deeds if deed.kind == "loan taken")
    lender = TermLender("smart-lending", to_address(played.lender.lending.address), taken + 1)
    late_start = replace(played.configuration, term_lenders=(lender,))
    with pytest.raises(HistoryIncomplete, match="set an earlier start block"):
        await collect_history(web3, late_start, wallet, played.blocks["end"])


async def test_requests__when_wallet_is_short_of_history__then_few(played: Played, web3: AsyncWeb3[Any]) -> None:
    reader = ChainReader(web3)
    await read_history(
        reader, build_sources(reader, played.configuration), played.wallet("newcomer"), played.blocks["end"]
    )
    assert reader.requests < 120
