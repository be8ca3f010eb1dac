"""A database as a daemon fills it, and the dashboard over it: requests go through the store's own functions."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment import canonical
from oracle.assessment.request import Address, AssessmentRequest, BlockRef
from oracle.assessment.states import State
from oracle.config.dashboard import DashboardSettings, Role
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.pipeline.stages import score as stage
from oracle.store import database, ledger, operators, requests, shadow_scores, tallies
from oracle.store.embedded import create_database
from oracle.store.model_tables import DriftRow
from oracle.store.tables import CursorRow, RequestRow, TransactionRow
from oracle.web.dashboard.install import install
from oracle.web.dashboard.parts import Parts, page_engine
from oracle.web.dashboard.passwords import hashed
from tests.store.test_requests import CHAIN, ORACLE
from tests.unit.models.wallets import SITUATIONS, features

Sessions = async_sessionmaker[AsyncSession]
PASSWORD = "correct horse battery"
SENDER = Address("0x" + "55" * 20)
LENDERS = tuple(Address("0x" + digit * 40) for digit in "de")
WALLETS = tuple(Address(f"0x{7 + number:02x}" + "a1b2c3d4e5" * 3 + f"{number:08x}") for number in range(6))
HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>\x00{{7*7}}"
_numbers = count(1)
NOW = datetime.now(UTC).replace(microsecond=0)


@cache
def scoring() -> Context:
    """What the score stage needs of a daemon's parts."""
    model = Model.open(registry.load())
    return cast(Context, SimpleNamespace(model=model, answering=lambda: model, shadow=None))


@cache
def account_hash() -> str:
    """The stored form of PASSWORD, made once."""
    return hashed(PASSWORD)


@cache
def neutral_commitment() -> int:
    """Return what a request without private data commits to."""
    return registry.load().neutral_commitment


def asked(number: int, age: timedelta, terms: Any = None) -> AssessmentRequest:
    at = int((NOW - age).timestamp())
    situation = list(SITUATIONS.values())[number % len(SITUATIONS)]
    return AssessmentRequest(
        request_id=number,
        user=WALLETS[number % len(WALLETS)],
        requester=LENDERS[number % 2],
        terms=terms or situation.terms,
        data_commitment=neutral_commitment(),
        fee_wei=2 * 10**15,
        requested_at=at,
        deadline=at + 3_600,
        block=BlockRef(21_000_000 + number, f"0x{number:064x}", at),
        transaction_hash=f"0x{number:060x}beef",
    )


async def step(
    sessions: Sessions, number: int, state: State, reason: str, seconds: float | None = None, **found: Any
) -> None:
    """Take a request on, as the worker does."""
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
        for name, value in found.items():
            setattr(row, name, value)
        await requests.move(session, row, state, reason, seconds=seconds)


async def scored(sessions: Sessions, number: int) -> None:
    """Collect and score a request: real features of one of the known situations, by the shipped model."""
    situation = list(SITUATIONS.values())[number % len(SITUATIONS)]
    vector = features(situation)
    values = {name: None if value is None else str(value) for name, value in vector.values.items()}
    await step(
        sessions,
        number,
        State.COLLECTED,
        "48 sent and 31 received transactions, 12 lending events, 3 swaps, 0 term loans, 61 RPC calls",
        0.4 + number % 5 / 10,
        history=canonical.plain(situation.history),
        history_hash="0x" + "ab" * 32,
        features={"values": values, "encoded": list(vector.encoded)},
    )
    async with sessions() as session:
        row = await requests.find(session, CHAIN, ORACLE, number)
        settle = cast(Any, await stage.score(scoring(), row))
        outcome = await settle(session)
        await requests.move(session, row, outcome.target, outcome.reason, seconds=0.05)
        await session.commit()


