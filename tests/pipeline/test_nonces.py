"""No nonce is left to nobody: whatever reorganisations, strangers and backups do, the chain never waits for ever."""

import pytest
from sqlalchemy import select

from oracle.assessment.states import State
from oracle.pipeline.upkeep.nonces import hold_nonces
from oracle.store import requests
from oracle.store.ledger import EMPTY
from oracle.store.tables import AccountRow, BroadcastRow, TransactionRow
from tests.support.declining import (
    ask,
    ask_and_decline,
    confirm_all,
    declining,
    foreign,
    forms,
    make_older,
    mined,
    on_chain,
    rollback,
    send_foreign,
    step,
    transactions,
)
from tests.support.event_source import Ingest


async def test_answer__that_a_reorganisation_took_with_its_request__leaves_no_gap(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    await rollback(ingest, 2)
    assert (await ingest.row(1)).state == State.VANISHED
    (gone,) = await transactions(ingest)
    assert (gone.mined_hash, gone.mined_block, gone.succeeded) == (None, None, None), "its block is gone"

    await hold_nonces(ingest.context)
    await mined(ingest, 1)
    assert await on_chain(ingest, 0) == (21_000, True, 0)
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert [row.nonce for row in await transactions(ingest)] == [0, 1]


async def test_nonce__of_a_request_that_vanished_before_its_transaction_was_sent__is_spent_on_nothing(
    ingest: Ingest,
) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await hold_nonces(ingest.context)
    await mined(ingest, 0)
    assert (await forms(ingest, 0))[0].kind == "decline", "a request still waits for this transaction"
    async with ingest.context.sessions.begin() as session:
        await requests.vanish(session, ingest.context.chain_id, ingest.context.address, 0)
    await hold_nonces(ingest.context)
    await mined(ingest, 1)
    assert await on_chain(ingest, 0) == (21_000, True, 0)
    await hold_nonces(ingest.context)
    (row,) = await transactions(ingest)
    assert (row.kind, row.gas_used, row.succeeded) == (EMPTY, 21_000, True)
    assert len(await forms(ingest, 0)) == 2, "nothing more was signed"


async def test_nonce__of_a_stranger_whose_transaction_was_reorganised_away__is_filled(ingest: Ingest) -> None:
    await ask(ingest)
    await send_foreign(ingest, 0)
    await declining(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert [row.nonce for row in await transactions(ingest)] == [1]
    head = await ingest.chain.block_number()
    asked = (await ingest.row(1)).block_number
    await rollback(ingest, head - asked)
    assert await ingest.context.client.nonce(ingest.context.signer.address) == 0
    await step(ingest, "finalize")
    await hold_nonces(ingest.context)
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert await on_chain(ingest, 0) == (21_000, True, 0)


async def test_strangers_transaction__that_the_node_holds__is_left_alone(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await ingest.chain.rpc("evm_setAutomine", False)
    await ingest.chain.rpc("eth_sendRawTransaction", foreign(ingest, 0))
    await step(ingest, "decline")
    await hold_nonces(ingest.context)
    assert [row.nonce for row in await transactions(ingest)] == [1]


async def test_count__ahead_of_every_transaction__is_set_back(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    context = ingest.context
    async with context.sessions.begin() as session:
        session.add(AccountRow(chain_id=context.chain_id, address=context.signer.address, next_nonce=300))
    context.head = None
    await ingest.search()
    await hold_nonces(context)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert [row.nonce for row in await transactions(ingest)] == [0]


async def test_count__ahead_of_the_chain_with_answers_waiting_behind__is_filled_and_all_are_mined(
    ingest: Ingest,
) -> None:
    # As a relayer once did in the field: its own count ran ahead, hundreds were marked sent, none was ever mined.
    context = ingest.context
    for _ in range(5):
        await ask(ingest)
    async with context.sessions.begin() as session:
        session.add(AccountRow(chain_id=context.chain_id, address=context.signer.address, next_nonce=70))
    for number in range(1, 6):
        await declining(ingest, number)
        await step(ingest, "decline")
    await step(ingest, "confirm", 5)
    await mined(ingest, 0)
    await hold_nonces(context)
    await mined(ingest, 64)
    await hold_nonces(context)
    await mined(ingest, 75)
    await confirm_all(ingest)
    assert await ingest.states() == {State.CONFIRMED: 5}


async def test_final_answer__whose_block_a_deep_reorganisation_took__is_sent_again(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await ingest.chain.mine(3)
    await step(ingest, "decline")
    await confirm_all(ingest)
    await ingest.chain.mine(3)
    await ingest.search()
    await step(ingest, "finalize")
    assert (await ingest.row(1)).state == State.DECLINED
    await rollback(ingest, 4)
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert await ingest.context.client.nonce(ingest.context.signer.address) == 0
    await step(ingest, "finalize")
    await confirm_all(ingest)
    await ingest.chain.mine(3)
    await step(ingest, "finalize")
    assert (await ingest.row(1)).state == State.DECLINED
    assert [row.nonce for row in await transactions(ingest)] == [0], "the same transaction"


async def test_final_answer__whose_nonce_is_open_again_though_no_rewind_was_seen__is_sent_again(
    ingest: Ingest,
) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    await ingest.chain.mine(3)
    await step(ingest, "finalize")
    await ingest.chain.rpc("anvil_rollback", 4)
    await ingest.chain.mine()
    await hold_nonces(ingest.context)
    assert (await ingest.row(1)).state == State.CONFIRMED
    (row,) = await transactions(ingest)
    assert (row.kind, row.mined_hash) == ("decline", None)


async def test_answer__in_the_pool_when_a_reorganisation_takes_its_request__is_cancelled_before_the_next_block(
    ingest: Ingest,
) -> None:
    await ask_and_decline(ingest)
    await ingest.chain.rpc("evm_setAutomine", False)
    await step(ingest, "decline")
    await step(ingest, "confirm")
    (waiting,) = await forms(ingest, 0)
    await rollback(ingest, 1, mine=0)
    assert (await ingest.row(1)).state == State.VANISHED
    cancelled, first = await forms(ingest, 0)
    assert (cancelled.kind, first.hash) == (EMPTY, waiting.hash)
    await mined(ingest, 1)
    assert await on_chain(ingest, 0) == (21_000, True, 0), "it would have reverted, for more gas"


async def test_request__that_comes_back_in_another_block__takes_its_own_nonce_again(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    first = (await forms(ingest, 0))[0]
    await ingest.chain.rpc("evm_setAutomine", False)
    await rollback(ingest, 1)
    await ingest.chain.rpc("anvil_dropAllTransactions")
    await ingest.chain.rpc("evm_setAutomine", True)
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED
    (row,) = await transactions(ingest)
    newest, cancelled, oldest = await forms(ingest, 0)
    assert row.mined_hash == newest.hash
    assert (cancelled.kind, oldest.hash) == (EMPTY, first.hash)
    assert newest.max_fee_wei > cancelled.max_fee_wei > oldest.max_fee_wei, "a node that still holds one takes the next"


async def test_answer__of_which_an_earlier_form_is_mined_after_it_was_taken_back__is_told_by_what_was_mined(
    ingest: Ingest,
) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    first = (await forms(ingest, 0))[0]
    await ingest.chain.rpc("evm_setAutomine", False)
    async with ingest.context.sessions.begin() as session:
        row = await requests.find(session, ingest.context.chain_id, ingest.context.address, 1, lock=True)
        await requests.move(session, row, State.DEAD, "test")
    await hold_nonces(ingest.context)
    await ingest.chain.rpc("anvil_dropAllTransactions")
    await ingest.chain.rpc("eth_sendRawTransaction", "0x" + first.raw.hex())
    await mined(ingest, 1)
    await hold_nonces(ingest.context)
    (sent,) = await transactions(ingest)
    assert (sent.kind, sent.succeeded, sent.mined_hash) == ("decline", True, first.hash)


async def test_empty_transaction__that_waits_for_too_long__is_replaced_and_only_as_the_next_nonce(
    ingest: Ingest,
) -> None:
    await ingest.chain.rpc("evm_setAutomine", True)
    for number in (1, 2):
        await ask_and_decline(ingest, number)
        await step(ingest, "decline")
    await ingest.chain.rpc("evm_setAutomine", False)
    async with ingest.context.sessions.begin() as session:
        await requests.vanish(session, ingest.context.chain_id, ingest.context.address, 0)
    for _ in range(2):
        await hold_nonces(ingest.context)
    await make_older(ingest, 3_600)
    await hold_nonces(ingest.context)
    assert [form.kind for form in await forms(ingest, 0)] == [EMPTY, EMPTY, "decline"]
    assert [form.kind for form in await forms(ingest, 1)] == [EMPTY, "decline"]
    await mined(ingest, 2)


async def test_fees__behind_a_gap__do_not_climb(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    context = ingest.context
    async with context.sessions.begin() as session:
        session.add(AccountRow(chain_id=context.chain_id, address=context.signer.address, next_nonce=1))
    await step(ingest, "decline")
    for _ in range(4):
        await step(ingest, "confirm")
        await make_older(ingest, 3_600)
    assert len(await forms(ingest, 1)) == 1
    await ingest.chain.rpc("evm_setAutomine", False)
    await hold_nonces(context)
    await mined(ingest, 2)


@pytest.mark.parametrize("deep", [False, True])
async def test_nonce__that_a_stranger_spent__is_given_up_only_when_that_is_deep(ingest: Ingest, deep: bool) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await send_foreign(ingest, 0)
    await step(ingest, "confirm")
    row = await ingest.row(1)
    assert row.state == State.SUBMITTED
    if deep:
        await ingest.chain.mine(2)
        await step(ingest, "confirm")
        assert (await ingest.row(1)).state == State.DECLINING
        await step(ingest, "decline")
        await confirm_all(ingest)
        nonces = [0, 1]
    else:
        await rollback(ingest, 2)
        await confirm_all(ingest)
        nonces = [0]
    assert (await ingest.row(1)).state == State.CONFIRMED
    assert [one.nonce for one in await transactions(ingest)] == nonces


async def test_pass__after_all_is_well__asks_and_writes_nothing_more(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    await ingest.chain.mine(3)
    await step(ingest, "finalize")
    await hold_nonces(ingest.context)
    async with ingest.context.sessions() as session:
        assert len((await session.scalars(select(BroadcastRow))).all()) == 1
        assert (await session.scalars(select(TransactionRow.nonce))).all() == [0]
