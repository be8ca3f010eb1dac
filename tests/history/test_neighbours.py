"""Bad neighbours on a real chain: a retired feed, a stranger's gifts, coins in a circle; nobody else is touched."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import WAD
from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.protocols.uniswap import NEVER, POOL_FEE, UniswapV2, UniswapV3, deploy_uniswap_v2, deploy_uniswap_v3
from oracle.history.collect import collect_history
from oracle.history.configuration import AaveV3Market, CoinPriceFeed, HistoryConfiguration
from oracle.history.lending.aave_v3 import AaveV3Source
from oracle.history.lending.aave_v3_reserves import AaveV3Reserves
from oracle.history.markets import UniswapV2Exchange, UniswapV3Exchange
from tests.history.lending import Town, address_of, town

pytestmark = pytest.mark.asyncio(loop_scope="module")

MILLION = 10**6
VARIABLE = 2
NOBODYS = "0x" + "00" * 20
SAYS_ZERO = AsyncWeb3.to_checksum_address("0x" + "5a" * 20)


@dataclass(frozen=True)
class Street:
    """Aave V3 and both exchanges on one chain."""

    town: Town
    market: AaveV3Market
    second: UniswapV2
    third: UniswapV3
    configuration: HistoryConfiguration

    async def history(self, wallet: Address) -> Any:
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(self.town.chain.rpc_url))
        try:
            return await collect_history(web3, self.configuration, wallet, await self.town.now())
        finally:
            await web3.provider.disconnect()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street() -> AsyncIterator[Street]:
    async with town() as place:
        second = await deploy_uniswap_v2(place.transactor, place.owner, place.market)
        third = await deploy_uniswap_v3(place.transactor, place.owner, place.market)
        provider, pool = place.market.addresses_provider, place.market.pool
        market = AaveV3Market(
            "aave-v3", to_address(provider.address), to_address(pool.address), place.market.start_block
        )
        configuration = HistoryConfiguration(
            chain_id=place.chain.chain_id,
            coin_price_feed=CoinPriceFeed(to_address(place.market.feeds.contracts["WETH"].address), None),
            aave_v3=(market,),
            exchanges=(
                UniswapV2Exchange(
                    "uniswap-v2",
                    to_address(second.factory.address),
                    second.start_block,
                    (to_address(second.router.address),),
                ),
                UniswapV3Exchange(
                    "uniswap-v3",
                    to_address(third.factory.address),
                    to_address(third.manager.address),
                    third.start_block,
                    (to_address(third.router.address),),
                ),
            ),
            token_prices=market,
        )
        yield Street(place, market, second, third, configuration)


async def test_diversity__when_a_stranger_supplies_mints_and_swaps_for_a_wallet__then_it_used_nothing(
    street: Street,
) -> None:
    place, call = street.town, street.town.transactor.call
    giver = await place.user("giver", WETH=50 * ETHER, USDC=90_000 * MILLION)
    wallet = await place.user("given to")
    pool, router, manager = place.market.pool, street.third.router, street.third.manager
    for spender in (pool, street.second.router, router, manager):
        for symbol in ("WETH", "USDC"):
            await call(giver, place.market.tokens[symbol], "approve", spender.address, 2**256 - 1)
    weth, usdc = place.token("WETH"), place.token("USDC")

    async def give(receiver: str) -> None:
        await call(giver, pool, "supply", weth, 1, receiver, 0)
        path, amounts = [weth, usdc], (ETHER // 2, 1_500 * MILLION, 0, 0)
        swap = (ETHER // 10, 0, path, receiver, NEVER)
        await call(giver, street.second.router, "swapExactTokensForTokens", *swap)
        await call(giver, street.second.router, "addLiquidity", weth, usdc, *amounts, receiver, NEVER)
        await call(giver, manager, "mint", street.third.mint_parameters(weth, ETHER, 3_000 * MILLION, receiver))
        parameters = {
            "tokenIn": weth,
            "tokenOut": usdc,
            "fee": POOL_FEE,
            "recipient": receiver,
            "deadline": NEVER,
            "amountIn": ETHER // 10,
            "amountOutMinimum": 0,
            "sqrtPriceLimitX96": 0,
        }
        await call(giver, router, "exactInputSingle", parameters)

    await give(wallet.address)
    found = await street.history(address_of(wallet))
    assert (found.lending.event_count, found.exchanges.swap_count, found.exchanges.liquidity_count) == (1, 2, 2)
    assert found.lending.protocols | found.exchanges.protocols == frozenset()
    await give(giver.address)
    own = await street.history(address_of(giver))
    assert own.lending.protocols | own.exchanges.protocols == {"aave-v3", "uniswap-v2", "uniswap-v3"}
    # What only the wallet can do tells as well.
    await call(wallet, pool, "withdraw", weth, 1, wallet.address)
    assert (await street.history(address_of(wallet))).lending.protocols == {"aave-v3"}


async def test_transactions__when_coins_go_in_a_circle__then_they_are_no_volume(street: Street) -> None:
    place = street.town
    wallet, friend = await place.user("in a circle"), await place.user("friend of the circle")
    for _ in range(5):
        await place.transactor.send(wallet, wallet.address, value=7 * ETHER)
    await place.transactor.send(wallet, friend.address, value=2 * ETHER)
    found = (await street.history(address_of(wallet))).transactions
    assert (found.sent_count, found.received_count) == (6, 0)
    assert (found.sent_wei, found.max_sent_wei, found.received_wei) == (2 * ETHER, 2 * ETHER, 0)
    assert (found.counterparties, found.first_received_at) == (1, None)


async def test_aave__when_all_is_borrowed_and_repaid_in_one_block__then_the_record_is_empty(street: Street) -> None:
    place, call = street.town, street.town.transactor.call
    wallet = await place.user("in one block", WETH=10 * ETHER, USDC=10 * MILLION)
    weth, usdc, pool = place.token("WETH"), place.token("USDC"), place.market.pool
    for token in ("WETH", "USDC"):
        await call(wallet, place.market.tokens[token], "approve", pool.address, 2**256 - 1)
    await call(wallet, pool, "supply", weth, 10 * ETHER, wallet.address, 0)
    await place.chain.rpc("evm_setAutomine", False)
    try:
        calls = (("borrow", usdc, 9_000 * MILLION, VARIABLE, 0), ("repay", usdc, 9_000 * MILLION, VARIABLE))
        nonce = int(await place.chain.rpc("eth_getTransactionCount", wallet.address, "latest"), 16)
        for offset, (name, *arguments) in enumerate(calls):
            data = pool.encode(name, *arguments, wallet.address)
            signed = wallet.sign_transaction(
                {
                    "chainId": place.chain.chain_id,
                    "nonce": nonce + offset,
                    "to": pool.address,
                    "value": 0,
                    "data": data,
                    "gas": 1_000_000,
                    "maxFeePerGas": 10**12,
                    "maxPriorityFeePerGas": 10**9,
                }
            )
            await place.chain.rpc("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex().removeprefix("0x"))
        await place.chain.rpc("evm_mine")
    finally:
        await place.chain.rpc("evm_setAutomine", True)
    found = (await street.history(address_of(wallet))).lending
    assert found.borrowed_usd == found.repaid_usd == found.returned_at_once_usd > 8_900 * 10**8
    assert (found.first_borrow_at, found.debt_usd) == (None, 0)
    assert found.protocols == {"aave-v3"}


async def test_aave__when_a_feed_is_retired__then_its_holders_are_declined_in_words_and_nobody_else(
    street: Street,
) -> None:
    place, call = street.town, street.town.transactor.call
    holder = await place.user("holder of the retired", WBTC=10**8)
    other = await place.user("holder of others", WETH=3 * ETHER)
    once = await place.user("held the retired once", WBTC=10**8)
    pool, oracle = place.market.pool, place.market.oracle
    for user, symbol, amount in ((holder, "WBTC", 10**8), (other, "WETH", 3 * ETHER), (once, "WBTC", 10**8)):
        await call(user, place.market.tokens[symbol], "approve", pool.address, 2**256 - 1)
        await call(user, pool, "supply", place.token(symbol), amount, user.address, 0)
    await call(once, pool, "withdraw", place.token("WBTC"), 2**256 - 1, once.address)
    reserves, source = (
        AaveV3Reserves(place.reader, street.market),
        AaveV3Source(place.reader, street.market, span_blocks=1_000),
    )
    before = await reserves.tokens(await place.now())
    await call(place.owner, oracle, "setAssetSources", [place.token("WBTC")], [NOBODYS])
    at = await place.now()
    with pytest.raises(HistoryIncomplete, match="no price"):
        await source.read(address_of(holder), at)
    assert (await source.read(address_of(other), at)).collateral_usd == 3 * before.prices_usd[_of(place, "WETH")]
    assert (await source.read(address_of(once), at)).supplied_usd == before.prices_usd[_of(place, "WBTC")]
    after = await reserves.tokens(at)
    assert after.unpriced == {_of(place, "WBTC")}
    assert after.prices_usd == {one: price for one, price in before.prices_usd.items() if one not in after.unpriced}
    assert before.deposits_usd is not None
    assert after.deposits_usd is not None
    assert 0 < after.deposits_usd < before.deposits_usd
    market = (await street.history(address_of(other))).market
    assert market.unpriced_tokens == after.unpriced
    assert market.coin_price_usd * WAD > 0
    # With another oracle behind it that says 0, the market counts what has no price as nothing.
    await place.chain.rpc("anvil_setCode", SAYS_ZERO, "0x60005f5260205ff3")
    await call(place.owner, oracle, "setFallbackOracle", SAYS_ZERO)
    at = await place.now()
    account = await place.transactor.read(pool, "getUserAccountData", holder.address)
    assert account[0] == 0
    with pytest.raises(HistoryIncomplete, match="no price"):
        await source.read(address_of(holder), at)
    assert (await source.read(address_of(once), at)).collateral_usd == 0


def _of(place: Town, symbol: str) -> Address:
    return to_address(place.token(symbol))
