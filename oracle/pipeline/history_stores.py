"""What the history's sources keep between requests, in Postgres: findings of a wallet, events of a market."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.request import Address
from oracle.history.reading.event_store import Cursor
from oracle.history.reading.logs import Log
from oracle.history.reading.memory import Stored
from oracle.store import findings, market_events
from oracle.store.market_events import MarketEvent

# One statement needs no transaction around it, which would be two more answers to wait for.
_BY_ITSELF: Final = {"isolation_level": "AUTOCOMMIT"}


class PostgresHistoryStore:
    """Keeps findings in `history_findings`, all of a wallet's in one statement."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        """See HistoryStore."""
        async with self._sessions() as session:
            connection = await session.connection(execution_options=_BY_ITSELF)
            rows = await findings.of_wallet(connection, chain_id, wallet)
        return {row.source: Stored(row.from_block, row.to_block, row.to_hash, row.content) for row in rows}

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        """See HistoryStore."""
        async with self._sessions() as session:
            connection = await session.connection(execution_options=_BY_ITSELF)
            # Not `asdict`, which copies a whole wallet's content leaf by leaf.
            rows = {
                source: {name: getattr(one, name) for name in ("from_block", "to_block", "to_hash", "content")}
                for source, one in found.items()
            }
            await findings.keep(connection, chain_id, wallet, rows)


class PostgresEventStore:
    """An EventStore whose logs outlive the process, and are shared by all daemons of one database."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def cursor(self, chain_id: int, contract: Address) -> Cursor | None:
        """See EventStore."""
        async with self._sessions() as session:
            found = await market_events.cursor(session, chain_id, contract)
        return None if found is None else Cursor(*found)

    async def append(
        self,
        chain_id: int,
        contract: Address,
        since: Cursor | None,
        until: Cursor,
        logs: Sequence[tuple[Address, Log]],
    ) -> bool:
        """See EventStore."""
        events = [
            MarketEvent(contract, log.block_number, log.index, log.block_hash, log.topics[0], wallet, log.data)
            for wallet, log in logs
        ]
        before = None if since is None else (since.block_number, since.block_hash)
        async with self._sessions.begin() as session:
            return await market_events.append(
                session, chain_id, contract, before, (until.block_number, until.block_hash), events
            )

    async def logs(self, chain_id: int, contracts: Sequence[Address], wallet: Address, until_block: int) -> list[Log]:
        """See EventStore."""
        async with self._sessions() as session:
            events = await market_events.events_of(session, chain_id, contracts, wallet, until_block)
        return [
            Log(one.contract, (one.topic,), one.data, one.block_number, one.block_hash, one.log_index) for one in events
        ]

    async def blocks_before(self, chain_id: int, contract: Address, block_number: int, limit: int) -> list[Cursor]:
        """See EventStore."""
        async with self._sessions() as session:
            found = await market_events.blocks_before(session, chain_id, contract, block_number, limit)
        return [Cursor(*block) for block in found]

    async def first_block(self, chain_id: int, contract: Address) -> int | None:
        """See EventStore."""
        async with self._sessions() as session:
            return await market_events.first_block(session, chain_id, contract)

    async def rewind(self, chain_id: int, contract: Address, since: Cursor, to: Cursor | None) -> bool:
        """See EventStore."""
        until = None if to is None else (to.block_number, to.block_hash)
        async with self._sessions.begin() as session:
            before = since.block_number, since.block_hash
            return await market_events.rewind(session, chain_id, contract, before, until)
