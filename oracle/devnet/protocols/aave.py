"""The real Aave V3, from the artifacts of its npm package: three reserves with parameters as on mainnet."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.machinery.artifacts import Deployed, aave_v3
from oracle.devnet.protocols.feeds import PriceFeeds, deploy_feeds

_ZERO: Final = "0x" + "00" * 20
_RAY: Final = 10**27
_BASE_CURRENCY_UNIT: Final = 10**8
_LIBRARIES: Final = ("SupplyLogic", "BorrowLogic", "LiquidationLogic", "EModeLogic", "BridgeLogic", "PoolLogic")


@dataclass(frozen=True, slots=True)
class ReserveParameters:
    """One reserve: thresholds in basis points (`bonus` above 10,000), rates in percent a year."""

    symbol: str
    decimals: int
    price_usd: Decimal
    ltv: int
    liquidation_threshold: int
    bonus: int
    reserve_factor: int
    optimal_usage: int
    slope_below: Decimal
    slope_above: int
    liquidity: int


RESERVES: Final = (
    ReserveParameters("WETH", 18, Decimal(3000), 8050, 8300, 10500, 1500, 80, Decimal("3.3"), 80, 4_000 * ETHER),
    ReserveParameters("USDC", 6, Decimal(1), 7700, 8000, 10450, 1000, 90, Decimal("4"), 60, 12_000_000 * 10**6),
    ReserveParameters("WBTC", 8, Decimal(60000), 7300, 7800, 10500, 2000, 45, Decimal("4"), 300, 100 * 10**8),
)
LIQUIDATION_PROTOCOL_FEE_BPS: Final = 1000


@dataclass(frozen=True)
class Aave:
    """A deployed market: `tokens` by symbol, `start_block` is the first block it stood at."""

    addresses_provider: Deployed
    pool: Deployed
    oracle: Deployed
    data_provider: Deployed
    tokens: dict[str, Deployed]
    feeds: PriceFeeds
    start_block: int

    @property
    def parameters(self) -> dict[str, ReserveParameters]:
        """The reserves' parameters by symbol."""
        return {reserve.symbol: reserve for reserve in RESERVES}


async def deploy_aave(transactor: Transactor, owner: LocalAccount) -> Aave:
    """Deploy tokens, price feeds and the whole protocol, and supply each reserve's first liquidity from `owner`.

    About 70 transactions; `owner` needs 5,000 coins and stays administrator of everything.
    """
    start_block = await transactor.chain.block_number() + 1
    tokens = await _deploy_tokens(transactor, owner)
    feeds = await deploy_feeds(transactor, owner, {reserve.symbol: reserve.price_usd for reserve in RESERVES})
    provider = await transactor.deploy(
        owner, aave_v3("protocol/configuration/PoolAddressesProvider"), "Local Aave V3", owner.address
    )
    await transactor.call(owner, provider, "setACLAdmin", owner.address)
    roles = await transactor.deploy(owner, aave_v3("protocol/configuration/ACLManager"), provider.address)
    await transactor.call(owner, provider, "setACLManager", roles.address)
    for role in ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin", "addEmergencyAdmin"):
        await transactor.call(owner, roles, role, owner.address)
    oracle = await transactor.deploy(
        owner,
        aave_v3("misc/AaveOracle"),
        provider.address,
        [tokens[reserve.symbol].address for reserve in RESERVES],
        [feeds.contracts[reserve.symbol].address for reserve in RESERVES],
        _ZERO,
        _ZERO,
        _BASE_CURRENCY_UNIT,
    )
    await transactor.call(owner, provider, "setPriceOracle", oracle.address)
    pool, configurator = await _deploy_pool(transactor, owner, provider)
    data_provider = await transactor.deploy(owner, aave_v3("misc/AaveProtocolDataProvider"), provider.address)
    await transactor.call(owner, provider, "setPoolDataProvider", data_provider.address)
    await _list_reserves(transactor, owner, provider, pool, configurator, tokens)
    market = Aave(provider, pool, oracle, data_provider, tokens, feeds, start_block)
    for reserve in RESERVES:
        await fund(transactor, market, owner, reserve.symbol, reserve.liquidity)
        await transactor.call(owner, tokens[reserve.symbol], "approve", pool.address, 2**256 - 1)
        await transactor.call(
            owner, pool, "supply", tokens[reserve.symbol].address, reserve.liquidity, owner.address, 0
        )
    return market