async def sent(sessions: Sessions, number: int, *, kind: str = "answer", mined: bool, bumps: int = 0) -> None:
    """Enter a transaction into the ledger, with a form for each bump, and mine the last."""
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
        nonce = await ledger.take_nonce(session, CHAIN, SENDER, 0)
        one = TransactionRow(chain_id=CHAIN, sender=SENDER, nonce=nonce, request=row.id, kind=kind)
        one.to, one.data, one.gas_limit = ORACLE, b"\1", 900_000
        session.add(one)
        for bump in range(bumps + 1):
            fee = 20 * 10**9 * 9**bump // 8**bump
            digest = f"0x{number:032x}{bump:032x}"
            form = await ledger.add_broadcast(session, one, digest, b"\2", fee, 10**9)
        if mined:
            one.mined_hash, one.mined_block, one.mined_block_hash = form.hash, 21_000_003 + number, "0x" + "cd" * 32
            one.gas_used, one.gas_price_wei, one.succeeded = 812_345, Decimal(18 * 10**8), True


async def answered(sessions: Sessions, number: int, *, final: bool = True) -> None:
    """Take a request all the way."""
    await scored(sessions, number)
    await step(sessions, number, State.PROVEN, "3,840 bytes, verified here", 1.2 + number % 7 / 5, proof=b"\3" * 3_840)
    await step(sessions, number, State.SIGNED, "one signature", 0.01, signatures=["0x" + "11" * 65])
    await step(sessions, number, State.SUBMITTED, f"nonce taken, sent to {ORACLE}", 0.2)
    await sent(sessions, number, mined=True, bumps=number % 3)
    await step(sessions, number, State.CONFIRMED, f"mined in block {21_000_003 + number}", 0.1)
    if final:
        await step(sessions, number, State.FINAL, "12 blocks deep", 0.02)


async def fill(engine: AsyncEngine, *, hostile: str = "") -> None:
    """Fill the database: requests in every condition that a page shows."""
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    ages = {number: timedelta(minutes=7 * (40 - number)) for number in range(1, 31)}
    async with sessions.begin() as session:
        session.add(CursorRow(chain_id=CHAIN, oracle=ORACLE, next_block=21_000_050))
        await requests.add(session, CHAIN, ORACLE, [asked(number, age) for number, age in ages.items()])
        for name, role in (("ada", Role.OPERATOR), ("vera", Role.VIEWER)):
            await operators.add(session, name, role, account_hash())
    for number in range(1, 15):
        await answered(sessions, number, final=number < 13)
    await scored(sessions, 15)
    await scored(sessions, 16)
    await step(sessions, 16, State.PROVEN, "3,840 bytes, verified here", 1.4, proof=b"\3" * 3_840)
    await scored(sessions, 17)
    await step(sessions, 17, State.SUBMITTED, "nonce taken", 0.2)
    await sent(sessions, 17, mined=False, bumps=2)
    for number, why in ((18, 1), (19, 3), (20, 3), (21, 5)):
        await step(sessions, number, State.DECLINING, "a permanent cause", 0.3, decline_reason=why)
        await sent(sessions, number, kind="decline", mined=number < 21)
        if number < 21:
            await step(sessions, number, State.SUBMITTED, "decline sent", 0.1)
            await step(sessions, number, State.CONFIRMED, "decline mined", 0.1)
            await step(sessions, number, State.DECLINED, "deep enough", 0.1)
    pruned = "EndpointRefused: history is pruned at block 21000023"
    faults = ("ProvingFailed: the prover died", pruned, hostile or "ValueError: odd")
    for number, fault in zip((22, 23, 24), faults, strict=True):
        for _ in range(3):
            async with sessions.begin() as session:
                row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
                await requests.retry(session, row, fault, timedelta(seconds=1))
        await step(sessions, number, State.DEAD, f"gave up: {fault}", 0.1)
        async with sessions.begin() as session:
            row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
            row.fault, row.attempts = f"{fault}\n  in the trace\n  of the stage", 8
    await step(sessions, 25, State.EXPIRED, "its deadline passed")
    await step(sessions, 26, State.VANISHED, "block reorganised away")
    await _judged(sessions)
    async with sessions.begin() as session:
        # Arrivals were hours apart: so the curves have a shape.
        spread = "update tally_changes set at = at - (id % 50) * interval '1 minute' where what = 'step'"
        await session.execute(text(spread))
        waiting = update(RequestRow).where(RequestRow.request_id > 26)
        await session.execute(waiting.values(created_at=RequestRow.created_at - timedelta(minutes=3)))
        await tallies.fold(session)


