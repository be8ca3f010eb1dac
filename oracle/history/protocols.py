"""The registry of protocols: for each kind of market, the source that reads it.

A protocol more is one file with its source, one entry here, and one step in the scenario that drives it
(`Scenario.open` in `oracle/devnet/scenario/play.py`). `README.md` in this folder goes through it step by step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.assessment.history import ExchangeHistory, LendingHistory
from oracle.history.configuration import AaveV3Market
from oracle.history.exchanges.uniswap_v2 import UniswapV2Source
from oracle.history.exchanges.uniswap_v3 import UniswapV3Source
from oracle.history.lending.aave_subgraph import AaveSubgraphLogs
from oracle.history.lending.aave_v2 import V2, AaveV2Source
from oracle.history.lending.aave_v3 import V3, AaveV3Source
from oracle.history.lending.comet import CometSource
from oracle.history.lending.comet_subgraph import CometSubgraphLogs
from oracle.history.lending.compound_v2 import CompoundV2Source
from oracle.history.lending.compound_v2_subgraph import CompoundV2SubgraphLogs
from oracle.history.lending.maker import MakerSource
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
from oracle.history.reading.event_index import EventIndex
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import SubgraphClient
from oracle.history.reading.subgraph_logs import SubgraphLogs
from oracle.history.source import Source


@dataclass(frozen=True, slots=True)
class Tools:
    """What a protocol's source reads with; `span_blocks` is the widest range of one log query.

    `subgraphs` are those that tell of events instead of the node's logs, by the market's name.
    """

    reader: ChainReader
    index: EventIndex
    span_blocks: int
    subgraphs: Mapping[str, SubgraphClient] = field(default_factory=dict)

    def events(self, market: str, of: Callable[[SubgraphClient], SubgraphLogs]) -> SubgraphLogs | None:
        """Return a market's events from its subgraph, None when it has none."""
        client = self.subgraphs.get(market)
        return None if client is None else of(client)


def _aave_v3(market: AaveV3Market, tools: Tools) -> Source[LendingHistory]:
    events = tools.events(market.name, lambda client: AaveSubgraphLogs(tools.reader, client, V3, market.pool))
    return AaveV3Source(tools.reader, market, span_blocks=tools.span_blocks, events=events)


def _aave_v2(market: AaveV2Market, tools: Tools) -> Source[LendingHistory]:
    events = tools.events(market.name, lambda client: AaveSubgraphLogs(tools.reader, client, V2, market.pool))
    return AaveV2Source(tools.reader, market, span_blocks=tools.span_blocks, events=events)


def _compound_v2(market: CompoundV2Market, tools: Tools) -> Source[LendingHistory]:
    events = tools.events(market.name, lambda client: CompoundV2SubgraphLogs(tools.reader, client))
    return CompoundV2Source(tools.reader, market, tools.index, span_blocks=tools.span_blocks, events=events)


def _comet(market: CometMarket, tools: Tools) -> Source[LendingHistory]:
    events = tools.events(market.name, lambda client: CometSubgraphLogs(tools.reader, client, market.comet))
    return CometSource(tools.reader, market, span_blocks=tools.span_blocks, events=events)


_LENDING: Final[Mapping[type, Callable[[Any, Tools], Source[LendingHistory]]]] = {
    AaveV3Market: _aave_v3,
    AaveV2Market: _aave_v2,
    CompoundV2Market: _compound_v2,
    CometMarket: _comet,
    MakerVaults: lambda market, tools: MakerSource(tools.reader, market, span_blocks=tools.span_blocks),
}


_EXCHANGES: Final[Mapping[type, Callable[[Any, Tools], Source[ExchangeHistory]]]] = {
    UniswapV2Exchange: lambda market, tools: UniswapV2Source(tools.reader, market, span_blocks=tools.span_blocks),
    UniswapV3Exchange: lambda market, tools: UniswapV3Source(tools.reader, market, span_blocks=tools.span_blocks),
}


def lending_source(market: AaveV3Market | LendingMarket, tools: Tools) -> Source[LendingHistory]:
    """Return the source that reads a market."""
    return _LENDING[type(market)](market, tools)


def exchange_source(exchange: Exchange, tools: Tools) -> Source[ExchangeHistory]:
    """Return the source that reads an exchange."""
    return _EXCHANGES[type(exchange)](exchange, tools)
