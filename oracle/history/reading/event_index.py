"""An index for events that name a wallet only in their data: each market's logs are read once, for all wallets.

Blocks that may still be reorganised are not indexed: what they hold is read with each request. After a deeper
reorganisation the index goes back to the newest block that it shares with the chain. The first reading of a market on
a public chain takes long: it goes on where it was interrupted, and requests do not wait inside it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.history.reading.event_store import Cursor, EventStore
from oracle.history.reading.index_proof import Untouched, cursor_at, lacks_oldest
from oracle.history.reading.logs import Log, place_of, read_logs
from oracle.history.reading.reader import ChainReader

UNINDEXED_BLOCKS: Final = 64
"""How many of the newest blocks stay out of the index; Ethereum finalises after as many."""

LONGEST_CATCH_UP_BLOCKS: Final = 10_000
"""What a request indexes itself, at most; it holds the request's claim, and so a transaction, for that long."""

# Blocks with events that are looked through for one from before a reorganisation, at first and at most.
_FIRST_LOOK_BACK: Final = 64
_LONGEST_LOOK_BACK: Final = 8_192

# How often a store is read at most that other processes keep adding to.
_READS_OF_THE_STORE: Final = 5

Cursors = dict[Address, Cursor | None]
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
        self._proven: set[Address] = set()

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
        untouched: Untouched | None = None,
    ) -> list[Log]:
        """Return a wallet's logs of some contracts up to a block, in the chain's order.

        `topics` are the events that are indexed, `wallet_of` reads an event's wallet. With `untouched`, an index whose
        oldest logs are missing is filled anew. Raises IndexBehind where too much is missing, HistoryIncomplete when
        other processes keep changing the index.
        """
        query = _Query(reader, topics, wallet_of, start_block, span_blocks, untouched)
        until_block = at.number - self._unindexed_blocks
        # Without waiting for a filling.
        self._check_near(await self._cursors(contracts), start_block, until_block)
        # Two requests must not read the same blocks at the same time.
        async with self._filling:
            cursors = await self._checked_cursors(query, contracts)
            self._check_near(cursors, start_block, until_block)
            await self._fill(query, cursors, until_block)
        found = await self._kept(contracts, wallet, cursors, at.number)
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
        untouched: Untouched | None = None,
    ) -> None:
        """Index contracts ahead of requests, as far as a block allows; see `logs` for the parameters and errors.

        What was indexed is kept range after range: interrupted, the next filling goes on behind the last one.
        """
        query = _Query(reader, topics, wallet_of, start_block, span_blocks, untouched)
        async with self._filling:
            cursors = await self._checked_cursors(query, contracts)
            await self._fill(query, cursors, at.number - self._unindexed_blocks, told)

    def _check_near(self, cursors: Cursors, start_block: int, until_block: int) -> None:
        """Raise IndexBehind when a request would have to index too much."""
        if self._longest_catch_up is None:
            return
        for contract, cursor in cursors.items():
            reached = start_block - 1 if cursor is None else cursor.block_number
            if until_block - reached > self._longest_catch_up:
                raise IndexBehind(
                    f"the events of {contract} are indexed up to block {reached}, {until_block} is needed: "
                    "waiting until they are read"
                )

    async def _fill(
        self,
        query: "_Query",
        cursors: Cursors,
        until_block: int,
        told: Told = lambda block, until: None,
    ) -> None:
        """Index contracts up to a block at least; `cursors` say how far they are, before and after."""
        for cursor, group in _grouped(cursors).items():
            start = query.start_block if cursor is None else cursor.block_number + 1
            async for end, logs in query.ranges(group, start, until_block):
                until = await cursor_at(query.reader, end)
                for contract in group:
                    own = [(query.wallet_of(log), log) for log in logs if log.address == contract]
                    if not await self._store.append(self._chain_id, contract, cursors[contract], until, own):
                        raise _changed(contract)
                    cursors[contract] = until
                told(end, until_block)

    async def _kept(
        self, contracts: Sequence[Address], wallet: Address, cursors: Cursors, until_block: int
    ) -> list[Log]:
        """Return a wallet's logs from the store up to a block, of each contract no further than to its cursor.

        Other processes fill the index and take it back meanwhile: only what was read while no cursor moved counts, and
        of logs that were added behind ours none, for those are read from the node. Raises HistoryIncomplete when the
        store lost what `cursors` promise.
        """
        before = cursors
        for _ in range(_READS_OF_THE_STORE):
            found = await self._store.logs(self._chain_id, contracts, wallet, until_block)
            after = await self._cursors(contracts)
            for contract, cursor in cursors.items():
                if not _holds(after[contract], cursor):
                    raise _changed(contract)
            if after == before:
                return [log for log in found if _is_within(log, cursors[log.address])]
            before = after
        raise _changed(next(one for one in contracts if after[one] != cursors[one]))

    async def _cursors(self, contracts: Sequence[Address]) -> Cursors:
        return {contract: await self._store.cursor(self._chain_id, contract) for contract in contracts}

    async def _checked_cursors(self, query: "_Query", contracts: Sequence[Address]) -> Cursors:
        reader, cursors = query.reader, await self._cursors(contracts)
        for cursor, group in _grouped(cursors).items():
            if cursor is None or cursor == await cursor_at(reader, cursor.block_number):
                continue
            # A reorganisation deeper than the blocks that are left out: the index goes back to before it.
            for contract in group:
                shared = await self._newest_shared(reader, contract, cursor)
                if not await self._store.rewind(self._chain_id, contract, cursor, shared):
                    raise _changed(contract)
                cursors[contract] = shared
        for contract in contracts:
            if contract not in self._proven:
                cursors[contract] = await self._proven_cursor(query, contract, cursors[contract])
                self._proven.add(contract)
        return cursors

    async def _proven_cursor(self, query: "_Query", contract: Address, cursor: Cursor | None) -> Cursor | None:
        """Return a contract's cursor, None where its index lacks the oldest logs and was dropped for that."""
        if cursor is None or query.untouched is None:
            return cursor
        first = await self._store.first_block(self._chain_id, contract)
        last_empty = cursor.block_number if first is None else first - 1
        start, topics = query.start_block, query.topics
        if not await lacks_oldest(query.reader, contract, topics, query.untouched, start, last_empty):
            return cursor
        if not await self._store.rewind(self._chain_id, contract, cursor, None):
            raise _changed(contract)
        return None

    async def _newest_shared(self, reader: ChainReader, contract: Address, cursor: Cursor) -> Cursor | None:
        """Return the newest block before a cursor whose logs are indexed and that is the chain's; None without one."""
        below, count = cursor.block_number, _FIRST_LOOK_BACK
        while blocks := await self._store.blocks_before(self._chain_id, contract, below, count):
            if await _is_shared(reader, blocks[-1]):
                # Whatever is before a block of the chain is of the chain too.
                newest, oldest = 0, len(blocks) - 1
                while newest < oldest:
                    middle = (newest + oldest) // 2
                    if await _is_shared(reader, blocks[middle]):
                        oldest = middle
                    else:
                        newest = middle + 1
                return blocks[oldest]
            below, count = blocks[-1].block_number, min(2 * count, _LONGEST_LOOK_BACK)
        return None


@dataclass(frozen=True)
class _Query:
    reader: ChainReader
    topics: Sequence[str]
    wallet_of: WalletOf
    start_block: int
    span_blocks: int
    untouched: Untouched | None

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


def _grouped(cursors: Cursors) -> dict[Cursor | None, list[Address]]:
    """Return the contracts by how far they are indexed: those of one cursor are asked for together."""
    groups: dict[Cursor | None, list[Address]] = defaultdict(list)
    for contract, cursor in cursors.items():
        groups[cursor].append(contract)
    return dict(groups)


def _holds(now: Cursor | None, promised: Cursor | None) -> bool:
    """Return whether a contract that is indexed up to `now` has everything up to another cursor."""
    if promised is None or now == promised:
        return True
    return now is not None and now.block_number > promised.block_number


def _is_within(log: Log, cursor: Cursor | None) -> bool:
    return cursor is not None and log.block_number <= cursor.block_number


def _changed(contract: Address) -> HistoryIncomplete:
    return HistoryIncomplete(f"the index of {contract} was changed by another process while it was filled: try again")


async def _is_shared(reader: ChainReader, block: Cursor) -> bool:
    return block == await cursor_at(reader, block.block_number)
