"""Where each protocol stands on a chain, as plain values; nothing of one exists before its `start_block`."""

from dataclasses import dataclass

from oracle.assessment.request import Address


@dataclass(frozen=True, slots=True)
class AaveV2Market:
    """One Aave V2 market; `base_price_feed` is the Chainlink-style USD feed of the coin that it counts in (ether)."""

    name: str
    addresses_provider: Address
    pool: Address
    base_price_feed: Address
    start_block: int


@dataclass(frozen=True, slots=True)
class CompoundV2Market:
    """All markets of one Compound V2 comptroller, or of a fork's; `vai_controller` mints Venus's stablecoin.

    Its oracle's prices before `priced_since_block` cannot be told, those before `usd_since_block` are in another unit
    (Compound's own: ether), of which the price of `dollar_market`'s token says what a dollar is.
    """

    name: str
    comptroller: Address
    start_block: int
    vai_controller: Address | None = None
    priced_since_block: int = 0
    usd_since_block: int = 0
    dollar_market: Address | None = None


@dataclass(frozen=True, slots=True)
class CometMarket:
    """One Compound V3 market; `unit_price_feed` is the USD feed of what its prices are in (None: US dollars)."""

    name: str
    comet: Address
    unit_price_feed: Address | None
    start_block: int


@dataclass(frozen=True, slots=True)
class MakerVaults:
    """MakerDAO's vaults: `manager` numbers them, `proxy_registry` names wallets' proxies.

    Liquidations are the dog's since April 2021; before, the cat's, of which there may have been several.
    """

    name: str
    manager: Address
    proxy_registry: Address
    vat: Address
    spotter: Address
    dog: Address
    start_block: int
    cat: Address | tuple[Address, ...] = ()

    @property
    def cats(self) -> tuple[Address, ...]:
        """The liquidation contracts of before the dog."""
        return (self.cat,) if isinstance(self.cat, str) else self.cat


@dataclass(frozen=True, slots=True)
class UniswapV2Exchange:
    """One Uniswap V2 exchange, or a fork's: all pairs of its factory; `routers` are those that pay in coins too."""

    name: str
    factory: Address
    start_block: int
    routers: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class UniswapV3Exchange:
    """One Uniswap V3 exchange: all pools of its factory, and the positions that its manager holds for wallets.

    `routers` are those that pay in coins too, `universal_routers` those that take a list of commands and trade with
    other generations' pools besides.
    """

    name: str
    factory: Address
    position_manager: Address
    start_block: int
    routers: tuple[Address, ...] = ()
    universal_routers: tuple[Address, ...] = ()


LendingMarket = AaveV2Market | CompoundV2Market | CometMarket | MakerVaults
"""Every kind of lending market but Aave V3, whose oracle also prices the loans' tokens."""

Exchange = UniswapV2Exchange | UniswapV3Exchange
"""Every kind of decentralised exchange."""
