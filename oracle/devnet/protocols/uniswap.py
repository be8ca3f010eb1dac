"""The real Uniswap V2 and V3, from the artifacts of their npm packages, each with a pool of ether and dollars."""

import math
from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.machinery.artifacts import (
    UNISWAP_V2_CORE,
    UNISWAP_V2_PERIPHERY,
    UNISWAP_V3_CORE,
    UNISWAP_V3_PERIPHERY,
    Deployed,
    packaged,
    waffled,
)
from oracle.devnet.protocols.aave import Aave, fund

NEVER: Final = 2**255
POOL_FEE: Final = 3_000
_WIDEST_TICK: Final = 887_220
_WETH_LIQUIDITY: Final = 1_000 * ETHER
_USDC_LIQUIDITY: Final = 3_000_000 * 10**6
# Creating a pool deploys it.
_POOL_GAS: Final = 8_000_000
_ZERO: Final = "0x" + "00" * 20


@dataclass(frozen=True)
class UniswapV2:
    """A deployed exchange with a pair of WETH and USDC."""

    factory: Deployed
    router: Deployed
    pair: Deployed
    start_block: int


@dataclass(frozen=True)
class UniswapV3:
    """A deployed exchange with a pool of WETH and USDC, and the manager of positions."""

    factory: Deployed
    router: Deployed
    manager: Deployed
    tokens: tuple[str, str]
    start_block: int

    def mint_parameters(self, weth: str, weth_amount: int, usdc_amount: int, holder: str) -> dict[str, Any]:
        """Return the argument of the manager's `mint` for a position over the whole range."""
        amounts = (weth_amount, usdc_amount) if self.tokens[0] == weth else (usdc_amount, weth_amount)
        return {
            "token0": self.tokens[0],
            "token1": self.tokens[1],
            "fee": POOL_FEE,
            "tickLower": -_WIDEST_TICK,
            "tickUpper": _WIDEST_TICK,
            "amount0Desired": amounts[0],
            "amount1Desired": amounts[1],
            "amount0Min": 0,
            "amount1Min": 0,
            "recipient": holder,
            "deadline": NEVER,
        }


async def deploy_uniswap_v2(transactor: Transactor, owner: LocalAccount, market: Aave) -> UniswapV2:
    """Deploy factory and router, and the pair with its first liquidity from `owner`."""
    start_block = await transactor.chain.block_number() + 1
    weth, usdc = market.tokens["WETH"], market.tokens["USDC"]
    factory = await transactor.deploy(owner, waffled(UNISWAP_V2_CORE, "UniswapV2Factory"), owner.address)
    router = await transactor.deploy(
        owner, waffled(UNISWAP_V2_PERIPHERY, "UniswapV2Router02"), factory.address, weth.address
    )
    await _fund(transactor, market, owner, router)
    amounts = (_WETH_LIQUIDITY, _USDC_LIQUIDITY, 0, 0)
    await transactor.call(
        owner, router, "addLiquidity", weth.address, usdc.address, *amounts, owner.address, NEVER, gas=_POOL_GAS
    )
    pair = await transactor.read(factory, "getPair", weth.address, usdc.address)
    return UniswapV2(factory, router, waffled(UNISWAP_V2_CORE, "UniswapV2Pair").at(pair), start_block)


async def deploy_uniswap_v3(transactor: Transactor, owner: LocalAccount, market: Aave) -> UniswapV3:
    """Deploy factory, router and position manager, and the pool with its first liquidity from `owner`."""
    start_block = await transactor.chain.block_number() + 1
    weth, usdc = market.tokens["WETH"].address, market.tokens["USDC"].address
    factory = await transactor.deploy(owner, packaged(UNISWAP_V3_CORE, "UniswapV3Factory"))
    place = (factory.address, weth)
    router = await transactor.deploy(owner, packaged(UNISWAP_V3_PERIPHERY, "SwapRouter"), *place)
    manager = await transactor.deploy(
        owner, packaged(UNISWAP_V3_PERIPHERY, "NonfungiblePositionManager"), *place, _ZERO
    )
    first, second = sorted((weth, usdc), key=lambda token: int(token, 16))
    amounts = (_WETH_LIQUIDITY, _USDC_LIQUIDITY) if first == weth else (_USDC_LIQUIDITY, _WETH_LIQUIDITY)
    root_price = math.isqrt((amounts[1] << 192) // amounts[0])
    await transactor.call(
        owner, manager, "createAndInitializePoolIfNecessary", first, second, POOL_FEE, root_price, gas=_POOL_GAS
    )
    exchange = UniswapV3(factory, router, manager, (first, second), start_block)
    await _fund(transactor, market, owner, manager)
    parameters = exchange.mint_parameters(weth, _WETH_LIQUIDITY, _USDC_LIQUIDITY, owner.address)
    await transactor.call(owner, manager, "mint", parameters)
    return exchange


async def _fund(transactor: Transactor, market: Aave, owner: LocalAccount, spender: Deployed) -> None:
    for symbol, amount in (("WETH", _WETH_LIQUIDITY), ("USDC", _USDC_LIQUIDITY)):
        await fund(transactor, market, owner, symbol, amount)
        await transactor.call(owner, market.tokens[symbol], "approve", spender.address, 2**256 - 1)
