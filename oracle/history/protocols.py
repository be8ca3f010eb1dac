"""The registry of protocols: for each kind of market, the source that reads it.

Adding a protocol: one file with its source, one kind of market in `markets.py`, one entry here, one step in the
scenario that drives it (`Scenario.open` in `oracle/devnet/scenario/play.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.history import ExchangeHistory, LendingHistory
from oracle.history.aave_v2 import AaveV2Source
from oracle.history.comet import CometSource
from oracle.history.compound_v2 import CompoundV2Source
from oracle.history.event_index import EventIndex
from oracle.history.maker import MakerSource
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
from oracle.history.reader import ChainReader
from oracle.history.source import Source
from oracle.history.uniswap_v2 import UniswapV2Source
from oracle.history.uniswap_v3 import UniswapV3Source


@dataclass(frozen=True, slots=True)
class Tools:
    """What a protocol's source reads with; `span_blocks` is the widest range of one log query."""

    reader: ChainReader
    index: EventIndex
    span_blocks: int


_LENDING: Final[Mapping[type, Callable[[Any, Tools], Source[LendingHistory]]]] = {
    AaveV2Market: lambda market, tools: AaveV2Source(tools.reader, market, span_blocks=tools.span_blocks),
    CompoundV2Market: lambda market, tools: CompoundV2Source(
        tools.reader, market, tools.index, span_blocks=tools.span_blocks
    ),
    CometMarket: lambda market, tools: CometSource(tools.reader, market, span_blocks=tools.span_blocks),
    MakerVaults: lambda market, tools: MakerSource(tools.reader, market, span_blocks=tools.span_blocks),
}


_EXCHANGES: Final[Mapping[type, Callable[[Any, Tools], Source[ExchangeHistory]]]] = {
    UniswapV2Exchange: lambda market, tools: UniswapV2Source(tools.reader, market, span_blocks=tools.span_blocks),
    UniswapV3Exchange: lambda market, tools: UniswapV3Source(tools.reader, market, span_blocks=tools.span_blocks),
}


def lending_source(market: LendingMarket, tools: Tools) -> Source[LendingHistory]:
    """Return the source that reads a market."""
    return _LENDING[type(market)](market, tools)


def exchange_source(exchange: Exchange, tools: Tools) -> Source[ExchangeHistory]:
    """Return the source that reads an exchange."""
    return _EXCHANGES[type(exchange)](exchange, tools)
