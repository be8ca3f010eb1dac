"""The daemon is not ready while answers do not get through, and says which of three reasons it is."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import update

from oracle.assessment.states import State
from oracle.pipeline import metrics
from oracle.pipeline.upkeep.nonces import hold_nonces
from oracle.pipeline.upkeep.watch_ledger import watch_ledger
from oracle.store import requests
from oracle.store.tables import AccountRow, RequestRow, TransactionRow, TransitionRow
from tests.support.declining import ask, ask_and_decline, confirm_all, step
from tests.support.event_source import Ingest

LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


async def said(ingest: Ingest) -> str:
    await watch_ledger(ingest.context)
    part = ingest.context.health.parts["ledger"]
    assert part.ok == (not part.text)
    return part.text


async def test_ledger__when_all_is_well__is_ready_also_while_answers_wait_for_a_block(ingest: Ingest) -> None:
    assert await said(ingest) == ""
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    assert await said(ingest) == ""
    await confirm_all(ingest)
    assert await said(ingest) == ""


async def test_gap__that_is_not_closed__makes_the_daemon_unready_until_it_is(ingest: Ingest) -> None:
    context = ingest.context
    await ask_and_decline(ingest)
    async with context.sessions.begin() as session:
        session.add(AccountRow(chain_id=context.chain_id, address=context.signer.address, next_nonce=1))
    await step(ingest, "decline")
    await ingest.chain.rpc("evm_setAutomine", False)
    await hold_nonces(context)
    await hold_nonces(context)
    async with context.sessions.begin() as session:
        await session.execute(update(TransactionRow).where(TransactionRow.nonce == 0).values(next_since=LONG_AGO))
    assert "for a nonce that no answer holds" in await said(ingest)
    assert metrics.NONCE_GAP_SECONDS._value.get() > 3_000
    await ingest.chain.mine()
    await hold_nonces(context)
    assert await said(ingest) == ""
    assert metrics.NONCE_GAP_SECONDS._value.get() == 0


async def test_answer__that_is_not_mined_for_long__makes_the_daemon_unready(ingest: Ingest) -> None:
    await ingest.chain.rpc("evm_setAutomine", True)
    await ask_and_decline(ingest)
    await ingest.chain.rpc("evm_setAutomine", False)
    await step(ingest, "decline")
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(TransitionRow).values(at=LONG_AGO))
    assert "has not been mined for" in await said(ingest)
    await ingest.chain.mine()
    await step(ingest, "confirm")
    await ingest.chain.mine()
    await confirm_all(ingest)
    assert await said(ingest) == ""


async def test_request__that_nobody_works_on__makes_the_daemon_unready_but_a_queue_does_not(ingest: Ingest) -> None:
    await ask(ingest)
    await ask(ingest)
    context = ingest.context
    async with context.sessions.begin() as session:
        await session.execute(update(RequestRow).values(run_after=LONG_AGO))
    assert "nobody has worked on a due request" in await said(ingest)
    async with context.sessions.begin() as session:
        claimed = await requests.claim(
            session, context.chain_id, context.address, State.REQUESTED, daemon=1, claim=uuid4()
        )
        assert claimed is not None
    assert await said(ingest) == "", "the other one waits behind it"
