"""Uniswap V3's positions: which a wallet held and when, and what was done to them meanwhile."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.uniswap_v2 import TRANSFER
from oracle.history.markets import UniswapV3Exchange
from oracle.history.reading.abi import Event, address_topic
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.logs import Log, Topics, log_from_plain, plain_log, read_logs
from oracle.history.reading.memory import source_key
from oracle.history.reading.reader import ChainReader

INCREASE: Final = Event(
    "IncreaseLiquidity", ("uint256", "uint128", "uint256", "uint256"), ("uint128", "uint256", "uint256")
)  # tokenId*, liquidity, amount0, amount1
DECREASE: Final = Event("DecreaseLiquidity", INCREASE.types, INCREASE.data)
COLLECT: Final = Event(
    "Collect", ("uint256", "address", "uint256", "uint256"), ("address", "uint256", "uint256")
)  # tokenId*, recipient, amount0, amount1

_CHANGES: Final = (INCREASE.topic, DECREASE.topic, COLLECT.topic)
# Nodes take a limited number of alternatives for a topic.
_TOKENS_A_QUERY: Final = 100
_SOURCE: Final = "uniswap-v3-positions-2"

Place = tuple[int, int]
"""A log's place in the chain: its block's number, and its own in there."""


@dataclass(frozen=True)
class Holding:
    """One position (its number, as a topic) in a wallet's hands; `until` None: still held."""

    token: str
    since: Place
    until: Place | None

    def covers(self, place: Place) -> bool:
        """Return whether the wallet held the position then."""
        return self.since <= place and (self.until is None or place <= self.until)


class Positions:
    """The positions of one manager, as one wallet held them up to a block."""

    def __init__(self, reader: ChainReader, exchange: UniswapV3Exchange, *, span_blocks: int) -> None:
        self._reader = reader
        self._exchange = exchange
        self._span_blocks = span_blocks

    async def holdings(self, wallet: Address, at: BlockRef) -> list[Holding]:
        """Return every holding, in the order in which they began."""
        user, start = address_topic(wallet), self._exchange.start_block
        found = await all_of(
            self._all(topics, start, at) for topics in ([TRANSFER.topic, None, user], [TRANSFER.topic, user])
        )
        # What a wallet sends itself is in both.
        transfers = {_place(log): log for part in found for log in part}
        holdings: list[Holding] = []
        held: dict[str, Place] = {}
        for place in sorted(transfers):
            _, sender, receiver, token = transfers[place].topics
            if sender == user and receiver != user and token in held:
                holdings.append(Holding(token, held.pop(token), place))
            elif receiver == user:
                held.setdefault(token, place)
        holdings += [Holding(token, since, None) for token, since in held.items()]
        return sorted(holdings, key=lambda one: one.since)

    async def changes(self, holdings: Sequence[Holding], at: BlockRef) -> list[Log]:
        """Return the events of liquidity given to, taken from and collected of positions while they were held."""
        if not holdings:
            return []
        by_token: dict[str, list[Holding]] = {}
        for one in holdings:
            by_token.setdefault(one.token, []).append(one)
        logs = await self._changes(sorted(by_token), holdings[0].since[0], at)
        return [log for log in logs if any(one.covers(_place(log)) for one in by_token.get(log.topics[1], ()))]

    async def _changes(self, tokens: Sequence[str], first_block: int, at: BlockRef) -> list[Log]:
        """Return the changes of some positions; those that an earlier read found are not asked for again.

        A position that is new since then came in a block that the earlier read did not cover.
        """
        memory, key = self._reader.memory, source_key(_SOURCE, self._exchange.position_manager)
        known = None if memory is None or memory.at != at else memory.find(key)
        kept: list[Any] = []
        if known is not None and await self._reader.is_canonical(known.to_block, known.to_hash):
            kept = [raw for raw in known.content if raw[3] <= at.number]
            first_block = known.to_block + 1
        groups = [tokens[place : place + _TOKENS_A_QUERY] for place in range(0, len(tokens), _TOKENS_A_QUERY)]
        found = await all_of(self._all([_CHANGES, group], first_block, at) for group in groups)
        kept += [plain_log(log) for part in found for log in part]
        if memory is not None and memory.at == at and first_block <= at.number:
            memory.keep(key, self._exchange.start_block, kept)
        return [log_from_plain(raw) for raw in kept]

    async def _all(self, topics: Topics, first_block: int, at: BlockRef) -> list[Log]:
        ranges: AsyncIterator[list[Log]] = read_logs(
            self._reader, [self._exchange.position_manager], topics, first_block, at.number, self._span_blocks
        )
        return [log async for logs in ranges for log in logs]


def _place(log: Log) -> Place:
    return log.block_number, log.index
