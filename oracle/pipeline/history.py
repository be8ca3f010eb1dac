"""From settings to the history sources, with the endpoint's faults in the domain's words."""

from collections.abc import Callable, Sequence
from functools import partial

from web3 import AsyncHTTPProvider, AsyncWeb3

from oracle.assessment.request import Address, BlockRef
from oracle.chain.rpc import endpoint_faults
from oracle.config.attestations import AttestationSettings
from oracle.config.history import HistorySettings
from oracle.config.markets import AaveV2Settings, CompoundV2Settings, CompoundV3Settings, MarketSettings
from oracle.history.collect import Markets, Reading, Services, collect_counted
from oracle.history.configuration import (
    AaveV3Market,
    AttestationSchema,
    CoinPriceFeed,
    HistoryConfiguration,
    TermLender,
)
from oracle.history.lending.compound_v2 import CompoundV2Source
from oracle.history.markets import (
    AaveV2Market,
    CometMarket,
    CompoundV2Market,
    Exchange,
    LendingMarket,
    MakerVaults,
    UniswapV2Exchange,
    UniswapV3Exchange,
)
from oracle.history.reading.event_index import LONGEST_CATCH_UP_BLOCKS, EventIndex
from oracle.history.reading.event_store import EventStore, MemoryEventStore
from oracle.history.reading.memory import HistoryStore
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import SubgraphClient
from oracle.history.table import table_hash
from oracle.history.transactions.etherscan_client import EtherscanClient
from oracle.history.transactions.otterscan import check_otterscan
from oracle.pipeline import metrics


class Histories:
    """Reads the wallets of requests, each pinned to its request's block.

    `events` keeps what markets without indexed events logged; without it, it is read anew by each process. `store`
    keeps what was found of each wallet; without it, every read is from the start. `configuration` is what to read
    in the place of what the settings name.
    """

    def __init__(
        self,
        w3: AsyncWeb3[AsyncHTTPProvider],
        settings: HistorySettings,
        chain_id: int,
        events: EventStore | None = None,
        store: HistoryStore | None = None,
        configuration: HistoryConfiguration | None = None,
    ) -> None:
        self._w3 = w3
        self._configuration = configuration or history_configuration(settings, chain_id)
        self._services = Services(
            transactions_api=_transactions_api(settings, chain_id),
            subgraphs=_subgraphs(settings),
            # What is kept for all processes has a daemon to fill it; what is not, the request itself must.
            event_index=EventIndex(MemoryEventStore(), chain_id)
            if events is None
            else EventIndex(events, chain_id, longest_catch_up=LONGEST_CATCH_UP_BLOCKS),
            store=store,
            markets=Markets(),
        )

    @property
    def table_hash(self) -> str:
        """The hash of the table that is read by."""
        return table_hash(self._configuration)

    async def read(self, wallet: Address, at: BlockRef) -> Reading:
        """Return a wallet's history at a block; raises as `collect_history` does, EndpointUnreachable besides."""
        with endpoint_faults():
            reading = await collect_counted(self._w3, self._configuration, wallet, at, self._services)
        metrics.HISTORY_CALLS.observe(reading.rpc_calls)
        metrics.HISTORY_API_CALLS.observe(reading.api_calls)
        return reading

    async def check_transactions(self) -> None:
        """Raise ConfigurationFault where nothing tells wallets' transactions, a TransientFault while none answers."""
        if self._services.transactions_api is None:
            with endpoint_faults():
                await check_otterscan(ChainReader(self._w3))

    async def index_markets(
        self, at: BlockRef, told: Callable[[str, int, int], None] = lambda name, block, until: None
    ) -> None:
        """Index the events of markets that index nothing, up to a block, before a request needs them.

        `told` hears, range after range, a market's name, up to which block it is indexed and up to which it will be.
        """
        index, span = self._services.event_index, self._configuration.logs_span_blocks
        if index is None:
            return
        with endpoint_faults():
            for market in self._configuration.lending:
                # The subgraph of a market takes the index's place.
                if isinstance(market, CompoundV2Market) and market.name not in self._services.subgraphs:
                    source = CompoundV2Source(ChainReader(self._w3), market, index, span_blocks=span)
                    await source.fill_index(at, partial(told, market.name))

    async def close(self) -> None:
        """Close the connections of what is read from besides the node."""
        if self._services.transactions_api is not None:
            await self._services.transactions_api.close()
        for subgraph in self._services.subgraphs.values():
            await subgraph.close()


