"""What the sources are pointed at: addresses and first blocks, as plain values."""

from dataclasses import dataclass

from oracle.assessment.request import Address
from oracle.history.markets import Exchange, LendingMarket


@dataclass(frozen=True, slots=True)
class AaveV3Market:
    """One Aave V3 market; nothing of it exists before `start_block`."""

    name: str
    addresses_provider: Address
    pool: Address
    start_block: int


@dataclass(frozen=True, slots=True)
class TermLender:
    """One lending contract with due dates, of the SmartLending interface; deployed at `start_block`."""

    name: str
    address: Address
    start_block: int


@dataclass(frozen=True, slots=True)
class AttestationSchema:
    """One schema of an EAS registry whose attestations, by these attesters, verify something of a wallet.

    `schema` is its UID, `layout` what the schema registry holds of it, as "uint64 createdAt, bool verified"; the fields
    named stand in it. What was created (Unix seconds) must be `minimum_age_days` old at the assessed block, `standing`
    at least `minimum_standing`, `flag` true. Nothing of it was attested before `start_block`.
    """

    name: str
    registry: Address
    schema: str
    attesters: tuple[Address, ...]
    verifies: str
    start_block: int
    layout: str = ""
    created_field: str = ""
    minimum_age_days: int = 0
    standing_field: str = ""
    minimum_standing: int = 0
    flag_field: str = ""


@dataclass(frozen=True, slots=True)
class CoinPriceFeed:
    """The Chainlink-style feed of the native coin in USD.

    An answer older than `max_age_seconds` at the assessed block is refused as stale; None accepts any age.
    """

    address: Address
    max_age_seconds: int | None = 26 * 60 * 60


@dataclass(frozen=True, slots=True)
class HistoryConfiguration:
    """Everything that a wallet's history is read from, on one chain.

    `lending` are the markets of the other lending protocols, `exchanges` the decentralised exchanges. `token_prices`
    names the Aave market whose oracle and reserves price the loans' tokens (None: coin only). `logs_span_blocks` is
    the widest range of one log query, `transactions_page` the size of an `ots_` page, `api_page` that of a page from a
    transactions API.
    """

    chain_id: int
    coin_price_feed: CoinPriceFeed
    aave_v3: tuple[AaveV3Market, ...] = ()
    lending: tuple[LendingMarket, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    term_lenders: tuple[TermLender, ...] = ()
    token_prices: AaveV3Market | None = None
    ens_registry: Address | None = None
    attestations: tuple[AttestationSchema, ...] = ()
    logs_span_blocks: int = 1_000_000
    transactions_page: int = 100
    api_page: int = 1_000
