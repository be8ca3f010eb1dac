"""Uniswap V2 and V3 as deployed on mainnet: swaps and liquidity of a wallet, and contracts that only pretend."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.history import ExchangeHistory
from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import UNISWAP_V2_CORE, waffled
from oracle.devnet.protocols.uniswap import NEVER, POOL_FEE, UniswapV2, UniswapV3, deploy_uniswap_v2, deploy_uniswap_v3
from oracle.devnet.protocols.uniswap_routers import deploy_later_routers
from oracle.history.collect import build_sources, read_history
from oracle.history.configuration import CoinPriceFeed, HistoryConfiguration
from oracle.history.exchanges.routers import routers_of
from oracle.history.exchanges.uniswap_v2 import UniswapV2Source
from oracle.history.exchanges.uniswap_v3 import UniswapV3Source
from oracle.history.markets import UniswapV2Exchange, UniswapV3Exchange
from oracle.history.reading.memory import Stored, WalletMemory
from oracle.history.reading.reader import ChainReader
from oracle.history.transactions.etherscan import EtherscanTransactionSource
from oracle.history.transactions.etherscan_client import EtherscanClient
from oracle.history.transactions.otterscan import TransactionSource
from tests.history.etherscan_server import KEY, EtherscanServer
from tests.history.lending import Town, address_of, town
from tests.history.test_compound_v2 import CountingProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

MILLION = 10**6


@dataclass(frozen=True)
class Bourse:
    """Both exchanges on one chain, and a source of each."""

    town: Town
    v2: UniswapV2
    v3: UniswapV3
    second_exchange: UniswapV2Exchange
    exchange: UniswapV3Exchange
    second: UniswapV2Source
    third: UniswapV3Source


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bourse() -> AsyncIterator[Bourse]:
    async with town() as place:
        v2 = await deploy_uniswap_v2(place.transactor, place.owner, place.market)
        v3 = await deploy_uniswap_v3(place.transactor, place.owner, place.market)
        second = UniswapV2Exchange(
            "uniswap-v2", to_address(v2.factory.address), v2.start_block, (to_address(v2.router.address),)
        )
        third = UniswapV3Exchange(
            "uniswap-v3",
            to_address(v3.factory.address),
            to_address(v3.manager.address),
            v3.start_block,
            (to_address(v3.router.address),),
        )
        yield Bourse(
            place,
            v2,
            v3,
            second,
            third,
            UniswapV2Source(place.reader, second, span_blocks=1_000),
            UniswapV3Source(place.reader, third, span_blocks=1_000),
        )


async def test_uniswap_v2__when_wallet_swaps_and_provides_liquidity__then_both_count(bourse: Bourse) -> None:
    place, call, router = bourse.town, bourse.town.transactor.call, bourse.v2.router
    user = await place.user("uniswap v2 user", WETH=10 * ETHER, USDC=20_000 * MILLION)
    weth, usdc = place.token("WETH"), place.token("USDC")
    for symbol in ("WETH", "USDC"):
        await call(user, place.market.tokens[symbol], "approve", router.address, 2**256 - 1)
    await call(user, router, "swapExactTokensForTokens", ETHER, 0, [weth, usdc], user.address, NEVER)
    await call(user, router, "swapExactTokensForTokens", 500 * MILLION, 0, [usdc, weth], user.address, NEVER)
    swapped = await place.now()
    amounts = (ETHER, 3_000 * MILLION, 0, 0)
    await call(user, router, "addLiquidity", weth, usdc, *amounts, user.address, NEVER)
    assert await bourse.second.read(address_of(user), await place.now()) == ExchangeHistory(
        swap_count=2, liquidity_count=1, open_positions=1, protocols=frozenset({"uniswap-v2"})
    )
    shares = await place.transactor.read(bourse.v2.pair, "balanceOf", user.address)
    await call(user, bourse.v2.pair, "approve", router.address, 2**256 - 1)
    await call(user, router, "removeLiquidity", weth, usdc, shares, 0, 0, user.address, NEVER)
    closed = await bourse.second.read(address_of(user), await place.now())
    assert (closed.liquidity_count, closed.removal_count, closed.open_positions) == (1, 1, 0)
    past = await bourse.second.read(address_of(user), swapped)
    assert (past.swap_count, past.liquidity_count, past.open_positions) == (2, 0, 0)


async def test_uniswap_v3__when_wallet_swaps_and_holds_positions__then_both_count(bourse: Bourse) -> None:
    place, call, exchange = bourse.town, bourse.town.transactor.call, bourse.v3
    user = await place.user("uniswap v3 user", WETH=10 * ETHER, USDC=20_000 * MILLION)
    weth, usdc = place.token("WETH"), place.token("USDC")
    for spender in (exchange.router, exchange.manager):
        for symbol in ("WETH", "USDC"):
            await call(user, place.market.tokens[symbol], "approve", spender.address, 2**256 - 1)
    swap = {
        "tokenIn": weth,
        "tokenOut": usdc,
        "fee": POOL_FEE,
        "recipient": user.address,
        "deadline": NEVER,
        "amountIn": ETHER,
        "amountOutMinimum": 0,
        "sqrtPriceLimitX96": 0,
    }
    await call(user, exchange.router, "exactInputSingle", swap)
    swapped = await place.now()
    parameters = exchange.mint_parameters(weth, ETHER, 3_000 * MILLION, user.address)
    for _ in range(2):
        await call(user, exchange.manager, "mint", parameters)
    assert await bourse.third.read(address_of(user), await place.now()) == ExchangeHistory(
        swap_count=1, liquidity_count=2, open_positions=2, protocols=frozenset({"uniswap-v3"})
    )
    token = await place.transactor.read(exchange.manager, "tokenOfOwnerByIndex", user.address, 0)
    position = await place.transactor.read(exchange.manager, "positions", token)
    emptied = {"tokenId": token, "liquidity": position[7], "amount0Min": 0, "amount1Min": 0, "deadline": NEVER}
    await call(user, exchange.manager, "decreaseLiquidity", emptied)
    emptied_one = await bourse.third.read(address_of(user), await place.now())
    assert (emptied_one.removal_count, emptied_one.open_positions) == (1, 1)
    assert (await bourse.third.read(address_of(user), swapped)).liquidity_count == 0


async def _trade_for_ether(bourse: Bourse, user: LocalAccount, other: LocalAccount) -> None:
    """Let a user swap dollars for ether three times at V2 and once at V3; what else it calls pays it no ether."""
    place, call, second, third = bourse.town, bourse.town.transactor.call, bourse.v2.router, bourse.v3.router
    weth, usdc = place.token("WETH"), place.token("USDC")
    for router in (second, third):
        await call(user, place.market.tokens["USDC"], "approve", router.address, 2**256 - 1)
    path, most = [usdc, weth], 10**12
    await call(user, second, "swapExactTokensForETH", 100 * MILLION, 0, path, user.address, NEVER)
    await call(user, second, "swapTokensForExactETH", ETHER // 100, most, path, user.address, NEVER)
    supporting = "swapExactTokensForETHSupportingFeeOnTransferTokens"
    await call(user, second, supporting, 100 * MILLION, 0, path, user.address, NEVER)
    await call(user, second, "swapExactTokensForETH", 100 * MILLION, 0, path, other.address, NEVER)
    await call(user, second, "swapExactTokensForETH", 100 * MILLION, ETHER, path, user.address, NEVER, fails=True)
    await call(user, second, "swapExactTokensForTokens", 100 * MILLION, 0, path, user.address, NEVER)
    for recipient in (user, other):
        await call(user, third, "multicall", _for_ether(bourse, recipient.address))
    await call(user, third, "multicall", [third.encode("unwrapWETH9", 0, user.address)])


def _for_ether(bourse: Bourse, recipient: str) -> list[str]:
    swap = {
        "tokenIn": bourse.town.token("USDC"),
        "tokenOut": bourse.town.token("WETH"),
        "fee": POOL_FEE,
        "recipient": "0x" + "00" * 20,  # the router's word for itself
        "deadline": NEVER,
        "amountIn": 100 * MILLION,
        "amountOutMinimum": 0,
        "sqrtPriceLimitX96": 0,
    }
    router = bourse.v3.router
    return [router.encode("exactInputSingle", swap), router.encode("unwrapWETH9", 0, recipient)]


async def test_routers__when_they_pay_in_ether__then_the_wallets_transactions_tell(bourse: Bourse) -> None:
    place = bourse.town
    user, other = await place.user("ether lover", USDC=30_000 * MILLION), await place.user("friend of it")
    await _trade_for_ether(bourse, user, other)
    at, kept = await place.now(), dict[str, Stored]()
    configuration = HistoryConfiguration(
        chain_id=place.chain.chain_id,
        coin_price_feed=CoinPriceFeed(to_address(place.market.feeds.contracts["WETH"].address)),
        exchanges=(bourse.second_exchange, bourse.exchange),
    )
    history = await read_history(place.reader, build_sources(place.reader, configuration), address_of(user), at)
    assert history.transactions.router_swaps == {"uniswap-v2": 3, "uniswap-v3": 1}
    # One more was paid to it in tokens.
    assert (history.exchanges.swap_count, history.exchanges.protocols) == (5, {"uniswap-v2", "uniswap-v3"})
    async with (
        EtherscanServer(place.chain) as server,
        EtherscanClient(server.url, place.chain.chain_id, key=KEY, requests_per_second=1_000) as client,
    ):
        routers = routers_of(configuration.exchanges)
        source = EtherscanTransactionSource(place.reader, client, routers=routers)
        assert await source.read(address_of(user), at) == history.transactions
    # A second read counts what came since on top of what was kept.
    for expected in (3, 4):
        at = await place.now()
        memory = WalletMemory(at, address_of(user), kept)
        reader = ChainReader(place.reader._web3, memory=memory)
        found = await TransactionSource(reader, page_size=5, routers=routers).read(address_of(user), at)
        assert found.router_swaps["uniswap-v2"] == expected
        kept |= memory.changed()
        path = [place.token("USDC"), place.token("WETH")]
        swap = (100 * MILLION, 0, path, user.address, NEVER)
        await place.transactor.call(user, bourse.v2.router, "swapExactTokensForETH", *swap)


async def test_router__when_of_another_exchange__then_refused(bourse: Bourse) -> None:
    wrong = replace(bourse.second_exchange, routers=(to_address(bourse.v3.router.address),))
    source = UniswapV2Source(bourse.town.reader, wrong, span_blocks=1_000)
    with pytest.raises(ConfigurationFault, match="trades with factory"):
        await source.read(address_of(bourse.town.owner), await bourse.town.now())


@pytest.mark.parametrize("place", ["universal_routers", "routers"])
async def test_router__when_it_tells_no_factory__then_refused_unless_it_is_a_universal_one(
    bourse: Bourse, place: str
) -> None:
    town_ = bourse.town
    later = await deploy_later_routers(town_.transactor, town_.owner, town_.market, bourse.v2, bourse.v3)
    universal = to_address(later.universal.address)
    named = replace(bourse.exchange, routers=(), universal_routers=())
    source = UniswapV3Source(town_.reader, replace(named, **{place: (universal,)}), span_blocks=1_000)
    if place == "universal_routers":
        assert await source.read(address_of(town_.owner), await town_.now())
        return
    with pytest.raises(ConfigurationFault, match="belongs into universal_routers"):
        await source.read(address_of(town_.owner), await town_.now())


async def test_router__when_it_is_not_there_yet__then_it_cannot_have_paid(bourse: Bourse) -> None:
    later = replace(bourse.second_exchange, routers=(Address("0x" + "ab" * 20),))
    source = UniswapV2Source(bourse.town.reader, later, span_blocks=1_000)
    assert await source.read(Address("0x" + "cd" * 20), await bourse.town.now()) == ExchangeHistory()


async def test_uniswap_v3__when_a_position_changes_hands__then_each_holder_has_what_happened_meanwhile(
    bourse: Bourse,
) -> None:
    place, call, manager = bourse.town, bourse.town.transactor.call, bourse.v3.manager
    first, second = [
        await place.user(f"uniswap v3 {name}", WETH=10 * ETHER, USDC=30_000 * MILLION) for name in ("giver", "taker")
    ]
    for user in (first, second):
        for symbol in ("WETH", "USDC"):
            await call(user, place.market.tokens[symbol], "approve", manager.address, 2**256 - 1)
    parameters = bourse.v3.mint_parameters(place.token("WETH"), ETHER, 3_000 * MILLION, first.address)
    await call(first, manager, "mint", parameters)
    token = await place.transactor.read(manager, "tokenOfOwnerByIndex", first.address, 0)
    more = {name: value for name, value in parameters.items() if name.startswith("amount") or name == "deadline"}
    less = {"tokenId": token, "liquidity": 10**6, "amount0Min": 0, "amount1Min": 0, "deadline": NEVER}
    collected = {"tokenId": token, "recipient": second.address, "amount0Max": 2**127, "amount1Max": 2**127}
    await call(first, manager, "increaseLiquidity", {"tokenId": token, **more})
    await call(first, manager, "decreaseLiquidity", less)
    await call(first, manager, "collect", collected)
    await call(first, manager, "transferFrom", first.address, second.address, token)
    moved = await place.now()
    await call(second, manager, "increaseLiquidity", {"tokenId": token, **more})
    # Anybody may add to a position; it is its holder that is credited.
    await call(first, manager, "increaseLiquidity", {"tokenId": token, **more})
    uniswap = frozenset({"uniswap-v3"})
    gave = ExchangeHistory(liquidity_count=2, removal_count=1, collect_count=1, protocols=uniswap)
    took = ExchangeHistory(liquidity_count=2, open_positions=1, protocols=uniswap)
    assert await bourse.third.read(address_of(first), await place.now()) == gave
    assert await bourse.third.read(address_of(second), await place.now()) == took
    # A position that was given, and nothing done with it, is no use of the exchange.
    assert await bourse.third.read(address_of(second), moved) == ExchangeHistory(open_positions=1)
    await call(second, manager, "transferFrom", second.address, first.address, token)
    await call(first, manager, "decreaseLiquidity", less)
    again = await bourse.third.read(address_of(first), await place.now())
    assert again == replace(gave, removal_count=2, open_positions=1)


async def test_uniswap_v3__when_read_again__then_only_new_blocks_are_asked_for(bourse: Bourse) -> None:
    place, call, manager = bourse.town, bourse.town.transactor.call, bourse.v3.manager
    user = await place.user("uniswap v3 regular", WETH=10 * ETHER, USDC=30_000 * MILLION)
    for symbol in ("WETH", "USDC"):
        await call(user, place.market.tokens[symbol], "approve", manager.address, 2**256 - 1)
    parameters = bourse.v3.mint_parameters(place.token("WETH"), ETHER, 3_000 * MILLION, user.address)
    kept: dict[str, Stored] = {}
    for round_ in range(3):
        await call(user, manager, "mint", parameters)
        at = await place.now()
        memory = WalletMemory(at, address_of(user), kept)
        provider = CountingProvider(place.chain.rpc_url)
        web3: AsyncWeb3[Any] = AsyncWeb3(provider)
        try:
            reader = ChainReader(web3, memory=memory)
            source = UniswapV3Source(reader, bourse.exchange, span_blocks=1_000_000)
            found = await source.read(address_of(user), at)
        finally:
            await web3.provider.disconnect()
        assert found == await bourse.third.read(address_of(user), at)
        assert found.liquidity_count == round_ + 1
        assert round_ == 0 or {first for first, _ in provider.ranges} == {at.number}
        kept |= memory.changed()


async def test_uniswap_v2__when_another_factorys_pair_logs_the_same__then_it_does_not_count(bourse: Bourse) -> None:
    place, call = bourse.town, bourse.town.transactor.call
    user = await place.user("uniswap forker", WETH=10 * ETHER, USDC=20_000 * MILLION)
    weth, usdc = place.market.tokens["WETH"], place.market.tokens["USDC"]
    factory = await place.transactor.deploy(user, waffled(UNISWAP_V2_CORE, "UniswapV2Factory"), user.address)
    await call(user, factory, "createPair", weth.address, usdc.address)
    address = await place.transactor.read(factory, "getPair", weth.address, usdc.address)
    pair = waffled(UNISWAP_V2_CORE, "UniswapV2Pair").at(address)
    await call(user, weth, "transfer", pair.address, ETHER)
    await call(user, usdc, "transfer", pair.address, 3_000 * MILLION)
    await call(user, pair, "mint", user.address)
    assert await place.transactor.read(pair, "balanceOf", user.address) > 0
    # Minted dollars are a credit from nobody as well, and no pair's.
    assert await bourse.second.read(address_of(user), await place.now()) == ExchangeHistory()
