"""The real Aave V2, from the artifacts of its npm package, beside V3: the same tokens, prices in ether."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.machinery.artifacts import AAVE_V2, Artifact, Deployed, packaged, project
from oracle.devnet.protocols.aave import RESERVES, Aave, ReserveParameters, fund

_ZERO: Final = "0x" + "00" * 20
_RAY: Final = 10**27
_MINIMUM_LIQUIDITY_SHARE: Final = 4


@dataclass
class AaveV2:
    """A deployed market on the tokens of a V3 market; `prices_wei` are the newest answers in wei of ether."""

    owner: LocalAccount
    addresses_provider: Deployed
    pool: Deployed
    tokens: dict[str, Deployed]
    start_block: int
    feeds: dict[str, Deployed]
    prices_wei: dict[str, int] = field(default_factory=dict)

    async def publish(self, transactor: Transactor, symbol: str, wei: int, *, at: int | None = None) -> None:
        """Add a round to a token's feed; WETH is always worth one ether."""
        await transactor.call(self.owner, self.feeds[symbol], "push", wei, at=at)
        self.prices_wei[symbol] = wei


def ether_price_wei(price_usd: Decimal, ether_usd: Decimal) -> int:
    """Return a price in wei of ether, rounded down."""
    return int(price_usd * ETHER / ether_usd)


async def deploy_aave_v2(transactor: Transactor, owner: LocalAccount, v3: Aave) -> AaveV2:
    """Deploy the whole protocol on V3's tokens, and supply a quarter of V3's first liquidity from `owner`."""
    start_block = await transactor.chain.block_number() + 1
    ether_usd = next(reserve.price_usd for reserve in RESERVES if reserve.symbol == "WETH")
    feeds, prices = {}, {"WETH": ETHER}
    for reserve in RESERVES:
        if reserve.symbol != "WETH":
            prices[reserve.symbol] = ether_price_wei(reserve.price_usd, ether_usd)
            feeds[reserve.symbol] = await transactor.deploy(
                owner, project("PriceFeed"), f"{reserve.symbol} / ETH", prices[reserve.symbol]
            )
    provider = await transactor.deploy(owner, _artifact("configuration/LendingPoolAddressesProvider"), "Local Aave V2")
    await transactor.call(owner, provider, "setPoolAdmin", owner.address)
    await transactor.call(owner, provider, "setEmergencyAdmin", owner.address)
    oracle = await transactor.deploy(
        owner,
        packaged(AAVE_V2, "misc/AaveOracle"),
        [v3.tokens[symbol].address for symbol in feeds],
        [feed.address for feed in feeds.values()],
        _ZERO,
        v3.tokens["WETH"].address,
    )
    await transactor.call(owner, provider, "setPriceOracle", oracle.address)
    rates = await transactor.deploy(owner, packaged(AAVE_V2, "mocks/oracle/LendingRateOracle"))
    await transactor.call(owner, provider, "setLendingRateOracle", rates.address)
    pool, configurator = await _deploy_pool(transactor, owner, provider)
    for reserve in RESERVES:
        await _list_reserve(transactor, owner, provider, pool, configurator, v3.tokens[reserve.symbol], reserve)
    market = AaveV2(owner, provider, pool, v3.tokens, start_block, feeds, prices)
    for reserve in RESERVES:
        liquidity = reserve.liquidity // _MINIMUM_LIQUIDITY_SHARE
        await fund(transactor, v3, owner, reserve.symbol, liquidity)
        token = v3.tokens[reserve.symbol]
        await transactor.call(owner, token, "approve", pool.address, 2**256 - 1)
        await transactor.call(owner, pool, "deposit", token.address, liquidity, owner.address, 0)
    return market


async def _deploy_pool(transactor: Transactor, owner: LocalAccount, provider: Deployed) -> tuple[Deployed, Deployed]:
    libraries: dict[str, str] = {}
    for name in ("ReserveLogic", "GenericLogic", "ValidationLogic"):
        library = await transactor.deploy(owner, _artifact(f"libraries/logic/{name}"), libraries=libraries)
        libraries[name] = library.address
    pool, configurator = _artifact("lendingpool/LendingPool"), _artifact("lendingpool/LendingPoolConfigurator")
    implementation = await transactor.deploy(owner, pool, libraries=libraries)
    await transactor.call(owner, provider, "setLendingPoolImpl", implementation.address)
    implementation = await transactor.deploy(owner, configurator)
    await transactor.call(owner, provider, "setLendingPoolConfiguratorImpl", implementation.address)
    manager = await transactor.deploy(owner, _artifact("lendingpool/LendingPoolCollateralManager"))
    await transactor.call(owner, provider, "setLendingPoolCollateralManager", manager.address)
    return (
        pool.at(await transactor.read(provider, "getLendingPool")),
        configurator.at(await transactor.read(provider, "getLendingPoolConfigurator")),
    )


async def _list_reserve(
    transactor: Transactor,
    owner: LocalAccount,
    provider: Deployed,
    pool: Deployed,
    configurator: Deployed,
    token: Deployed,
    reserve: ReserveParameters,
) -> None:
    symbol = reserve.symbol
    place = (pool.address, token.address)
    implementations = [
        await _token(transactor, owner, "AToken", *place, owner.address, f"Aave {symbol}", f"a{symbol}"),
        await _token(transactor, owner, "StableDebtToken", *place, f"Aave stable debt {symbol}", f"sd{symbol}"),
        await _token(transactor, owner, "VariableDebtToken", *place, f"Aave variable debt {symbol}", f"vd{symbol}"),
    ]
    percent = _RAY // 100
    strategy = await transactor.deploy(
        owner,
        _artifact("lendingpool/DefaultReserveInterestRateStrategy"),
        provider.address,
        reserve.optimal_usage * percent,
        0,
        int(reserve.slope_below * percent),
        reserve.slope_above * percent,
        2 * percent,
        60 * percent,
    )
    asset = token.address
    await transactor.call(owner, configurator, "initReserve", *implementations, reserve.decimals, strategy.address)
    limits = (reserve.ltv, reserve.liquidation_threshold, reserve.bonus)
    await transactor.call(owner, configurator, "configureReserveAsCollateral", asset, *limits)
    await transactor.call(owner, configurator, "enableBorrowingOnReserve", asset, False)
    await transactor.call(owner, configurator, "setReserveFactor", asset, reserve.reserve_factor)


async def _token(transactor: Transactor, owner: LocalAccount, name: str, *arguments: Any) -> str:
    deployed = await transactor.deploy(owner, _artifact(f"tokenization/{name}"), *arguments, _ZERO)
    return deployed.address


def _artifact(path: str) -> Artifact:
    return packaged(AAVE_V2, f"protocol/{path}")
