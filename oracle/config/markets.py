"""Where each protocol stands that a wallet's history is read from: one table a market, exchange or lender."""

from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from oracle.config.values import ContractAddress, Section, endpoint


class MarketSettings(Section):
    """One Aave V3 market."""

    name: str = Field("aave-v3", description="name in features and logs, one for each protocol")
    addresses_provider: ContractAddress = Field(description="the market's PoolAddressesProvider")
    pool: ContractAddress = Field(description="the market's Pool")
    start_block: int = Field(0, ge=0, description="block of the pool's deployment")
    subgraph: Annotated[SecretStr, endpoint("http://", "https://")] | None = Field(
        None, description="its subgraph, to read events from instead of the node's logs"
    )


class AaveV2Settings(Section):
    """One Aave V2 market."""

    name: str = Field("aave-v2", description="name in features and logs, one for each protocol")
    addresses_provider: ContractAddress = Field(description="the market's LendingPoolAddressesProvider")
    pool: ContractAddress = Field(description="the market's LendingPool")
    base_price_feed: ContractAddress = Field(description="Chainlink-style USD feed of ether, the unit of its oracle")
    start_block: int = Field(0, ge=0, description="block of the pool's deployment")
    subgraph: Annotated[SecretStr, endpoint("http://", "https://")] | None = Field(
        None, description="its subgraph, to read events from instead of the node's logs"
    )


class CompoundV2Settings(Section):
    """All markets of one Compound V2 comptroller, or of a fork's such as Venus."""

    name: str = Field("compound-v2", description="name in features and logs, one for each protocol")
    comptroller: ContractAddress = Field(description="the Comptroller (its Unitroller)")
    vai_controller: ContractAddress | None = Field(
        None, description="Venus's VAIController (its Unitroller), whose stablecoin is debt as well; absent: none"
    )
    start_block: int = Field(0, ge=0, description="block of its deployment")
    priced_since_block: int = Field(
        0, ge=0, description="first block whose oracle answers as later ones do; what happened before is a gap"
    )
    usd_since_block: int | None = Field(
        None, ge=1, description="first block at which its oracle counts in US dollars; absent: it always did"
    )
    dollar_market: ContractAddress | None = Field(
        None, description="market of a dollar token, whose price tells what a dollar was before usd_since_block"
    )
    subgraph: Annotated[SecretStr, endpoint("http://", "https://")] | None = Field(
        None, description="its subgraph, to read events from instead of the index; of Messari's lending schema"
    )

    @model_validator(mode="after")
    def _dollars_known(self) -> Self:
        if (self.usd_since_block is None) != (self.dollar_market is None):
            raise ValueError("usd_since_block and dollar_market belong together: give both or none")
        return self


class CompoundV3Settings(Section):
    """One Compound V3 market (Comet)."""

    name: str = Field("compound-v3", description="name in features and logs, one for each protocol")
    comet: ContractAddress = Field(description="the market's proxy")
    unit_price_feed: ContractAddress | None = Field(
        None, description="Chainlink-style USD feed of what its prices are in; absent: they are in US dollars"
    )
    start_block: int = Field(0, ge=0, description="block of its deployment")
    subgraph: Annotated[SecretStr, endpoint("http://", "https://")] | None = Field(
        None,
        description="its subgraph, to read events from instead of the node's logs; the community's (papercliplabs)",
    )


class MakerSettings(Section):
    """MakerDAO's vaults."""

    name: str = Field("maker", description="name in features and logs, one for each protocol")
    manager: ContractAddress = Field(description="the DssCdpManager")
    proxy_registry: ContractAddress = Field(description="the ProxyRegistry, which names wallets' proxies")
    vat: ContractAddress = Field(description="the Vat")
    spotter: ContractAddress = Field(description="the Spotter")
    dog: ContractAddress = Field(description="the Dog, which logs liquidations")
    cat: tuple[ContractAddress, ...] = Field(
        (), description="the Cats, which logged liquidations before the Dog; without them a liquidated vault is a gap"
    )
    start_block: int = Field(0, ge=0, description="block of the manager's deployment")

    @field_validator("cat", mode="before")
    @classmethod
    def _one_or_several(cls, cat: Any) -> Any:
        return (cat,) if isinstance(cat, str) else cat


class UniswapV2Settings(Section):
    """One Uniswap V2 exchange, or a fork's."""

    name: str = Field("uniswap-v2", description="name in features and logs, one for each protocol")
    factory: ContractAddress = Field(description="the factory of its pairs")
    routers: tuple[ContractAddress, ...] = Field(
        (), description="its routers, whose swaps for ether are told from the wallet's transactions; none: unseen"
    )
    start_block: int = Field(0, ge=0, description="block of its deployment")


class UniswapV3Settings(Section):
    """One Uniswap V3 exchange."""

    name: str = Field("uniswap-v3", description="name in features and logs, one for each protocol")
    factory: ContractAddress = Field(description="the factory of its pools")
    position_manager: ContractAddress = Field(description="its NonfungiblePositionManager")
    routers: tuple[ContractAddress, ...] = Field(
        (), description="its routers, whose swaps for ether are told from the wallet's transactions; none: unseen"
    )
    universal_routers: tuple[ContractAddress, ...] = Field(
        (), description="Universal Routers, which trade with other generations' pools besides, and are told likewise"
    )
    start_block: int = Field(0, ge=0, description="block of its deployment")


class LenderSettings(Section):
    """One lending contract with due dates, of the SmartLending interface."""

    name: str = Field(description="name in features and logs")
    address: ContractAddress = Field(description="the lending contract")
    start_block: int = Field(0, ge=0, description="block of its deployment")
    foreign: bool = Field(
        False, description="another project's: `contracts check` does not compare its code and its oracle with ours"
    )
