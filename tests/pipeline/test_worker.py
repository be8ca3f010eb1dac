"""The worker on a real database: faults are kept with the request, and one bad request never holds up the others."""

import asyncio
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from structlog.testing import capture_logs

from oracle.assessment.errors import DeclineReason, TransientFault
from oracle.assessment.request import AssessmentRequest
from oracle.assessment.states import State
from oracle.chain.contracts import BlockReader, OracleContract
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import EndpointRefused
from oracle.pipeline import claims, worker
from oracle.pipeline.claims import keep_claims
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.pipeline.upkeep import waiting
from oracle.pipeline.upkeep.waiting import wake_what_waited, watch_dead_letters
from oracle.pipeline.worker import run_once
from oracle.store import daemons, ledger, requests
from oracle.store.database import DatabaseUnreachable
from oracle.store.tables import RequestRow
from tests.support.event_source import Ingest


async def run_until_quiet(ingest: Ingest, stage: str, tries: int) -> None:
    for _ in range(tries):
        await run_once(ingest.context, stage)


async def confirm_now(ingest: Ingest) -> None:
    """Let the request be looked at again without waiting for its time."""
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(RequestRow).values(run_after=func.now()))
    assert await run_once(ingest.context, "confirm")


@pytest.fixture
def impatient(ingest: Ingest) -> Ingest:
    ingest.context.worker = ingest.context.worker.model_copy(update={"max_attempts": 3, "retry_seconds": 1e-6})
    return ingest


