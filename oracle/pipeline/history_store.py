"""The memory of the history sources, in Postgres."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.request import Address
from oracle.history.reading.memory import Stored
from oracle.store import findings


class PostgresHistoryStore:
    """Keeps findings in `history_findings`, each write in a transaction of its own."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        """See HistoryStore."""
        async with self._sessions() as session:
            rows = await findings.of_wallet(session, chain_id, wallet)
        return {row.source: Stored(row.from_block, row.to_block, row.to_hash, row.content) for row in rows}

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        """See HistoryStore."""
        async with self._sessions.begin() as session:
            await findings.keep(session, chain_id, wallet, {source: asdict(one) for source, one in found.items()})
