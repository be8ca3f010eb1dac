"""A wallet's events from a subgraph, as the logs that its entities were made from: the node does the rest.

Which events there were is the subgraph's word; prices, shares and positions at their blocks are the node's. So a
history is the same to the last digit whichever gave its events, but the node must hold the state of those blocks.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete, InvalidRequest
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.history.reading.abi import Event
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.logs import Log
from oracle.history.reading.memory import source_key
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph import Entity, GraphQuery, SubgraphClient

_SOURCE: Final = "subgraph-blocks"

Entities = Mapping[str, Sequence[Entity]]
"""Entities by the name of their field."""


class SubgraphLogs(ABC):
    """One market's events, asked from its subgraph for one wallet at a time."""

    def __init__(self, reader: ChainReader, client: SubgraphClient, query: GraphQuery) -> None:
        self.reader = reader
        self.name = client.name
        self._client = client
        self._query = query
        self._known: dict[int, str] = {}
        self._hashes: Memo[int, str] = Memo(self._read_hash)

    async def of(self, wallet: Address, at: BlockRef) -> list[Log]:
        """Return a wallet's logs up to a block, by block; the order within one is the subgraph's.

        Raises BlockUnavailable while the subgraph has not indexed this block, HistoryIncomplete for an entity that
        lacks something.
        """
        key = source_key(_SOURCE, self.name)
        await self._remember(key, at)
        found: dict[str, list[Entity]] = defaultdict(list)
        async for pages in self._client.pages(self._query, self.values(wallet), at):
            for kind, entities in pages.items():
                self._check_blocks(kind, entities, at)
                found[kind] += entities
        logs = await self.logs(found, wallet)
        if self.reader.memory is not None and self.reader.memory.at == at:
            blocks = {log.block_number: log.block_hash for log in logs}
            self.reader.memory.keep(key, 0, [list(block) for block in sorted(blocks.items())])
        return sorted(logs, key=lambda log: (log.block_number, log.index))

    @abstractmethod
    def values(self, wallet: Address) -> Mapping[str, str]:
        """Return the query's variables for a wallet."""

    async def logs(self, entities: Entities, wallet: Address) -> list[Log]:
        """Return the logs that a wallet's entities were made from."""
        return await all_of(
            self.one_log(kind, entity, wallet) for kind, several in entities.items() for entity in several
        )

    @abstractmethod
    def place(self, kind: str, entity: Entity) -> tuple[int, int]:
        """Return the number of an entity's block, and its event's place in there."""

    @abstractmethod
    async def one_log(self, kind: str, entity: Entity, wallet: Address) -> Log:
        """Return the log that one entity was made from."""

    async def log(
        self,
        event: Event,
        indexed: Iterable[str],
        data: Iterable[Any],
        address: Address,
        place: tuple[int, int],
        transaction_hash: str | None = None,
    ) -> Log:
        """Return an event's log: `indexed` are its topics behind the first, `data` the values that are not indexed.

        `place` is what the method of that name gave.
        """
        try:
            encoded = encode(event.data, list(data))
        except EncodingError as error:
            raise HistoryIncomplete(f"subgraph {self.name} sent a {event.name} that cannot be: {error}") from None
        number, index = place
        block = await self.block_hash(number)
        return Log(address, (event.topic, *indexed), encoded, number, block, index, transaction_hash)

    async def block_hash(self, number: int) -> str:
        """Return the hash of the chain's block of a number."""
        return await self._hashes.get(number)

    def number(self, kind: str, entity: Entity, *path: str) -> int:
        """Return the whole number at a path of an entity; raises HistoryIncomplete."""
        try:
            return int(_at(entity, path))
        except (KeyError, TypeError, ValueError) as error:
            raise self.incomplete(kind, entity, path) from error

    def address(self, kind: str, entity: Entity, *path: str) -> Address:
        """Return the address at a path of an entity; raises HistoryIncomplete."""
        try:
            return to_address(str(_at(entity, path)))
        except (KeyError, TypeError, InvalidRequest) as error:
            raise self.incomplete(kind, entity, path) from error

    def incomplete(self, kind: str, entity: Entity, path: Iterable[str]) -> HistoryIncomplete:
        """Return the error for an entity that lacks something."""
        return HistoryIncomplete(
            f"entity {entity.get('id')} of {kind} came without a usable {'.'.join(path)} from subgraph {self.name}"
        )

    def _check_blocks(self, kind: str, entities: Sequence[Entity], at: BlockRef) -> None:
        for entity in entities:
            number, _ = self.place(kind, entity)
            if number > at.number:
                raise HistoryIncomplete(
                    f"subgraph {self.name} was asked for {kind} at block {at.number}, and sent one of {number}"
                )

    async def _remember(self, key: str, at: BlockRef) -> None:
        """Take the hashes that an earlier read asked for, if their blocks are still the chain's."""
        memory = self.reader.memory
        known = None if memory is None else memory.find(key)
        if known and known.to_block <= at.number and await self.reader.is_canonical(known.to_block, known.to_hash):
            self._known |= dict(known.content)
        self._known[at.number] = at.hash

    async def _read_hash(self, number: int) -> str:
        if number not in self._known:
            block = await self.reader.request("eth_getBlockByNumber", [hex(number), False])
            if block is None:
                raise BlockUnavailable(f"subgraph {self.name} tells of block {number}, which the node lacks")
            self._known[number] = str(block["hash"])
        return self._known[number]


def _at(entity: Entity, path: Iterable[str]) -> Any:
    found: Any = entity
    for name in path:
        found = found[name]
    return found