async def fund(
    transactor: Transactor, market: Aave, holder: LocalAccount, symbol: str, amount: int, *, at: int | None = None
) -> None:
    """Let a holder get tokens the way they come to be: wrap coins for WETH, mint the others."""
    token = market.tokens[symbol]
    if symbol == "WETH":
        await transactor.call(holder, token, "deposit", value=amount, at=at)
    else:
        await transactor.call(holder, token, "mint(address,uint256)", holder.address, amount, at=at)


async def _deploy_tokens(transactor: Transactor, owner: LocalAccount) -> dict[str, Deployed]:
    tokens = {}
    for reserve in RESERVES:
        if reserve.symbol == "WETH":
            tokens["WETH"] = await transactor.deploy(owner, aave_v3("dependencies/weth/WETH9"))
        else:
            tokens[reserve.symbol] = await transactor.deploy(
                owner, aave_v3("mocks/tokens/MintableERC20"), reserve.symbol, reserve.symbol, reserve.decimals
            )
    return tokens


async def _deploy_pool(transactor: Transactor, owner: LocalAccount, provider: Deployed) -> tuple[Deployed, Deployed]:
    libraries: dict[str, str] = {}
    for name in (*_LIBRARIES, "FlashLoanLogic", "ConfiguratorLogic"):
        library = await transactor.deploy(owner, aave_v3(f"protocol/libraries/logic/{name}"), libraries=libraries)
        libraries[name] = library.address
    pool = aave_v3("protocol/pool/Pool")
    implementation = await transactor.deploy(owner, pool, provider.address, libraries=libraries)
    await transactor.call(owner, provider, "setPoolImpl", implementation.address)
    configurator = aave_v3("protocol/pool/PoolConfigurator")
    implementation = await transactor.deploy(owner, configurator, libraries=libraries)
    await transactor.call(owner, provider, "setPoolConfiguratorImpl", implementation.address)
    return (
        pool.at(await transactor.read(provider, "getPool")),
        configurator.at(await transactor.read(provider, "getPoolConfigurator")),
    )


async def _list_reserves(
    transactor: Transactor,
    owner: LocalAccount,
    provider: Deployed,
    pool: Deployed,
    configurator: Deployed,
    tokens: dict[str, Deployed],
) -> None:
    implementations = [
        (await transactor.deploy(owner, aave_v3(f"protocol/tokenization/{name}"), pool.address)).address
        for name in ("AToken", "StableDebtToken", "VariableDebtToken")
    ]
    for reserve in RESERVES:
        strategy = await transactor.deploy(
            owner, aave_v3("protocol/pool/DefaultReserveInterestRateStrategy"), provider.address, *_rates(reserve)
        )
        listing = _listing(reserve, implementations, strategy.address, tokens[reserve.symbol], owner)
        await transactor.call(owner, configurator, "initReserves", [listing])
        asset = tokens[reserve.symbol].address
        limits = (reserve.ltv, reserve.liquidation_threshold, reserve.bonus)
        await transactor.call(owner, configurator, "configureReserveAsCollateral", asset, *limits)
        await transactor.call(owner, configurator, "setReserveBorrowing", asset, True)
        await transactor.call(owner, configurator, "setReserveFactor", asset, reserve.reserve_factor)
        await transactor.call(owner, configurator, "setLiquidationProtocolFee", asset, LIQUIDATION_PROTOCOL_FEE_BPS)


def _rates(reserve: ReserveParameters) -> tuple[int, ...]:
    """Return the strategy's nine numbers in ray; stable borrowing is off, its slopes are Aave's usual ones."""
    percent = _RAY // 100
    below, above = int(reserve.slope_below * percent), reserve.slope_above * percent
    stable = (below, 60 * percent, 1 * percent, 8 * percent, 20 * percent)
    return (reserve.optimal_usage * percent, 0, below, above, *stable)


def _listing(
    reserve: ReserveParameters, implementations: list[str], strategy: str, token: Deployed, owner: LocalAccount
) -> dict[str, Any]:
    a_token, stable, variable = implementations
    return {
        "aTokenImpl": a_token,
        "stableDebtTokenImpl": stable,
        "variableDebtTokenImpl": variable,
        "underlyingAssetDecimals": reserve.decimals,
        "interestRateStrategyAddress": strategy,
        "underlyingAsset": token.address,
        "treasury": owner.address,
        "incentivesController": _ZERO,
        "aTokenName": f"Aave {reserve.symbol}",
        "aTokenSymbol": f"a{reserve.symbol}",
        "variableDebtTokenName": f"Aave variable debt {reserve.symbol}",
        "variableDebtTokenSymbol": f"variableDebt{reserve.symbol}",
        "stableDebtTokenName": f"Aave stable debt {reserve.symbol}",
        "stableDebtTokenSymbol": f"stableDebt{reserve.symbol}",
        "params": b"\x10",
    }
