"""An index for events that name a wallet only in their data: each market's logs are read once, for all wallets.

Blocks that may still be reorganised are not indexed: what they hold is read with each request. The first reading of
a market on a public chain takes long: it goes on where it was interrupted, and requests do not wait inside it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.history.event_store import Cursor, EventStore
from oracle.history.logs import Log, place_of, read_logs
from oracle.history.reader import ChainReader

UNINDEXED_BLOCKS: Final = 64
"""How many of the newest blocks stay out of the index; Ethereum finalises after as many."""

LONGEST_CATCH_UP_BLOCKS: Final = 10_000
"""What a request indexes itself, at most; it holds the request's claim, and so a transaction, for that long."""

WalletOf = Callable[[Log], Address]
Told = Callable[[int, int], None]
"""Hears how far a filling is: the last block that is indexed, and the last one that will be."""


class IndexBehind(HistoryIncomplete):
    """The index is still being filled, and too far behind for a request to do it."""


class EventIndex:
    """The index of one chain: filled as far as a request needs, and never read again.

    Where more than `longest_catch_up` blocks are missing, requests are told to wait for `fill`; None lets them read
    everything themselves, as an audit does that nobody fills an index for.
    """

    def __init__(
        self,
        store: EventStore,
        chain_id: int,
        *,
        unindexed_blocks: int = UNINDEXED_BLOCKS,
        longest_catch_up: int | None = None,
    ) -> None:
        self._store = store
        self._chain_id = chain_id
        self._unindexed_blocks = unindexed_blocks
        self._longest_catch_up = longest_catch_up
        self._filling = asyncio.Lock()

    async def logs(
        self,
        reader: ChainReader,
        contracts: Sequence[Address],
        topics: Sequence[str],
        wallet_of: WalletOf,
        wallet: Address,
        at: BlockRef,
        *,
        start_block: int,
        span_blocks: int,
    ) -> list[Log]:
        """Return a wallet's logs of some contracts up to a block, in the chain's order.

        `topics` are the events that are indexed, `wallet_of` reads an event's wallet. Raises IndexBehind where
        too much is missing, HistoryIncomplete when other processes keep changing the index.
        """
        query = _Query(reader, topics, wallet_of, start_block, span_blocks)
        await self._check_near(contracts, start_block, at.number - self._unindexed_blocks)
        # Two requests must not read the same blocks at the same time.
        async with self._filling:
            cursors = await self._fill(query, contracts, at.number - self._unindexed_blocks)
        found = await self._store.logs(self._chain_id, contracts, wallet, at.number)
        for cursor, group in _grouped(cursors).items():
            first = start_block if cursor is None else cursor.block_number + 1
            async for logs in read_logs(reader, group, [list(topics)], first, at.number, span_blocks):
                found += [log for log in logs if wallet_of(log) == wallet]
        return sorted(found, key=place_of)

    async def fill(
        self,
        reader: ChainReader,
        contracts: Sequence[Address],
        topics: Sequence[str],
        wallet_of: WalletOf,
        at: BlockRef,
        *,
        start_block: int,
        span_blocks: int,
        told: Told = lambda block, until: None,
    ) -> None:
        """Index contracts ahead of requests, as far as a block allows; see `logs` for the parameters and errors.

        What was indexed is kept range after range: interrupted, the next filling goes on behind the last one.
        """
        query = _Query(reader, topics, wallet_of, start_block, span_blocks)
        async with self._filling:
            await self._fill(query, contracts, at.number - self._unindexed_blocks, told)

    async def _check_near(self, contracts: Sequence[Address], start_block: int, until_block: int) -> None:
        """Raise IndexBehind when a request would have to index too much; looked up without waiting for a filling."""
        if self._longest_catch_up is None:
            return
        for contract in contracts:
            cursor = await self._store.cursor(self._chain_id, contract)
            reached = start_block - 1 if cursor is None else cursor.block_number
            if until_block - reached > self._longest_catch_up:
                raise IndexBehind(
                    f"the events of {contract} are indexed up to block {reached}, {until_block} is needed: "
                    "waiting until they are read"
                )

    async def _fill(
        self,
        query: "_Query",
        contracts: Sequence[Address],
        until_block: int,
        told: Told = lambda block, until: None,
    ) -> dict[Address, Cursor | None]:
        """Index the contracts up to a block at least, and return how far each of them is indexed."""
        cursors = await self._checked_cursors(query.reader, contracts)
        for cursor, group in _grouped(cursors).items():
            start = query.start_block if cursor is None else cursor.block_number + 1
            async for end, logs in query.ranges(group, start, until_block):
                until = await _cursor_at(query.reader, end)
                for contract in group:
                    own = [(query.wallet_of(log), log) for log in logs if log.address == contract]
                    if not await self._store.append(self._chain_id, contract, cursors[contract], until, own):
                        raise HistoryIncomplete(
                            f"the index of {contract} was changed by another process while it was filled: try again"
                        )
                    cursors[contract] = until
                told(end, until_block)
        return cursors

    async def _checked_cursors(self, reader: ChainReader, contracts: Sequence[Address]) -> dict[Address, Cursor | None]:
        cursors = {contract: await self._store.cursor(self._chain_id, contract) for contract in contracts}
        for cursor, group in _grouped(cursors).items():
            if cursor is None or cursor == await _cursor_at(reader, cursor.block_number):
                continue
            # A reorganisation deeper than the blocks that are left out: what was indexed may be gone.
            for contract in group:
                await self._store.forget(self._chain_id, contract)
                cursors[contract] = None
        return cursors


@dataclass(frozen=True)
class _Query:
    reader: ChainReader
    topics: Sequence[str]
    wallet_of: WalletOf
    start_block: int
    span_blocks: int

    async def ranges(self, contracts: Sequence[Address], start: int, end: int) -> AsyncIterator[tuple[int, list[Log]]]:
        """Yield (last block, logs) of range after range."""
        while start <= end:
            last = min(start + self.span_blocks - 1, end)
            logs = [
                log
                async for part in read_logs(self.reader, contracts, [list(self.topics)], start, last, self.span_blocks)
                for log in part
            ]
            yield last, logs
            start = last + 1


def _grouped(cursors: dict[Address, Cursor | None]) -> dict[Cursor | None, list[Address]]:
    """Return the contracts by how far they are indexed: those of one cursor are asked for together."""
    groups: dict[Cursor | None, list[Address]] = defaultdict(list)
    for contract, cursor in cursors.items():
        groups[cursor].append(contract)
    return dict(groups)


async def _cursor_at(reader: ChainReader, number: int) -> Cursor:
    block = await reader.request("eth_getBlockByNumber", [hex(number), False])
    if block is None:
        raise BlockUnavailable(f"the node has no block {number}, up to which events were indexed: ask another endpoint")
    return Cursor(number, str(block["hash"]))
