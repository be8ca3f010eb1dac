"""What the routes work with: settings, connections of their own, and the daemon's parts once it serves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment.request import Address
from oracle.chain.signer import Signer
from oracle.config.api import ApiSettings
from oracle.pipeline.context import Context
from oracle.store import database
from oracle.web.api.feed import Feed
from oracle.web.api.keyring import Keyring
from oracle.web.api.limits import Limits
from oracle.web.api.previews import Previews
from oracle.web.api.problems import Kind, Problem

_UNTIL_IT_SERVES_SECONDS = 5.0


@dataclass
class Api:
    """The API of one oracle on one chain; `context` gives the daemon's parts, None while it starts."""

    settings: ApiSettings
    chain_id: int
    oracle: Address
    engine: AsyncEngine
    context: Callable[[], Context | None]
    limits: Limits = field(init=False)
    public_limits: Limits = field(init=False)
    keyring: Keyring = field(init=False)
    previews: Previews = field(init=False)
    feed: Feed = field(init=False)
    sessions: async_sessionmaker[AsyncSession] = field(init=False)
    requester: Signer | None = field(init=False)

    def __post_init__(self) -> None:
        self.limits = Limits(self.settings.requests_per_minute, self.settings.burst)
        self.public_limits = Limits(self.settings.public_per_minute, self.settings.public_burst)
        self.keyring = Keyring(self.session)
        self.previews = Previews(self.settings)
        self.feed = Feed(self.session, self.chain_id, self.oracle)
        key = self.settings.requester_key
        self.requester = None if key is None else Signer(key.get_secret_value())
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @classmethod
    def of(
        cls,
        settings: ApiSettings,
        chain_id: int,
        oracle: Address,
        database_url: str,
        context: Callable[[], Context | None],
    ) -> Self:
        """Return an API with connections of its own: partners must never make a stage wait."""
        engine = database.connect(database_url, pool_size=settings.connections)
        return cls(settings, chain_id, oracle, engine, context)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session in a transaction, whose queries are cut off when they take too long."""
        async with self.sessions.begin() as session:
            milliseconds = round(self.settings.statement_seconds * 1_000)
            await session.execute(text("select set_config('statement_timeout', :it, true)"), {"it": str(milliseconds)})
            yield session

    def serving(self) -> Context:
        """Return the daemon's parts; raises Problem while it starts."""
        context = self.context()
        if context is None:
            raise Problem(
                Kind.UNAVAILABLE,
                "the daemon is starting: /readyz says what it waits for",
                retry_seconds=_UNTIL_IT_SERVES_SECONDS,
            )
        return context

    async def close(self) -> None:
        """End what is being read, and give the connections back."""
        await self.previews.close()
        await self.engine.dispose()
