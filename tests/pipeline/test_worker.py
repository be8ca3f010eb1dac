"""The worker on a real database: faults are kept with the request, and one bad request never holds up the others."""

import asyncio

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason, TransientFault
from oracle.assessment.request import AssessmentRequest
from oracle.assessment.states import State
from oracle.chain.contracts import BlockReader, OracleContract
from oracle.chain.rpc import EndpointRefused
from oracle.pipeline import worker
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.pipeline.worker import run_once
from oracle.store import ledger, requests
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