async def _judged(sessions: Sessions) -> None:
    model = scoring().model
    async with sessions.begin() as session:
        for day in range(3):
            shifted = {"health_factor": 0.31, "balance": 0.14, "sent_count": 0.05}
            drift = {"features": shifted, "score_psi": 0.08, "category_psi": 0.03}
            content = {"drift": drift, "outcomes": {"ended": 40, "defaulted": 2, "brier": 0.031}}
            found = DriftRow(
                chain_id=CHAIN,
                oracle=ORACLE,
                model_id="0x" + model.source.model_id.hex(),
                window_days=7,
                requests=400 + day,
                worst_psi=0.31,
                content=content,
                at=NOW - timedelta(hours=3 - day),
            )
            session.add(found)
        for number in (1, 2, 3):
            row = await requests.find(session, CHAIN, ORACLE, number)
            other = {**(row.scores or {}), "score_bps": 5_000, "category": 1}
            await shadow_scores.keep(session, row, "0x" + "0f" * 32, other, row.outputs or [])


@pytest.fixture(scope="session")
def board_template(postgres_url: str, template: str) -> str:
    """The name of a filled database that nobody is connected to."""
    return _filled(postgres_url, template, "board_filled", "")


@pytest.fixture(scope="session")
def hostile_template(postgres_url: str, template: str) -> str:
    """The same with HOSTILE in every text that strangers can write."""
    return _filled(postgres_url, template, "board_hostile", HOSTILE)


def _filled(postgres_url: str, template: str, name: str, hostile: str) -> str:
    url = create_database(postgres_url, name, template)

    async def run() -> None:
        engine = database.connect(url, pool_size=2)
        await fill(engine, hostile=hostile)
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()
    return name


@pytest.fixture(scope="session")
def board_read_url(postgres_url: str, board_template: str) -> str:
    """A filled database for tests that only read."""
    return create_database(postgres_url, "board_read", board_template)


@pytest.fixture
def board_url(postgres_url: str, board_template: str) -> str:
    """A filled database of the test's own."""
    return create_database(postgres_url, f"board_{next(_numbers)}", board_template)


@dataclass(frozen=True)
class Serving:
    """A dashboard that listens; `parts` may be changed while it does."""

    address: str
    parts: Parts
    app: web.Application


@asynccontextmanager
async def serving(
    url: str, *, health: Health | None = None, read_only: bool = False, **settings: Any
) -> AsyncIterator[Serving]:
    """Serve the dashboard alone on a free port."""
    own = DashboardSettings(**settings)
    parts = Parts(
        page_engine(url, read_only=read_only),
        CHAIN,
        ORACLE,
        own,
        settings_shown={} if read_only else {"chain": {"rpc_url": "**********", "chain_id": CHAIN}, "web": {"port": 0}},
        health=health,
        read_only=read_only,
    )
    app = web.Application()
    install(app, parts)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Serving(f"http://127.0.0.1:{runner.addresses[0][1]}{own.path_prefix}", parts, app)
    finally:
        await runner.cleanup()


def well() -> Health:
    """A daemon's health, with one warning."""
    health = Health()
    for name in ("chain", "database", "model", "pipeline", "prover", "signer"):
        health.set(name, True)
    health.warn("dead_letters", "3 given up, request 24 last: mend the cause")
    return health
