"""The real Venus, a fork of Compound V2, from the artifacts of its npm package, on the local stack's tokens."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import ETHER, Transactor
from oracle.devnet.machinery.artifacts import VENUS, Deployed, packaged
from oracle.devnet.protocols.aave import RESERVES, Aave, fund

_CAP: Final = 2**200
_LIQUIDITY_SHARE: Final = 4
_SHARE_DECIMALS: Final = 8
# One share is worth 0.02 of its underlying at first, as on mainnet.
_FIRST_RATE: Final = ETHER // 50
CLOSE_FACTOR: Final = ETHER // 2
LIQUIDATION_INCENTIVE: Final = ETHER * 11 // 10


@dataclass(frozen=True)
class Venus:
    """A deployed comptroller with a market (`shares`) for each token."""

    owner: LocalAccount
    comptroller: Deployed
    oracle: Deployed
    shares: dict[str, Deployed]
    tokens: dict[str, Deployed]
    start_block: int

    async def publish(self, transactor: Transactor, symbol: str, price_usd: Decimal, *, at: int | None = None) -> None:
        """Set a token's price."""
        await transactor.call(
            self.owner,
            self.oracle,
            "setDirectPrice",
            self.tokens[symbol].address,
            scaled_price(symbol, price_usd),
            at=at,
        )


def scaled_price(symbol: str, price_usd: Decimal) -> int:
    """Return a price as Compound's oracles give it: USD for one smallest unit, times 1e36."""
    decimals = next(reserve.decimals for reserve in RESERVES if reserve.symbol == symbol)
    return int(price_usd.scaleb(36 - decimals))


async def deploy_venus(transactor: Transactor, owner: LocalAccount, v3: Aave) -> Venus:
    """Deploy comptroller, oracle and a market for each of V3's tokens, and supply first liquidity from `owner`."""
    start_block = await transactor.chain.block_number() + 1

    async def deploy(name: str, *arguments: Any) -> Deployed:
        return await transactor.deploy(owner, packaged(VENUS, name), *arguments)

    unitroller, implementation = await deploy("Unitroller"), await deploy("Comptroller")
    await transactor.call(owner, unitroller, "_setPendingImplementation", implementation.address)
    await transactor.call(owner, implementation, "_become", unitroller.address)
    comptroller = packaged(VENUS, "Comptroller").at(unitroller.address)
    oracle, lens = await deploy("SimplePriceOracle"), await deploy("Lens/ComptrollerLens")
    for function, value in (
        ("_setComptrollerLens", lens.address),
        ("_setPriceOracle", oracle.address),
        ("_setCloseFactor", CLOSE_FACTOR),
        ("_setLiquidationIncentive", LIQUIDATION_INCENTIVE),
    ):
        await transactor.call(owner, comptroller, function, value)
    rates = await deploy("JumpRateModel", 0, ETHER // 20, ETHER, ETHER * 8 // 10)
    shares: dict[str, Deployed] = {}
    venus = Venus(owner, comptroller, oracle, shares, v3.tokens, start_block)
    for reserve in RESERVES:
        symbol, token = reserve.symbol, v3.tokens[reserve.symbol]
        first_rate = _FIRST_RATE * 10**reserve.decimals // 10**_SHARE_DECIMALS
        share = await deploy(
            "VBep20Immutable",
            token.address,
            comptroller.address,
            rates.address,
            first_rate,
            f"Venus {symbol}",
            f"v{symbol}",
            _SHARE_DECIMALS,
            owner.address,
        )
        shares[symbol] = share
        await venus.publish(transactor, symbol, reserve.price_usd)
        await transactor.call(owner, comptroller, "_supportMarket", share.address)
        await transactor.call(owner, comptroller, "_setCollateralFactor", share.address, reserve.ltv * ETHER // 10_000)
        for caps in ("_setMarketSupplyCaps", "_setMarketBorrowCaps"):
            await transactor.call(owner, comptroller, caps, [share.address], [_CAP])
        liquidity = reserve.liquidity // _LIQUIDITY_SHARE
        await fund(transactor, v3, owner, symbol, liquidity)
        await transactor.call(owner, token, "approve", share.address, 2**256 - 1)
        await transactor.call(owner, share, "mint", liquidity)
    return venus
