"""What a wallet's history is read from, and the operator's lists of addresses beside it."""

import datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator, model_validator

from oracle.config.attestations import AttestationSettings
from oracle.config.markets import (
    AaveV2Settings,
    CompoundV2Settings,
    CompoundV3Settings,
    LenderSettings,
    MakerSettings,
    MarketSettings,
    UniswapV2Settings,
    UniswapV3Settings,
)
from oracle.config.networks import with_defaults
from oracle.config.values import ContractAddress, Section, endpoint


class HistorySettings(Section):
    """Where the wallet's history stands on this chain."""

    network: str | None = Field(None, description="a network of the registry: its values for what is left out here")
    coin_price_feed: ContractAddress = Field(
        description="Chainlink-style USD feed of the native coin; history.network gives it for known networks"
    )
    coin_price_max_age_seconds: int = Field(
        26 * 3600, ge=0, description="an older answer of the feed is refused as stale; 0 accepts any age"
    )
    aave_v3: tuple[MarketSettings, ...] = Field((), description="Aave V3 markets; the first prices the loans' tokens")
    aave_v2: tuple[AaveV2Settings, ...] = Field((), description="Aave V2 markets")
    compound_v2: tuple[CompoundV2Settings, ...] = Field(
        (), description="Compound V2 and its forks; their logs are indexed in the database"
    )
    compound_v3: tuple[CompoundV3Settings, ...] = Field((), description="Compound V3 markets")
    maker: tuple[MakerSettings, ...] = Field((), description="MakerDAO's vaults")
    uniswap_v2: tuple[UniswapV2Settings, ...] = Field((), description="Uniswap V2 exchanges")
    uniswap_v3: tuple[UniswapV3Settings, ...] = Field((), description="Uniswap V3 exchanges")
    lenders: tuple[LenderSettings, ...] = Field((), description="lending contracts whose term loans count as history")
    ens_registry: ContractAddress | None = Field(None, description="ENS registry; absent: no names on this chain")
    attestations: tuple[AttestationSettings, ...] = Field(
        (), description="schemas and attesters of EAS registries that count as verifications"
    )
    log_range: int = Field(10_000, ge=1, description="most blocks asked for in one eth_getLogs; halved when refused")
    transactions_api_url: Annotated[SecretStr, endpoint("http://", "https://")] | None = Field(
        None, description="Etherscan-style API (v2) for transactions; absent: the node's ots_ methods"
    )
    transactions_api_key: SecretStr | None = Field(None, description="its key")
    transactions_api_page: int = Field(1_000, ge=1, le=10_000, description="transactions asked for at once")
    transactions_api_rate: float = Field(
        5.0, gt=0, allow_inf_nan=False, description="most calls of it in a second, as its plan allows"
    )
    subgraph_rate: float = Field(
        20.0, gt=0, allow_inf_nan=False, description="most queries of each subgraph in a second, as its plan allows"
    )

    @field_validator("attestations")
    @classmethod
    def _each_once(cls, schemas: tuple[AttestationSettings, ...]) -> tuple[AttestationSettings, ...]:
        names = [one.name for one in schemas]
        pairs = [(one.registry, one.schema_uid, attester) for one in schemas for attester in one.attesters]
        for several, what in ((names, "name"), (pairs, "schema and attester")):
            if len(set(several)) < len(several):
                raise ValueError(f"two tables have the same {what}: each stands once")
        return schemas

    @property
    def reads_anything(self) -> bool:
        """Whether any market, exchange or lender is named, without which no wallet has a history of loans."""
        lending = (self.aave_v3, self.aave_v2, self.compound_v2, self.compound_v3, self.maker, self.lenders)
        return any((*lending, self.uniswap_v2, self.uniswap_v3))

    @model_validator(mode="before")
    @classmethod
    def _of_the_network(cls, values: Any) -> Any:
        return with_defaults(values) if isinstance(values, dict) else values


class LabelListSettings(Section):
    """One list of addresses."""

    file: Path = Field(description="CSV file with the columns address, label, source and perhaps date")
    date: datetime.date | None = Field(None, description="the list's date, for rows without one of their own")


class LabelSettings(Section):
    """Lists of sanctioned or malicious addresses: flags beside the model, never a feature of it."""

    lists: tuple[LabelListSettings, ...] = Field((), description="the lists")
    decline: tuple[str, ...] = Field((), description="labels whose bearers are declined, for example sanctioned")
