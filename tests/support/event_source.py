"""A daemon's parts on a real chain and a real database, without its process: what tests of single rooms work with."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

from oracle.assessment.states import State
from oracle.chain.fees import FeePolicy, Tips
from oracle.config.chain import ChainSettings, TransactionSettings
from oracle.config.history import HistorySettings
from oracle.config.worker import WorkerSettings
from oracle.devnet.machinery.anvil import Anvil
from oracle.history.identity.labels import Labels
from oracle.models.inference import Model
from oracle.models.registry import load
from oracle.pipeline.context import Claims, Context
from oracle.pipeline.health import Health
from oracle.pipeline.history import Histories
from oracle.pipeline.ingest import search_new_blocks
from oracle.proving.prover import Prover
from oracle.store import database, requests, tallies
from oracle.store.tables import CursorRow, RequestRow
from tests.support.oracle_on_chain import OracleOnChain, oracle_on


@dataclass
class Ingest:
    """A daemon's event source beside the chain that it follows."""

    oracle: OracleOnChain
    engine: AsyncEngine
    context: Context

    @property
    def chain(self) -> Anvil:
        return self.oracle.chain

    async def search(self) -> int:
        return await search_new_blocks(self.context)

    async def restart(self) -> None:
        """Forget all that a killed daemon forgets."""
        await self.engine.dispose()
        self.context = replace(self.context, head=None, health=Health())

    async def next_block(self) -> int:
        async with self.context.sessions() as session:
            return await session.scalar(select(CursorRow.next_block)) or 0

    async def row(self, request_id: int) -> RequestRow:
        async with self.context.sessions() as session:
            return await requests.find(session, self.context.chain_id, self.context.address, request_id)

    async def states(self) -> dict[State, int]:
        async with self.context.sessions() as session:
            counts = await tallies.counts(session, self.context.chain_id, self.context.address)
        return {state: count for state, count in counts.items() if count}

    async def work_on(self, request_id: int, state: State = State.PROVEN) -> None:
        """Take a request as far as the worker would."""
        async with self.context.sessions.begin() as session:
            key = (self.context.chain_id, self.context.address, request_id)
            row = await requests.find(session, *key, lock=True)
            row.proof, row.scores = b"proof", {"score_bps": 1}
            await requests.move(session, row, state, "test")

    async def steps(self, request_id: int) -> list[str]:
        async with self.context.sessions() as session:
            row = await self.row(request_id)
            return [step.target for step in await requests.transitions(session, row)]


@pytest.fixture
async def ingest(chain: Anvil, database_url: str) -> AsyncIterator[Ingest]:
    engine = database.connect(database_url, pool_size=4)
    await database.migrate(engine)
    async with oracle_on(chain) as oracle:
        yield Ingest(oracle, engine, _context(oracle, engine))
    await engine.dispose()


def _context(oracle: OracleOnChain, engine: AsyncEngine) -> Context:
    model = load()
    settings = ChainSettings(
        rpc_url=oracle.chain.rpc_url,  # type: ignore[arg-type]
        chain_id=oracle.chain.chain_id,
        oracle=oracle.contract.address,
        confirmations=2,
        log_range=50,
        poll_seconds=0.05,
    )
    history = HistorySettings(coin_price_feed=oracle.contract.address)
    return Context(
        chain_id=settings.chain_id,
        w3=oracle.w3,
        chain=settings,
        worker=WorkerSettings(),
        transactions=TransactionSettings(),
        sessions=async_sessionmaker(engine, expire_on_commit=False),
        oracle=oracle.contract,
        client=oracle.client,
        fees=FeePolicy(10**12, Tips(10**9, 10**9, 10**11)),
        signer=oracle.signer,
        signer_set_digest=bytes(32),
        histories=Histories(oracle.w3, history, settings.chain_id),
        labels=Labels({}),
        declined_labels=frozenset(),
        model=Model.open(model),
        prover=Prover(model.directory, Path("build/keys/never-entered")),
        health=Health(),
        # Without a beat of its own; nobody else is on its database.
        claims=Claims(daemon=1),
    )
