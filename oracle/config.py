"""All settings, typed: from a TOML file, the environment, and `*_FILE` variables for secrets.

The environment wins over the file. A variable is RISK_ORACLE_<SECTION>__<KEY>, for example
RISK_ORACLE_CHAIN__RPC_URL. With _FILE (in the settings file: _file) appended, a key names a file that holds
the value (Docker and systemd secrets). Nothing is read at import.
"""

import datetime
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationError,
    model_validator,
)

from oracle.assessment.errors import ConfigurationFault, InvalidRequest
from oracle.assessment.request import Address, to_address
from oracle.config_errors import explain
from oracle.config_networks import networks, with_defaults
from oracle.config_sources import merge_environment, read_files

ENVIRONMENT_PREFIX: Final = "RISK_ORACLE_"

DEVELOPMENT_CHAIN_IDS: Final = frozenset({1337, 31337})
"""The chain ids by convention of development nodes: only there may a forgeable development SRS be used."""

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def _address(value: str) -> Address:
    try:
        return to_address(value)
    except InvalidRequest:
        # A key or an endpoint may have been pasted here: only what can be a mistyped address is repeated.
        shown = repr(value) if value[:2].lower() == "0x" and len(value) <= 44 else f"a text of {len(value)} characters"
        raise ValueError(f"{shown} is not an address: expected 0x and 40 hex digits") from None


def _not_zero(value: Address) -> Address:
    if int(value, 16) == 0:
        raise ValueError("is the zero address: expected a contract's address")
    return value


