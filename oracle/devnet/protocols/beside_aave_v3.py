"""The protocols beside Aave V3 on the local stack, and the settings that a daemon needs to read them."""

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.protocols.aave import Aave
from oracle.devnet.protocols.aave_v2 import AaveV2, deploy_aave_v2
from oracle.devnet.protocols.uniswap import UniswapV2, UniswapV3, deploy_uniswap_v2, deploy_uniswap_v3
from oracle.devnet.protocols.venus import Venus, deploy_venus


@dataclass(frozen=True)
class Protocols:
    """What stands on the tokens and feeds of an Aave V3 market."""

    aave_v2: AaveV2
    venus: Venus
    uniswap_v2: UniswapV2
    uniswap_v3: UniswapV3


async def deploy_protocols(transactor: Transactor, owner: LocalAccount, market: Aave) -> Protocols:
    """Deploy all of them, each with first liquidity from `owner`."""
    return Protocols(
        await deploy_aave_v2(transactor, owner, market),
        await deploy_venus(transactor, owner, market),
        await deploy_uniswap_v2(transactor, owner, market),
        await deploy_uniswap_v3(transactor, owner, market),
    )


def protocol_settings(protocols: Protocols, market: Aave) -> str:
    """Return the tables of the settings file that name them."""
    second, venus = protocols.aave_v2, protocols.venus
    swaps, pools = protocols.uniswap_v2, protocols.uniswap_v3
    return f"""[[history.aave_v2]]
addresses_provider = "{second.addresses_provider.address}"
pool = "{second.pool.address}"
base_price_feed = "{market.feeds.contracts["WETH"].address}"
start_block = {second.start_block}

[[history.compound_v2]]
name = "venus"
comptroller = "{venus.comptroller.address}"
start_block = {venus.start_block}

[[history.uniswap_v2]]
factory = "{swaps.factory.address}"
routers = ["{swaps.router.address}"]
start_block = {swaps.start_block}

[[history.uniswap_v3]]
factory = "{pools.factory.address}"
position_manager = "{pools.manager.address}"
routers = ["{pools.router.address}"]
start_block = {pools.start_block}
"""
