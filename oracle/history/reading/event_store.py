"""Where the events of markets that index nothing are kept, by chain and contract."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from oracle.assessment.request import Address
from oracle.history.reading.logs import Log, place_of


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a contract is indexed: everything up to this block is in the store."""

    block_number: int
    block_hash: str


class EventStore(Protocol):
    """Where indexed logs are kept, by chain and contract."""

    async def cursor(self, chain_id: int, contract: Address) -> Cursor | None:
        """Return how far a contract is indexed, None when it is not."""
        ...

    async def append(
        self,
        chain_id: int,
        contract: Address,
        since: Cursor | None,
        until: Cursor,
        logs: Sequence[tuple[Address, Log]],
    ) -> bool:
        """Add the logs (with their wallets) of the blocks after `since` up to `until`, all or none.

        Return False, and change nothing, when the contract's cursor is no longer `since`.
        """
        ...

    async def logs(self, chain_id: int, contracts: Sequence[Address], wallet: Address, until_block: int) -> list[Log]:
        """Return a wallet's logs up to a block, in the chain's order."""
        ...

    async def blocks_before(self, chain_id: int, contract: Address, block_number: int, limit: int) -> list[Cursor]:
        """Return the newest blocks before one that hold logs of a contract, newest first."""
        ...

    async def first_block(self, chain_id: int, contract: Address) -> int | None:
        """Return the oldest block that holds a log of a contract, None without one."""
        ...

    async def rewind(self, chain_id: int, contract: Address, since: Cursor, to: Cursor | None) -> bool:
        """Drop a contract's logs of the blocks after `to` (None: all), which becomes its cursor.

        Return False, and change nothing, when the contract's cursor is no longer `since`.
        """
        ...


class MemoryEventStore:
    """A store for one process: enough for an audit and for tests."""

    def __init__(self) -> None:
        self._cursors: dict[tuple[int, Address], Cursor] = {}
        self._logs: dict[tuple[int, Address], dict[Address, list[Log]]] = {}

    async def cursor(self, chain_id: int, contract: Address) -> Cursor | None:
        """See EventStore."""
        return self._cursors.get((chain_id, contract))

    async def append(
        self,
        chain_id: int,
        contract: Address,
        since: Cursor | None,
        until: Cursor,
        logs: Sequence[tuple[Address, Log]],
    ) -> bool:
        """See EventStore."""
        key = (chain_id, contract)
        if self._cursors.get(key) != since:
            return False
        by_wallet = self._logs.setdefault(key, defaultdict(list))
        for wallet, log in logs:
            by_wallet[wallet].append(log)
        self._cursors[key] = until
        return True

    async def logs(self, chain_id: int, contracts: Sequence[Address], wallet: Address, until_block: int) -> list[Log]:
        """See EventStore."""
        found = [log for one in contracts for log in self._logs.get((chain_id, one), {}).get(wallet, ())]
        return sorted((log for log in found if log.block_number <= until_block), key=place_of)

    async def blocks_before(self, chain_id: int, contract: Address, block_number: int, limit: int) -> list[Cursor]:
        """See EventStore."""
        logs = (log for several in self._logs.get((chain_id, contract), {}).values() for log in several)
        blocks = {(log.block_number, log.block_hash) for log in logs if log.block_number < block_number}
        return [Cursor(*block) for block in sorted(blocks, reverse=True)[:limit]]

    async def first_block(self, chain_id: int, contract: Address) -> int | None:
        """See EventStore."""
        logs = (log for several in self._logs.get((chain_id, contract), {}).values() for log in several)
        return min((log.block_number for log in logs), default=None)

    async def rewind(self, chain_id: int, contract: Address, since: Cursor, to: Cursor | None) -> bool:
        """See EventStore."""
        key = (chain_id, contract)
        if self._cursors.get(key) != since:
            return False
        if to is None:
            del self._cursors[key]
            self._logs.pop(key, None)
            return True
        self._cursors[key] = to
        for wallet, logs in self._logs.get(key, {}).items():
            self._logs[key][wallet] = [log for log in logs if log.block_number <= to.block_number]
        return True