def _private_key(value: SecretStr) -> SecretStr:
    digits = value.get_secret_value().strip().removeprefix("0x")
    # The value itself never stands in a message.
    if len(digits) != 64 or not all(c in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError("is not a private key: expected 64 hex digits")
    if not 0 < int(digits, 16) < _CURVE_ORDER:
        raise ValueError("is not a private key: expected a number above zero and below the order of secp256k1")
    return SecretStr("0x" + digits)


def _endpoint(*schemes: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(schemes):
            raise ValueError(f"is not an endpoint: expected a URL that starts with {' or '.join(schemes)}")
        return value

    return AfterValidator(check)


def _endpoints(value: Any) -> SecretStr | tuple[SecretStr, ...]:
    """Take one endpoint, or several: a list, a JSON list (environment), or one a line (a secret's file)."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("is not a JSON list of endpoints") from None
    listed = value.split() or [""] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not listed:
        raise ValueError("is not an endpoint: expected a URL or a list of them")
    urls = [url.get_secret_value() if isinstance(url, SecretStr) else url for url in listed]
    if not all(isinstance(url, str) and url.startswith(("http://", "https://")) for url in urls):
        raise ValueError("is not an endpoint: expected a URL that starts with http:// or https://")
    if len(set(urls)) < len(urls):
        raise ValueError("names an endpoint twice: two answers of one endpoint are no agreement")
    return SecretStr(urls[0]) if len(urls) == 1 else tuple(SecretStr(url) for url in urls)


def _hidden(value: SecretStr | tuple[SecretStr, ...]) -> Any:
    # The serializer of a union of secrets takes the stars for the value, and complains.
    return [str(url) for url in value] if isinstance(value, tuple) else str(value)


AnyAddress = Annotated[str, AfterValidator(_address)]
ContractAddress = Annotated[str, AfterValidator(_address), AfterValidator(_not_zero)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A table of the settings file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ChainSettings(Section):
    """The chain the oracle contract lives on."""

    rpc_url: Annotated[
        SecretStr | tuple[SecretStr, ...], PlainValidator(_endpoints), PlainSerializer(_hidden, when_used="json")
    ] = Field(
        description="HTTP JSON-RPC endpoint, or a list of them, best first; secret, because providers put keys in it"
    )
    ws_url: Annotated[SecretStr, _endpoint("ws://", "wss://")] | None = Field(
        None, description="WebSocket endpoint that wakes the event source; polling works without it"
    )
    chain_id: int = Field(gt=0, description="the chain id the endpoint must report")
    oracle: ContractAddress = Field(description="address of the AIRiskOracle contract")
    start_block: int = Field(0, ge=0, description="first block to look for requests in (the contract's deployment)")
    confirmations: int = Field(12, ge=1, description="blocks on top of a transaction before it counts as final")
    poll_seconds: Seconds = Field(4.0, description="pause between two looks at the chain's head")
    log_range: int = Field(2_000, ge=1, description="most blocks asked for in one eth_getLogs")
    request_timeout_seconds: Seconds = Field(20.0, description="patience with one RPC call")
    max_head_lag: int = Field(5, ge=0, description="an endpoint this many blocks behind the others is asked last")
    two_endpoints_agree: bool = Field(
        False, description="ask two endpoints for the request's state and the hash of its block; they must agree"
    )

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The endpoints, best first."""
        urls = self.rpc_url if isinstance(self.rpc_url, tuple) else (self.rpc_url,)
        return tuple(url.get_secret_value() for url in urls)

    @model_validator(mode="after")
    def _two_to_agree(self) -> Self:
        if self.two_endpoints_agree and len(self.rpc_urls) < 2:
            raise ValueError("two_endpoints_agree needs at least two endpoints in rpc_url")
        return self


class MarketSettings(Section):
    """One Aave V3 market."""

    name: str = Field("aave-v3", description="name in features and logs, one for each protocol")
    addresses_provider: ContractAddress = Field(description="the market's PoolAddressesProvider")
    pool: ContractAddress = Field(description="the market's Pool")
    start_block: int = Field(0, ge=0, description="block of the pool's deployment")
    subgraph: Annotated[SecretStr, _endpoint("http://", "https://")] | None = Field(
        None, description="its subgraph, to read events from instead of the node's logs"
    )


class AaveV2Settings(Section):
    """One Aave V2 market."""

    name: str = Field("aave-v2", description="name in features and logs, one for each protocol")
    addresses_provider: ContractAddress = Field(description="the market's LendingPoolAddressesProvider")
    pool: ContractAddress = Field(description="the market's LendingPool")
    base_price_feed: ContractAddress = Field(description="Chainlink-style USD feed of ether, the unit of its oracle")
    start_block: int = Field(0, ge=0, description="block of the pool's deployment")
    subgraph: Annotated[SecretStr, _endpoint("http://", "https://")] | None = Field(
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
    subgraph: Annotated[SecretStr, _endpoint("http://", "https://")] | None = Field(
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
    subgraph: Annotated[SecretStr, _endpoint("http://", "https://")] | None = Field(
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
    start_block: int = Field(0, ge=0, description="block of the manager's deployment")


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
    start_block: int = Field(0, ge=0, description="block of its deployment")


class LenderSettings(Section):
    """One lending contract with due dates, of the SmartLending interface."""

    name: str = Field(description="name in features and logs")
    address: ContractAddress = Field(description="the lending contract")
    start_block: int = Field(0, ge=0, description="block of its deployment")
    foreign: bool = Field(
        False, description="another project's: `contracts check` does not compare its code and its oracle with ours"
    )


class HistorySettings(Section):
    """Where the wallet's history stands on this chain."""

    network: str | None = Field(None, description="a network of the registry: its values for what is left out here")
    coin_price_feed: ContractAddress = Field(description="Chainlink-style USD feed of the native coin")
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
    log_range: int = Field(10_000, ge=1, description="most blocks asked for in one eth_getLogs; halved when refused")
    transactions_api_url: Annotated[SecretStr, _endpoint("http://", "https://")] | None = Field(
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


class ModelSettings(Section):
    """Which models run, and where they and their keys are."""

    name: str | None = Field(
        None,
        description="model to run (a name, or a folder), refused unless active; absent: the registry's primary",
    )
    directory: Path | None = Field(None, description="folder of model folders, beside the shipped ones")
    keys: Path = Field(Path("build/keys"), description="folder of key folders (`risk-oracle setup`), or one of them")
    shadow: str | None = Field(
        None,
        description="model to run beside it, recorded and never signed (a name, or a folder); "
        "absent: the registry's other active one; off: none",
    )
    follow_seconds: Seconds = Field(15.0, description="pause between two looks at the registry")


class DriftSettings(Section):
    """How far requests and outcomes are from what the model was trained on."""

    every_minutes: float = Field(60.0, gt=0, allow_inf_nan=False, description="pause between two measurements")
    window_days: int = Field(30, ge=1, description="requests of so many days are measured")
    minimum_requests: int = Field(200, ge=20, description="fewer requests in the window give no number")
    warn_psi: float = Field(
        0.25, gt=0, allow_inf_nan=False, description="population stability index from which /readyz warns"
    )


class SignerSettings(Section):
    """The key that signs reports and transactions."""

    key: Annotated[SecretStr, AfterValidator(_private_key)] = Field(description="private key, hex")


class TransactionSettings(Section):
    """How much a transaction may cost, and when it is replaced."""

    max_fee_gwei: Decimal = Field(Decimal(200), gt=0, description="never pay more than this per gas")
    priority_fee_gwei: Decimal = Field(Decimal(1), ge=0, description="tip per gas, at least")
    replace_after_seconds: Seconds = Field(60.0, description="unmined for so long: send again with higher fees")

    @model_validator(mode="after")
    def _tip_within_limit(self) -> Self:
        if self.priority_fee_gwei > self.max_fee_gwei:
            raise ValueError(
                f"priority_fee_gwei {self.priority_fee_gwei} is above max_fee_gwei {self.max_fee_gwei}: "
                "no transaction could be sent"
            )
        return self


class DatabaseSettings(Section):
    """The Postgres that holds all state."""

    url: Annotated[SecretStr, _endpoint("postgresql://", "postgresql+psycopg://")] | None = Field(
        None, description="postgresql://user:password@host/name; absent: an embedded server"
    )
    password: SecretStr | None = Field(None, description="its password, when the URL does not hold it")
    directory: Path = Field(Path("build/postgres"), description="data folder of the embedded server")


class WorkerSettings(Section):
    """How much is done at once, and how patiently."""

    concurrency: int = Field(4, ge=1, le=64, description="requests in one stage at the same time")
    poll_seconds: Seconds = Field(1.0, description="pause between two looks for work that nothing announced")
    max_attempts: int = Field(8, ge=1, description="tries of one stage before a request goes to the dead letters")
    retry_seconds: Seconds = Field(2.0, description="pause before the second try; doubled each time, to ten minutes")


class WebSettings(Section):
    """The HTTP side: health, readiness, metrics."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 takes a free one")


class LogSettings(Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severity that is logged")
    format: Literal["console", "json"] = Field("console", description="for people, or one JSON object a line")


class AuditSettings(Section):
    """What it takes to read a wallet: a daemon's settings, of which an auditor has no key."""

    chain: ChainSettings
    history: HistorySettings
    labels: LabelSettings = LabelSettings()
    signer: SignerSettings | None = None
    model: ModelSettings = ModelSettings()
    drift: DriftSettings = DriftSettings()
    transactions: TransactionSettings = TransactionSettings()
    database: DatabaseSettings = DatabaseSettings()
    worker: WorkerSettings = WorkerSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _one_network(self) -> Self:
        if self.history.network is not None and self.chain.chain_id != networks()[self.history.network]["chain_id"]:
            raise ValueError(
                f"history.network {self.history.network} has chain id {networks()[self.history.network]['chain_id']}, "
                f"chain.chain_id says {self.chain.chain_id}: correct one of the two"
            )
        return self


class Settings(AuditSettings):
    """Everything an operator can set."""

    signer: SignerSettings


Kind = TypeVar("Kind", bound=AuditSettings)


def load_settings(file: Path | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings of a TOML file and an environment; raises ConfigurationFault that lists every fault."""
    return load_settings_of(Settings, file, environment)


def load_settings_of(kind: type[Kind], file: Path | None, environment: Mapping[str, str]) -> Kind:
    """Do what `load_settings` does, for a daemon or for an auditor."""
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    except FileNotFoundError as error:
        raise ConfigurationFault(f"settings file {file} does not exist: name another with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"settings file {file} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationFault(f"settings file {file} is not valid TOML: {error}") from error
    faults = merge_environment(values, environment, kind, ENVIRONMENT_PREFIX)
    faults += read_files(values, kind)
    settings: Kind | None = None
    try:
        settings = kind.model_validate(values)
    except ValidationError as error:
        faults += explain(error, kind)
    if faults or settings is None:
        raise ConfigurationFault("\n".join(faults))
    return settings