async def test_stage__that_the_database_refuses__ends_as_a_dead_letter_with_its_fault(
    impatient: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def divide(_: Context, row: RequestRow) -> Settle:
        row.fault = "half-way"

        async def settle(session: AsyncSession) -> Outcome:
            await session.execute(text("select 1 / 0"))
            return Outcome(State.COLLECTED, "never")

        return settle

    monkeypatch.setitem(worker.STAGES, "collect", divide)
    await impatient.oracle.ask()
    await impatient.search()
    await run_until_quiet(impatient, "collect", 5)
    row = await impatient.row(1)
    assert row.state == State.DEAD
    assert row.fault is not None
    assert "gave up after 3 tries: DataError" in row.fault


async def test_stage__whose_claim_ended_meanwhile__writes_nothing(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ingest.context

    async def overtaken(_: Context, row: RequestRow) -> Outcome:
        row.proof = b"stale"
        async with context.sessions.begin() as session:
            await requests.vanish(session, context.chain_id, context.address, 0)
        return Outcome(State.COLLECTED, "too late")

    monkeypatch.setitem(worker.STAGES, "collect", overtaken)
    await ingest.oracle.ask()
    await ingest.search()
    with capture_logs() as said:
        assert await run_once(context, "collect")
    assert [line["event"] for line in said] == ["claim_lost"]
    row = await ingest.row(1)
    assert (row.state, row.proof, row.fault) == (State.VANISHED, None, None)
    assert await ingest.steps(1) == ["requested", "vanished"]


async def test_stage__that_the_server_cuts_off__gives_its_claim_back_and_counts_no_try(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ingest.context

    async def cut_off(_: Context, __: RequestRow) -> Settle:
        async def settle(session: AsyncSession) -> Outcome:
            await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
            return Outcome(State.COLLECTED, "never")

        return settle

    monkeypatch.setitem(worker.STAGES, "collect", cut_off)
    await ingest.oracle.ask()
    await ingest.search()
    with pytest.raises(DatabaseUnreachable):
        await run_once(context, "collect")
    row = await ingest.row(1)
    assert (row.state, row.attempts, context.claims.in_hand) == (State.REQUESTED, 0, set())
    assert row.claim is not None
    keeping = asyncio.create_task(keep_claims(context))
    while (await ingest.row(1)).claim is not None:
        pass
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_database__that_says_nothing__is_told_and_the_daemon_keeps_its_place(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, real, silent = ingest.context, daemons.beat, asyncio.Event()
    context.claims.daemon = None
    asked, beaten = asyncio.Event(), asyncio.Event()

    async def beat(connection: AsyncConnection, daemon: int) -> bool:
        context.health.set("database", True)
        asked.set()
        await silent.wait()
        beaten.set()
        return await real(connection, daemon)

    monkeypatch.setattr(claims, "_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(daemons, "beat", beat)
    keeping = asyncio.create_task(keep_claims(context))
    await asked.wait()
    while context.health.ready:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert "has not answered" in context.health.parts["database"].text
    mine = context.claims.daemon
    silent.set()
    await beaten.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert context.claims.daemon == mine is not None


async def test_stage__that_the_server_has_no_time_for__is_tried_again_without_end(
    impatient: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(_: Context, __: RequestRow) -> Settle:
        async def settle(session: AsyncSession) -> Outcome:
            await session.execute(text("set local statement_timeout = '1ms'"))
            await session.execute(text("select pg_sleep(60)"))
            return Outcome(State.COLLECTED, "never")

        return settle

    monkeypatch.setitem(worker.STAGES, "collect", slow)
    await impatient.oracle.ask()
    await impatient.search()
    await run_until_quiet(impatient, "collect", 6)
    row = await impatient.row(1)
    assert row.state == State.REQUESTED
    assert row.fault is not None
    assert row.fault.startswith("waiting: DatabaseBusy")


async def test_request__past_its_deadline__is_watched_until_that_is_deep(ingest: Ingest) -> None:
    context = ingest.context
    await ingest.oracle.ask()
    await ingest.search()
    assert context.head is not None
    context.head = replace(context.head, timestamp=(await ingest.row(1)).deadline + 1)
    with capture_logs() as said:
        assert await run_once(context, "collect")
    row = await ingest.row(1)
    [line] = said
    assert (row.state, line["event"], line["log_level"]) == (State.SETTLING, "request_settling", "info")


async def test_faults__when_one_is_ours__come_with_a_trace_and_when_raised_on_purpose_without(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [Reverted("", "the contract reverted"), ZeroDivisionError("ours")]

    async def fail(*_: object) -> Outcome:
        raise faults.pop(0)

    monkeypatch.setitem(worker.STAGES, "collect", fail)
    ingest.context.worker = ingest.context.worker.model_copy(update={"retry_seconds": 1e-6})
    await ingest.oracle.ask()
    await ingest.search()
    with capture_logs() as said:
        while faults:
            await run_once(ingest.context, "collect")
    told = [(line["log_level"], "exc_info" in line) for line in said if line["event"] == "stage_failed"]
    assert told == [("warning", False), ("error", True)]


async def test_waiting__when_a_part_is_well_again__is_due_at_once(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ingest.context
    faults: list[Exception] = [TransientFault("away"), ValueError("odd")]

    async def fail(*_: object) -> Outcome:
        raise faults.pop(0)

    monkeypatch.setitem(worker.STAGES, "collect", fail)
    context.worker = context.worker.model_copy(update={"retry_seconds": 600.0})
    waking = asyncio.create_task(wake_what_waited(context))
    for _ in range(2):
        await ingest.oracle.ask()
    await ingest.search()
    for _ in range(2):
        assert await run_once(context, "collect")
    assert not await run_once(context, "collect")
    context.health.set("chain", False, "away")
    context.health.set("chain", True)
    monkeypatch.setitem(worker.STAGES, "collect", collected)
    async with asyncio.timeout(60):
        while not await run_once(context, "collect"):
            pass
    assert await ingest.states() == {State.REQUESTED: 1, State.COLLECTED: 1}, "a fault of its own waits on"
    waking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waking


async def collected(*_: object) -> Outcome:
    return Outcome(State.COLLECTED, "test")


async def test_dead_letters__are_a_warning_until_they_are_requeued(
    impatient: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> Outcome:
        raise ValueError("odd")

    context = impatient.context
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.001)
    monkeypatch.setitem(worker.STAGES, "collect", fail)
    watching = asyncio.create_task(watch_dead_letters(context))
    await impatient.oracle.ask()
    await impatient.search()
    await run_until_quiet(impatient, "collect", 4)
    async with asyncio.timeout(60):
        while "dead_letters" not in context.health.warnings:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert "1 given up, request 1 last: gave up after 3 tries" in context.health.warnings["dead_letters"].text
        assert REGISTRY.get_sample_value("risk_oracle_dead_letters") == 1
        async with context.sessions.begin() as session:
            await requests.requeue(session, context.chain_id, context.address, 1)
        while context.health.warnings:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_stage__after_many_passing_faults__gets_all_its_tries_for_a_lasting_one(
    impatient: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Exception] = [TransientFault("away") for _ in range(6)] + [ValueError("odd"), ValueError("odd")]

    async def fail(*_: object) -> Outcome:
        raise faults.pop(0)

    monkeypatch.setitem(worker.STAGES, "collect", fail)
    await impatient.oracle.ask()
    await impatient.search()
    for _ in range(8):
        await run_once(impatient.context, "collect")
        await asyncio.sleep(0.002)
    row = await impatient.row(1)
    assert not faults
    assert row.state == State.REQUESTED
    assert row.attempts == 2


async def test_search__when_the_endpoint_refuses_wide_ranges__asks_for_less_and_finds_everything(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, widths = OracleContract.requests, []

    async def narrow(self: OracleContract, first: int, last: int, blocks: BlockReader) -> list[AssessmentRequest]:
        widths.append(last - first + 1)
        if last - first + 1 > 4:
            raise EndpointRefused("query returned more than 10000 results")
        return await real(self, first, last, blocks)

    monkeypatch.setattr(OracleContract, "requests", narrow)
    for _ in range(3):
        await ingest.oracle.ask()
        await ingest.chain.mine(7)
    assert await ingest.search() == 3
    assert max(widths) > 4
    assert await ingest.search() == 0


async def test_transaction__that_waits_for_too_long__is_replaced_with_higher_fees_under_its_nonce(
    ingest: Ingest,
) -> None:
    context = ingest.context
    _, _, context.signer_set_digest = await ingest.oracle.contract.signers()
    await ingest.oracle.ask()
    await ingest.search()
    async with context.sessions.begin() as session:
        row = await requests.find(session, context.chain_id, context.address, 1, lock=True)
        row.decline_reason = DeclineReason.OPERATOR_POLICY.value
        await requests.move(session, row, State.DECLINING, "test")
    await ingest.chain.rpc("evm_setAutomine", False)
    await run_once(context, "decline")
    # Sent; too old, so a dearer one is made; that one is sent; mined.
    for patience_seconds in (3_600.0, 0.0, 3_600.0):
        context.transactions = context.transactions.model_copy(update={"replace_after_seconds": patience_seconds})
        await confirm_now(ingest)
    await ingest.chain.mine()
    await confirm_now(ingest)
    async with context.sessions() as session:
        mined = await ledger.transaction_of(session, (await ingest.row(1)).id)
        assert mined is not None
        sent = await ledger.broadcasts(session, mined)
    assert len(sent) == 2
    assert mined.mined_hash == sent[0].hash, "the dearer form was mined"
    assert sent[0].max_fee_wei > sent[1].max_fee_wei
    assert await context.client.nonce(context.signer.address) == 1
