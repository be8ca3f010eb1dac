"""Builds the scenario's world: everything deployed on an empty chain, and no interest anywhere."""

from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import AAVE_V2, VENUS, Artifact, aave_v3, packaged, project
from oracle.devnet.protocols.aave import Aave, deploy_aave
from oracle.devnet.protocols.aave_v2 import AaveV2, deploy_aave_v2
from oracle.devnet.protocols.term_desks import deploy_desks
from oracle.devnet.protocols.uniswap import deploy_uniswap_v2, deploy_uniswap_v3
from oracle.devnet.protocols.uniswap_routers import deploy_later_routers
from oracle.devnet.protocols.vai import deploy_vai
from oracle.devnet.protocols.venus import Venus, deploy_venus
from oracle.devnet.scenario.world import MODE, World

_RAY: Final = 10**27
_OPTIMAL: Final = _RAY * 8 // 10
_OWNER_COINS: Final = 10_000_000


async def build_world(chain: Anvil) -> World:
    """Deploy everything on an empty chain."""
    transactor, owner = Transactor(chain), named_account("owner")
    await chain.set_balance(owner.address, _OWNER_COINS * ETHER)
    v3 = await deploy_aave(transactor, owner)
    v2 = await deploy_aave_v2(transactor, owner, v3)
    venus = await deploy_venus(transactor, owner, v3)
    vai = await deploy_vai(transactor, owner, venus)
    await _stop_interest(transactor, owner, v3, v2, venus)
    await _list_mode(transactor, owner, v3)
    second = await deploy_uniswap_v2(transactor, owner, v3)
    third = await deploy_uniswap_v3(transactor, owner, v3)
    routers = await deploy_later_routers(transactor, owner, v3, second, third)
    relayer = named_account("relayer")
    await chain.set_balance(relayer.address, _OWNER_COINS * ETHER)
    code = await transactor.deploy(owner, project("RelayedWallet"), relayer.address)
    desks = await deploy_desks(transactor, owner, v3)
    world = World(
        transactor,
        owner,
        v3,
        v2,
        venus,
        vai,
        second,
        third,
        routers,
        desks,
        relayer,
        code,
        clock=await chain.timestamp() + 1,
    )
    feed = to_address(v3.feeds.contracts["WETH"].address)
    deployed = next(sent for sent in transactor.sent if sent.created == feed)
    world.ether_prices.append((deployed.timestamp, v3.feeds.prices["WETH"]))
    return world


async def _stop_interest(transactor: Transactor, owner: LocalAccount, v3: Aave, v2: AaveV2, venus: Venus) -> None:
    flat = packaged(AAVE_V2, "protocol/lendingpool/DefaultReserveInterestRateStrategy")
    await _set_strategies(transactor, owner, v2, "getLendingPoolConfigurator", flat, _OPTIMAL, 0, 0, 0, 0, 0)
    flat = aave_v3("protocol/pool/DefaultReserveInterestRateStrategy")
    await _set_strategies(transactor, owner, v3, "getPoolConfigurator", flat, _OPTIMAL, 0, 0, 0, 0, 0, 0, 0, 0)
    model = await transactor.deploy(owner, packaged(VENUS, "JumpRateModel"), 0, 0, 0, ETHER)
    for share in venus.shares.values():
        await transactor.call(owner, share, "_setInterestRateModel", model.address)


async def _set_strategies(
    transactor: Transactor, owner: LocalAccount, market: Aave | AaveV2, getter: str, flat: Artifact, *rates: int
) -> None:
    provider = market.addresses_provider
    strategy = await transactor.deploy(owner, flat, provider.address, *rates)
    configurator = packaged(AAVE_V2, "protocol/lendingpool/LendingPoolConfigurator").at(
        await transactor.read(provider, getter)
    )
    for token in market.tokens.values():
        await transactor.call(
            owner, configurator, "setReserveInterestRateStrategyAddress", token.address, strategy.address
        )


async def _list_mode(transactor: Transactor, owner: LocalAccount, v3: Aave) -> None:
    configurator = aave_v3("protocol/pool/PoolConfigurator").at(
        await transactor.read(v3.addresses_provider, "getPoolConfigurator")
    )
    limits = (MODE.ltv, MODE.liquidation_threshold, MODE.bonus)
    await transactor.call(owner, configurator, "setEModeCategory", MODE.category, *limits, "0x" + "00" * 20, "coins")
    for symbol in sorted(MODE.symbols):
        token = v3.tokens[symbol].address
        await transactor.call(owner, configurator, "setAssetEModeCategory", token, MODE.category)
