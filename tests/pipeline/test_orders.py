"""What an operator orders for a transaction that waits: a dearer form at once, or that it be taken back."""

from sqlalchemy import select

from oracle.assessment.states import State
from oracle.chain.fees import FeePolicy, Tips
from oracle.pipeline.upkeep.nonces import hold_nonces
from oracle.store import ledger, requests
from oracle.store.ledger import EMPTY
from oracle.store.tables import TransactionRow
from tests.support.declining import ask_and_decline, confirm_all, declining, forms, mined, on_chain, step, transactions
from tests.support.event_source import Ingest


async def waiting(ingest: Ingest) -> TransactionRow:
    """Let a transaction be sent that is not mined, and not old enough to be replaced; return it."""
    await ask_and_decline(ingest)
    await ingest.chain.rpc("evm_setAutomine", False)
    await step(ingest, "decline")
    await step(ingest, "confirm")
    (one,) = await transactions(ingest)
    assert len(await forms(ingest, 0)) == 1
    return one


async def order_bump(ingest: Ingest) -> None:
    async with ingest.context.sessions.begin() as session:
        number = await session.scalar(select(TransactionRow.id))
        assert number is not None
        await ledger.order_bump(session, number, "ada")


async def test_bump__of_a_transaction_that_waits__is_sent_once_with_higher_fees(ingest: Ingest) -> None:
    await waiting(ingest)
    await order_bump(ingest)
    for _ in range(3):
        await step(ingest, "confirm")
    dearer, first = await forms(ingest, 0)
    assert dearer.max_fee_wei >= first.max_fee_wei * 110 / 100
    (row,) = await transactions(ingest)
    assert row.bump_by is None
    await mined(ingest, 1)
    await confirm_all(ingest)
    (row,) = await transactions(ingest)
    assert (row.mined_hash, row.succeeded) == (dearer.hash, True)


async def test_bump__at_the_limit__is_given_up_and_nothing_is_signed(ingest: Ingest) -> None:
    await waiting(ingest)
    (only,) = await forms(ingest, 0)
    ingest.context.fees = FeePolicy(int(only.max_fee_wei), Tips(10**9, 10**9, 10**11))
    await order_bump(ingest)
    await step(ingest, "confirm")
    assert len(await forms(ingest, 0)) == 1
    (row,) = await transactions(ingest)
    assert row.bump_by is None


async def test_bump__of_a_nonce_that_is_taken_back__is_sent_with_higher_fees(ingest: Ingest) -> None:
    await cancelled(ingest)
    await hold_nonces(ingest.context)
    assert [form.kind for form in await forms(ingest, 0)] == [EMPTY, "decline"]
    await order_bump(ingest)
    for _ in range(2):
        await hold_nonces(ingest.context)
    found = await forms(ingest, 0)
    assert [form.kind for form in found] == [EMPTY, EMPTY, "decline"]
    assert found[0].max_fee_wei > found[1].max_fee_wei


async def cancelled(ingest: Ingest) -> None:
    one = await waiting(ingest)
    assert one.request is not None
    async with ingest.context.sessions.begin() as session:
        await requests.set_aside(session, one.request, "operator ada")
    row = await ingest.row(1)
    assert row.state == State.DEAD
    assert row.fault == "its transaction was cancelled by operator ada: bring it back, or decline it"


async def test_cancel__of_a_transaction_that_waits__spends_its_nonce_on_nothing(ingest: Ingest) -> None:
    await cancelled(ingest)
    await hold_nonces(ingest.context)
    await mined(ingest, 1)
    assert await on_chain(ingest, 0) == (21_000, True, 0)
    assert await ingest.states() == {State.DEAD: 1}


async def test_cancel__and_then_declined_again__is_sent_and_mined(ingest: Ingest) -> None:
    await cancelled(ingest)
    await hold_nonces(ingest.context)
    await declining(ingest)
    await step(ingest, "decline")
    await mined(ingest, 1)
    for _ in range(6):
        if await ingest.states() == {State.CONFIRMED: 1}:
            break
        await step(ingest, "confirm" if State.SUBMITTED in await ingest.states() else "decline")
        await ingest.chain.mine()
    assert await ingest.states() == {State.CONFIRMED: 1}
