"""Rounds of a feed on a real chain: across phases, before its first answer, and on chains that moved."""

from typing import Any

import pytest
from eth_account import Account
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import project
from oracle.history.collect import build_sources
from oracle.history.configuration import CoinPriceFeed, HistoryConfiguration
from oracle.history.market.rounds import FeedRounds, realised_volatility_ppm
from oracle.history.reading.reader import ChainReader
from tests.support.played import block_at

DAY = 86_400
GENESIS = 1_750_000_000


@pytest.fixture
async def dated_chain() -> Any:
    async with Anvil(genesis_timestamp=GENESIS) as chain:
        await chain.set_balance(named_account("owner").address, 100 * ETHER)
        yield chain


async def test_rounds__when_feed_has_phases__then_each_moment_finds_the_answer_that_stood(dated_chain: Anvil) -> None:
    transactor, owner = Transactor(dated_chain), named_account("owner")
    feed = await transactor.deploy(owner, project("PriceFeed"), "ETH / USD", 100, at=GENESIS + 5 * DAY)
    published = [(GENESIS + 5 * DAY, 100)]
    for number in range(1, 60):
        at = GENESIS + 5 * DAY + number * 50_000
        function = "startPhase" if number in (20, 21, 45) else "push"
        await transactor.call(owner, feed, function, 100 + number, at=at)
        published.append((at, 100 + number))
    tip = await block_at(dated_chain, await dated_chain.block_number())
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(dated_chain.rpc_url))
    reader = ChainReader(web3)
    rounds = FeedRounds(reader, to_address(feed.address), tip.hash)
    moments = [tip.timestamp - hours * 3600 for hours in range(0, 24 * 41, 7)]
    found = await rounds.at(moments)
    expected = [max((point for point in published if point[0] <= moment), default=None) for moment in moments]
    assert [one and (one.updated_at, one.answer) for one in found] == expected
    assert expected.count(None) > 5
    # Each round is read once: fewer requests than rounds, whatever the number of moments.
    assert reader.requests <= len(published) + 12
    await web3.provider.disconnect()


@pytest.mark.parametrize(("age_days", "known"), [(1, False), (3, True)])
async def test_volatility__when_feed_is_young__then_absent_below_two_days(
    dated_chain: Anvil, age_days: int, known: bool
) -> None:
    transactor, owner = Transactor(dated_chain), named_account("owner")
    feed = await transactor.deploy(owner, project("PriceFeed"), "ETH / USD", 10**8, at=GENESIS + DAY)
    await transactor.call(owner, feed, "push", 11 * 10**7, at=GENESIS + DAY + age_days * DAY)
    tip = await block_at(dated_chain, await dated_chain.block_number())
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(dated_chain.rpc_url))
    configuration = HistoryConfiguration(dated_chain.chain_id, CoinPriceFeed(to_address(feed.address)))
    source = build_sources(ChainReader(web3), configuration).market
    market = await source.read(to_address(owner.address), tip)
    await web3.provider.disconnect()
    assert market.coin_price_usd == 11 * 10**7
    prices = [10**8] * age_days + [11 * 10**7]
    assert market.volatility_ppm == (realised_volatility_ppm(prices) if known else None)
    assert (market.token_prices_usd, market.total_value_locked_usd) == ({}, None)


async def test_market__when_feed_grows_stale__then_incomplete(dated_chain: Anvil) -> None:
    transactor, owner = Transactor(dated_chain), named_account("owner")
    feed = await transactor.deploy(owner, project("PriceFeed"), "ETH / USD", 10**8, at=GENESIS + DAY)
    await dated_chain.warp(27 * 3600)
    tip = await block_at(dated_chain, await dated_chain.block_number())
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(dated_chain.rpc_url))
    configuration = HistoryConfiguration(dated_chain.chain_id, CoinPriceFeed(to_address(feed.address)))
    with pytest.raises(HistoryIncomplete, match="is 97200 s old"):
        await build_sources(ChainReader(web3), configuration).market.read(to_address(owner.address), tip)
    await web3.provider.disconnect()


async def test_reads__when_block_was_reorganised_away__then_unavailable(chain: Anvil) -> None:
    transactor, owner = Transactor(chain), named_account("owner")
    await chain.set_balance(owner.address, ETHER)
    snapshot = await chain.snapshot()
    await transactor.send(owner, named_account("someone").address, value=1)
    gone = await block_at(chain, 1)
    await chain.revert(snapshot)
    await transactor.send(owner, named_account("someone").address, value=2, at=gone.timestamp + 5)
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.rpc_url))
    reader = ChainReader(web3)
    with pytest.raises(BlockUnavailable, match=f"expected {gone.hash}"):
        await reader.confirm(gone)
    with pytest.raises(BlockUnavailable):
        await reader.balance(to_address(owner.address), gone.hash)
    with pytest.raises(BlockUnavailable, match="does not know block"):
        await reader.block(gone.hash)
    await web3.provider.disconnect()


async def test_transactions__when_wallet_delegated_its_code__then_the_used_up_nonce_is_no_gap(chain: Anvil) -> None:
    wallet = named_account("delegator")
    await chain.set_balance(wallet.address, ETHER)
    authorization = wallet.sign_authorization(
        {"chainId": chain.chain_id, "address": named_account("code").address, "nonce": 1}
    )
    fields = {
        "type": 4,
        "chainId": chain.chain_id,
        "nonce": 0,
        "gas": 100_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "to": wallet.address,
        "value": 0,
        "data": "0x",
        "authorizationList": [authorization],
    }
    raw = Account.sign_transaction(fields, wallet.key).raw_transaction
    receipt = await chain.rpc("eth_sendRawTransactionSync", Web3.to_hex(raw))
    assert int(receipt["status"], 16) == 1
    tip = await block_at(chain, 1)
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(chain.rpc_url))
    reader, address = ChainReader(web3), to_address(wallet.address)
    assert await reader.nonce(address, tip.hash) == 2
    configuration = HistoryConfiguration(chain.chain_id, CoinPriceFeed(address))
    history = await build_sources(reader, configuration).transactions.read(address, tip)
    assert (history.sent_count, history.failed_count) == (1, 0)
    await web3.provider.disconnect()
