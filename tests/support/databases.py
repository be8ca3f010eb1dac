"""Migrated databases: one with empty tables for each test, copies of it for tests that spoil the schema."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.store import database
from oracle.store.embedded import create_database, drop_database
from oracle.store.tables import Base

_TEMPLATE = "store_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def template(postgres_url: str) -> str:
    """The name of a migrated database that nobody is connected to."""
    url = create_database(postgres_url, _TEMPLATE)

    async def migrate() -> None:
        engine = database.connect(url, pool_size=1)
        await database.migrate(engine)
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, migrate()).result()
    return _TEMPLATE


@pytest.fixture(scope="session")
def shared_url(postgres_url: str, template: str) -> str:
    """A migrated database that tests share, one after the other."""
    return create_database(postgres_url, "store_shared", template)


@pytest.fixture
async def engine(shared_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database with empty tables."""
    engine = database.connect(shared_url, pool_size=30)
    async with engine.begin() as connection:
        # Without the triggers that count: what they note of an emptied table would stay.
        await connection.execute(text("set local session_replication_role = replica"))
        for table in reversed(Base.metadata.sorted_tables):
            await connection.execute(delete(table))
    yield engine
    await engine.dispose()


@pytest.fixture
async def own_engine(postgres_url: str, template: str) -> AsyncIterator[AsyncEngine]:
    """An engine on a migrated database that the test may spoil."""
    name = f"store_{next(_numbers)}"
    engine = database.connect(create_database(postgres_url, name, template), pool_size=5)
    yield engine
    await engine.dispose()
    drop_database(postgres_url, name)


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Sessions as the daemon makes them."""
    return async_sessionmaker(engine, expire_on_commit=False)
