"""A wallet's whole history at one block: all sources at once, or the first error."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

from web3 import AsyncWeb3

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import (
    ExchangeHistory,
    LendingHistory,
    MarketState,
    SocialRecord,
    TermLoanHistory,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import HistoryConfiguration
from oracle.history.exchanges.routers import routers_of
from oracle.history.identity.attestations import AttestationSource
from oracle.history.identity.ens import EnsSource
from oracle.history.lending.aave_v3_reserves import AaveV3Reserves
from oracle.history.lending.term_loans import TermLoanSource
from oracle.history.market.conditions import MarketSource
from oracle.history.merge import merge_exchanges, merge_lending, merge_social, merge_term_loans, router_exchanges
from oracle.history.protocols import Tools, exchange_source, lending_source
from oracle.history.reading.concurrently import all_of, first_error
from oracle.history.reading.event_index import EventIndex, IndexBehind
from oracle.history.reading.event_store import MemoryEventStore
from oracle.history.reading.memory import HistoryStore, WalletMemory
from oracle.history.reading.paced_api import counted_calls
from oracle.history.reading.reader import ChainReader, SeveralNodes
from oracle.history.reading.subgraph import SubgraphClient
from oracle.history.source import Part, Source
from oracle.history.transactions.etherscan import EtherscanTransactionSource
from oracle.history.transactions.etherscan_client import EtherscanClient
from oracle.history.transactions.otterscan import TransactionSource
from oracle.nodes.kept_logs import counted_proofs


@dataclass(frozen=True)
class Sources:
    """The sources of one chain, by the part of the history that they fill."""

    chain_id: int
    lending: tuple[Source[LendingHistory], ...]
    exchanges: tuple[Source[ExchangeHistory], ...]
    term_loans: tuple[Source[TermLoanHistory], ...]
    transactions: Source[TransactionHistory]
    social: tuple[Source[SocialRecord], ...]
    market: Source[MarketState]
    markets: "Markets | None" = None


class Markets:
    """The market at the newest few blocks that were asked about: the same for every wallet at one block."""

    def __init__(self, blocks: int = 256) -> None:
        self._blocks = blocks
        self._known: dict[str, MarketState] = {}

    def find(self, block_hash: str) -> MarketState | None:
        """Return the market at a block, None when it is not known here."""
        return self._known.get(block_hash)

    def keep(self, block_hash: str, market: MarketState) -> None:
        """Remember a market; the oldest goes when there are too many."""
        self._known[block_hash] = market
        if len(self._known) > self._blocks:
            del self._known[next(iter(self._known))]


@dataclass(frozen=True)
class Services:
    """What sources read from besides the node; shared by all wallets, so that its limits are kept."""

    transactions_api: EtherscanClient | None = None
    subgraphs: Mapping[str, SubgraphClient] = field(default_factory=dict)
    event_index: EventIndex | None = None
    store: HistoryStore | None = None
    markets: Markets | None = None


_NODE_ALONE: Final = Services()


def build_sources(
    reader: ChainReader, configuration: HistoryConfiguration, services: Services = _NODE_ALONE
) -> Sources:
    """Return the sources that a configuration names, all reading through one reader."""
    span = configuration.logs_span_blocks
    priced_at = configuration.token_prices
    reserves = None if priced_at is None else AaveV3Reserves(reader, priced_at)
    # Without a shared index the events are read for this wallet alone.
    index = services.event_index or EventIndex(MemoryEventStore(), configuration.chain_id)
    tools = Tools(reader, index, span, services.subgraphs)
    return Sources(
        chain_id=configuration.chain_id,
        lending=tuple(lending_source(market, tools) for market in (*configuration.aave_v3, *configuration.lending)),
        exchanges=tuple(exchange_source(one, tools) for one in configuration.exchanges),
        term_loans=tuple(TermLoanSource(reader, one, span_blocks=span) for one in configuration.term_lenders),
        transactions=_transactions(reader, configuration, services),
        social=_social(reader, configuration),
        market=MarketSource(reader, configuration.coin_price_feed, reserves),
        markets=services.markets,
    )


def _social(reader: ChainReader, configuration: HistoryConfiguration) -> tuple[Source[SocialRecord], ...]:
    names, schemas = configuration.ens_registry, defaultdict(list)
    for one in configuration.attestations:
        schemas[one.registry].append(one)
    span = configuration.logs_span_blocks
    registries = (AttestationSource(reader, where, listed, span_blocks=span) for where, listed in schemas.items())
    return (*(() if names is None else (EnsSource(reader, names),)), *registries)


def _transactions(
    reader: ChainReader, configuration: HistoryConfiguration, services: Services
) -> Source[TransactionHistory]:
    routers = routers_of(configuration.exchanges)
    if services.transactions_api is not None:
        client, page_size = services.transactions_api, configuration.api_page
        return EtherscanTransactionSource(reader, client, page_size=page_size, routers=routers)
    return TransactionSource(reader, page_size=configuration.transactions_page, routers=routers)


async def collect_history(
    web3: AsyncWeb3[Any],
    configuration: HistoryConfiguration,
    wallet: Address,
    at: BlockRef,
    services: Services = _NODE_ALONE,
) -> WalletHistory:
    """Return everything that is known of a wallet at the end of a block.

    The block is checked before the sources read and after: BlockUnavailable when it is not (or no longer) the
    chain's; HistoryIncomplete when a source has a gap; ConfigurationFault when a source points at the wrong thing.
    """
    return (await collect_counted(web3, configuration, wallet, at, services)).history


@dataclass(frozen=True, slots=True)
class Reading:
    """A wallet's history, and how many requests to the node and to other services' APIs it took."""

    history: WalletHistory
    rpc_calls: int
    api_calls: int = 0


async def collect_counted(
    web3: AsyncWeb3[Any], configuration: HistoryConfiguration, wallet: Address, at: BlockRef, services: Services
) -> Reading:
    """Do what `collect_history` does, and count; with a store, what it keeps of the wallet is not read again.

    A read that fails or is cancelled keeps how far its long sources were. A gap in what one of several nodes answers
    is looked for at the next one: the first gap is raised when all have one.
    """
    nodes, gap = web3.provider, None
    for passed_over in range(nodes.count if isinstance(nodes, SeveralNodes) else 1):
        order = nodes.first_last(passed_over) if isinstance(nodes, SeveralNodes) else nullcontext()
        try:
            with order:
                return await _collect_once(web3, configuration, wallet, at, services)
        except IndexBehind:
            raise  # whichever node fills it
        except HistoryIncomplete as incomplete:
            gap = gap or incomplete
    raise gap or AssertionError("no node was asked")


async def _collect_once(
    web3: AsyncWeb3[Any], configuration: HistoryConfiguration, wallet: Address, at: BlockRef, services: Services
) -> Reading:
    chain_id, store = configuration.chain_id, services.store
    memory = None if store is None else WalletMemory(at, wallet, await store.load(chain_id, wallet))
    reader = ChainReader(web3, memory=memory)
    complete = False
    try:
        with counted_calls() as api, counted_proofs() as proofs:
            history = await read_history(reader, build_sources(reader, configuration, services), wallet, at)
        complete = True
    finally:
        if store is not None and memory is not None:
            news = memory.changed() if complete else memory.reached()
            if news:
                await store.save(chain_id, wallet, news)
    return Reading(history, reader.requests + proofs.requests, api.made)


async def read_history(reader: ChainReader, sources: Sources, wallet: Address, at: BlockRef) -> WalletHistory:
    """Do what `collect_history` does, with a reader and sources at hand."""
    await reader.confirm(at)
    try:
        async with asyncio.TaskGroup() as group:
            lending = group.create_task(_read_each(sources.lending, wallet, at))
            exchanges = group.create_task(_read_each(sources.exchanges, wallet, at))
            term_loans = group.create_task(_read_each(sources.term_loans, wallet, at))
            transactions = group.create_task(sources.transactions.read(wallet, at))
            social = group.create_task(_read_each(sources.social, wallet, at))
            market = group.create_task(_market(sources, wallet, at))
    except BaseExceptionGroup as failures:
        raise first_error(failures) from None
    await reader.confirm(at)
    return WalletHistory(
        chain_id=sources.chain_id,
        wallet=wallet,
        block=at,
        lending=merge_lending(lending.result()),
        term_loans=merge_term_loans(term_loans.result()),
        transactions=transactions.result(),
        social=merge_social(social.result()),
        market=market.result(),
        exchanges=merge_exchanges([*exchanges.result(), *router_exchanges(transactions.result())]),
    )


async def _market(sources: Sources, wallet: Address, at: BlockRef) -> MarketState:
    known = None if sources.markets is None else sources.markets.find(at.hash)
    if known is not None:
        return known
    market = await sources.market.read(wallet, at)
    if sources.markets is not None:
        sources.markets.keep(at.hash, market)
    return market


async def _read_each(several: Sequence[Source[Part]], wallet: Address, at: BlockRef) -> list[Part]:
    return await all_of(source.read(wallet, at) for source in several)
