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
    logs_span_blocks: int = 1_000_000
    transactions_page: int = 100
    api_page: int = 1_000