def _subgraphs(settings: HistorySettings) -> dict[str, SubgraphClient]:
    markets: tuple[MarketSettings | AaveV2Settings | CompoundV2Settings | CompoundV3Settings, ...] = (
        *settings.aave_v3,
        *settings.aave_v2,
        *settings.compound_v2,
        *settings.compound_v3,
    )
    return {
        one.name: SubgraphClient(one.name, one.subgraph.get_secret_value(), requests_per_second=settings.subgraph_rate)
        for one in markets
        if one.subgraph is not None
    }


def _transactions_api(settings: HistorySettings, chain_id: int) -> EtherscanClient | None:
    if settings.transactions_api_url is None:
        return None
    key = settings.transactions_api_key
    return EtherscanClient(
        settings.transactions_api_url.get_secret_value(),
        chain_id,
        key=None if key is None else key.get_secret_value(),
        requests_per_second=settings.transactions_api_rate,
    )


def history_configuration(settings: HistorySettings, chain_id: int) -> HistoryConfiguration:
    """Return what the sources are pointed at."""
    markets = tuple(
        AaveV3Market(one.name, Address(one.addresses_provider), Address(one.pool), one.start_block)
        for one in settings.aave_v3
    )
    return HistoryConfiguration(
        chain_id=chain_id,
        coin_price_feed=CoinPriceFeed(Address(settings.coin_price_feed), settings.coin_price_max_age_seconds or None),
        aave_v3=markets,
        lending=_lending_markets(settings),
        exchanges=_exchanges(settings),
        term_lenders=tuple(TermLender(one.name, Address(one.address), one.start_block) for one in settings.lenders),
        token_prices=markets[0] if markets else None,
        ens_registry=_address(settings.ens_registry),
        attestations=tuple(_schema(one) for one in settings.attestations),
        logs_span_blocks=settings.log_range,
        api_page=settings.transactions_api_page,
    )


def _lending_markets(settings: HistorySettings) -> tuple[LendingMarket, ...]:
    aave = (
        AaveV2Market(
            one.name, Address(one.addresses_provider), Address(one.pool), Address(one.base_price_feed), one.start_block
        )
        for one in settings.aave_v2
    )
    compound = (
        CompoundV2Market(
            one.name,
            Address(one.comptroller),
            one.start_block,
            _address(one.vai_controller),
            one.priced_since_block,
            one.usd_since_block or 0,
            _address(one.dollar_market),
        )
        for one in settings.compound_v2
    )
    comets = (
        CometMarket(
            one.name,
            Address(one.comet),
            _address(one.unit_price_feed),
            one.start_block,
        )
        for one in settings.compound_v3
    )
    vaults = (
        MakerVaults(
            one.name,
            Address(one.manager),
            Address(one.proxy_registry),
            Address(one.vat),
            Address(one.spotter),
            Address(one.dog),
            one.start_block,
            _addresses(one.cat),
        )
        for one in settings.maker
    )
    return (*aave, *compound, *comets, *vaults)


def _exchanges(settings: HistorySettings) -> tuple[Exchange, ...]:
    second = (
        UniswapV2Exchange(one.name, Address(one.factory), one.start_block, _addresses(one.routers))
        for one in settings.uniswap_v2
    )
    third = (
        UniswapV3Exchange(
            one.name,
            Address(one.factory),
            Address(one.position_manager),
            one.start_block,
            _addresses(one.routers),
            _addresses(one.universal_routers),
        )
        for one in settings.uniswap_v3
    )
    return (*second, *third)


def _schema(one: AttestationSettings) -> AttestationSchema:
    return AttestationSchema(
        one.name,
        Address(one.registry),
        one.schema_uid,
        _addresses(one.attesters),
        one.verifies,
        one.start_block,
        one.layout,
        one.created_field,
        one.minimum_age_days,
        one.standing_field,
        one.minimum_standing,
        one.flag_field,
    )


def _address(text: str | None) -> Address | None:
    return None if text is None else Address(text)


def _addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    return tuple(Address(text) for text in texts)
