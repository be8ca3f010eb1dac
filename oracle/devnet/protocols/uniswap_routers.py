"""Uniswap's later routers on the local chain: SwapRouter02, and the Universal Router that its site calls."""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from web3 import Web3

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.machinery.artifacts import (
    UNISWAP_SECOND_ROUTER,
    UNISWAP_UNIVERSAL_ROUTER,
    UNISWAP_V2_CORE,
    UNISWAP_V3_CORE,
    Deployed,
    packaged,
    waffled,
)
from oracle.devnet.protocols.aave import Aave
from oracle.devnet.protocols.uniswap import UniswapV2, UniswapV3

# What the Universal Router can reach besides (allowances by signature, the fourth generation, a bridge) is not here.
_NOT_HERE: Final = "0x" + "00" * 20


@dataclass(frozen=True)
class LaterRouters:
    """Both routers, over the pools of both generations."""

    second: Deployed
    universal: Deployed


async def deploy_later_routers(
    transactor: Transactor, owner: LocalAccount, market: Aave, v2: UniswapV2, v3: UniswapV3
) -> LaterRouters:
    """Deploy them for exchanges that stand."""
    factories, weth = (v2.factory.address, v3.factory.address), market.tokens["WETH"].address
    second = await transactor.deploy(
        owner, packaged(UNISWAP_SECOND_ROUTER, "SwapRouter02"), *factories, v3.manager.address, weth
    )
    codes = (
        waffled(UNISWAP_V2_CORE, "UniswapV2Pair").bytecode,
        packaged(UNISWAP_V3_CORE, "UniswapV3Pool").bytecode,
    )
    parameters = (
        _NOT_HERE,  # allowances
        weth,
        *factories,
        *(Web3.keccak(hexstr=code) for code in codes),  # from which the pools' addresses follow
        _NOT_HERE,  # the fourth generation's pools
        v3.manager.address,
        _NOT_HERE,  # the fourth generation's positions
        _NOT_HERE,  # a bridge
    )
    universal = await transactor.deploy(owner, packaged(UNISWAP_UNIVERSAL_ROUTER, "UniversalRouter"), parameters)
    return LaterRouters(second, universal)
