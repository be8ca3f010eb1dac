"""From a settings file to what the daemon reads: every protocol's table reaches its source."""

from pathlib import Path

from sqlalchemy.ext.asyncio import async_sessionmaker

from oracle.assessment.request import to_address
from oracle.chain import rpc
from oracle.config.settings import AuditSettings, load_settings_of
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.protocols.beside_aave_v3 import deploy_protocols, protocol_settings
from oracle.devnet.protocols.uniswap import NEVER
from oracle.history.markets import CometMarket, MakerVaults
from oracle.pipeline.history import Histories, history_configuration
from oracle.pipeline.history_stores import PostgresEventStore
from oracle.store import database
from tests.history.lending import Town, address_of, town

_MILLION = 10**6
_HEAD = """[chain]
rpc_url = "{url}"
chain_id = {chain_id}
oracle = "0x{oracle}"

[history]
coin_price_feed = "{feed}"
coin_price_max_age_seconds = 0

"""
_BY_NAME_ONLY = """[[history.compound_v3]]
comet = "0x{0}"
unit_price_feed = "0x{1}"
start_block = 5

[[history.maker]]
manager = "0x{0}"
proxy_registry = "0x{1}"
vat = "0x{2}"
spotter = "0x{3}"
dog = "0x{4}"
start_block = 6
"""


def _settings(place: Town, folder: Path, tables: str) -> AuditSettings:
    file = folder / "settings.toml"
    feed = place.market.feeds.contracts["WETH"].address
    head = _HEAD.format(url=place.chain.rpc_url, chain_id=place.chain.chain_id, oracle="01" * 20, feed=feed)
    file.write_text(head + tables)
    return load_settings_of(AuditSettings, file, {})


async def test_settings__when_every_protocol_is_named__then_a_wallets_use_of_each_is_read(
    tmp_path: Path, database_url: str
) -> None:
    async with town() as place:
        protocols = await deploy_protocols(place.transactor, place.owner, place.market)
        settings = _settings(place, tmp_path, protocol_settings(protocols, place.market))
        user = await place.user("user of everything", WETH=9 * ETHER, USDC=9_000 * _MILLION)
        weth, usdc, call = place.token("WETH"), place.token("USDC"), place.transactor.call
        spenders = (protocols.aave_v2.pool, protocols.venus.shares["WETH"], protocols.uniswap_v2.router)
        for spender in spenders:
            await call(user, place.market.tokens["WETH"], "approve", spender.address, 2**256 - 1)
        await call(user, protocols.aave_v2.pool, "deposit", weth, 2 * ETHER, user.address, 0)
        await call(user, protocols.venus.shares["WETH"], "mint", ETHER)
        swap = (ETHER, 0, [weth, usdc], user.address, NEVER)
        await call(user, protocols.uniswap_v2.router, "swapExactTokensForTokens", *swap)
        path = [usdc, weth]
        await call(user, place.market.tokens["USDC"], "approve", protocols.uniswap_v2.router.address, 2**256 - 1)
        for_ether = (100 * _MILLION, 0, path, user.address, NEVER)
        await call(user, protocols.uniswap_v2.router, "swapExactTokensForETH", *for_ether)
        for symbol in ("WETH", "USDC"):
            manager = protocols.uniswap_v3.manager.address
            await call(user, place.market.tokens[symbol], "approve", manager, 2**256 - 1)
        position = protocols.uniswap_v3.mint_parameters(weth, ETHER, 3_000 * _MILLION, user.address)
        await call(user, protocols.uniswap_v3.manager, "mint", position)
        engine = database.connect(database_url, pool_size=5)
        await database.migrate(engine)
        w3 = rpc.connect((place.chain.rpc_url,), 20.0)
        events = PostgresEventStore(async_sessionmaker(engine, expire_on_commit=False))
        histories = Histories(w3, settings.history, place.chain.chain_id, events)
        market = to_address(protocols.venus.shares["WETH"].address)
        try:
            await histories.index_markets(await place.now())
            indexed = await events.cursor(place.chain.chain_id, market)
            history = (await histories.read(address_of(user), await place.now())).history
        finally:
            await histories.close()
            await w3.provider.disconnect()
            await engine.dispose()
    assert indexed is not None
    assert history.lending.protocols == {"aave-v2", "venus"}
    assert history.lending.supplied_usd == 9_000 * 10**8
    assert history.exchanges.protocols == {"uniswap-v2", "uniswap-v3"}
    assert (history.exchanges.swap_count, history.exchanges.open_positions) == (2, 1)
    assert history.transactions.router_swaps == {"uniswap-v2": 1}


async def test_settings__when_protocols_without_a_local_deployment__then_their_markets_as_written(
    tmp_path: Path,
) -> None:
    digits = [digit * 40 for digit in "12345"]
    async with town() as place:
        settings = _settings(place, tmp_path, _BY_NAME_ONLY.format(*digits))
    addresses = [to_address("0x" + one) for one in digits]
    assert history_configuration(settings.history, 1).lending == (
        CometMarket("compound-v3", addresses[0], addresses[1], 5),
        MakerVaults("maker", *addresses, 6),
    )
