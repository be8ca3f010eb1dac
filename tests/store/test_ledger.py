"""The transaction ledger: nonces without a gap or a double, whatever rolls back."""

import asyncio
import random
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.request import Address
from oracle.store import ledger, requests
from oracle.store.tables import TransactionRow
from tests.store.test_requests import CHAIN, ORACLE, request

Sessions = async_sessionmaker[AsyncSession]
SENDER = Address("0x" + "5e" * 20)
OTHER = Address("0x" + "6e" * 20)


def transaction(request_row: int, nonce: int) -> TransactionRow:
    return TransactionRow(
        chain_id=CHAIN,
        sender=SENDER,
        nonce=nonce,
        request=request_row,
        kind="answer",
        to=ORACLE,
        data=b"\x01",
        gas_limit=1,
    )


async def a_request(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        (row,) = await requests.add(session, CHAIN, ORACLE, [request(1)])
    return row


async def take(sessions: Sessions, chain_nonce: int = 0, sender: Address = SENDER, chain_id: int = CHAIN) -> int:
    async with sessions.begin() as session:
        return await ledger.take_nonce(session, chain_id, sender, chain_nonce)


class Crash(Exception):
    pass


async def test_nonces__when_twenty_take_at_once_and_some_roll_back__then_gapless(sessions: Sessions) -> None:
    row = await a_request(sessions)
    dice = random.Random(1)  # noqa: S311
    kept: list[int] = []

    async def spend(fails: bool, pause: float) -> None:
        async with sessions.begin() as session:
            nonce = await ledger.take_nonce(session, CHAIN, SENDER, 7)
            session.add(transaction(row, nonce))
            await asyncio.sleep(pause)
            if fails:
                raise Crash
        kept.append(nonce)

    jobs = [spend(number % 4 == 0, dice.random() / 50) for number in range(20)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(result, Crash) for result in results) == 5
    assert not [result for result in results if result is not None and not isinstance(result, Crash)]
    assert sorted(kept) == list(range(7, 22))
    assert await take(sessions, 7) == 22


async def test_nonce__when_the_chain_is_ahead__then_the_chains_and_never_behind_the_ledger(sessions: Sessions) -> None:
    assert [await take(sessions, nonce) for nonce in (3, 3, 10, 0)] == [3, 4, 10, 11]


async def test_nonce__when_another_key_or_chain__then_its_own_count(sessions: Sessions) -> None:
    assert await take(sessions, 3) == 3
    assert await take(sessions, 0, OTHER) == 0
    assert await take(sessions, 0, chain_id=1) == 0
    assert await take(sessions, 0) == 4


async def test_nonce__when_the_holder_has_not_committed__then_the_next_waits(sessions: Sessions) -> None:
    async with sessions.begin() as first:
        assert await ledger.take_nonce(first, CHAIN, SENDER, 0) == 0
        second = asyncio.create_task(take(sessions))
        await asyncio.sleep(0.1)
        assert not second.done()
    assert await second == 1


async def test_transaction__when_a_nonce_is_spent_twice__then_the_database_refuses(sessions: Sessions) -> None:
    row = await a_request(sessions)
    with pytest.raises(IntegrityError, match="uq_transactions_chain_id_sender_nonce"):
        async with sessions.begin() as session:
            session.add_all([transaction(row, 5), transaction(row, 5)])


async def test_broadcasts__when_replaced__then_every_hash_is_kept_newest_first(sessions: Sessions) -> None:
    row = await a_request(sessions)
    async with sessions.begin() as session:
        sent = transaction(row, 0)
        session.add(sent)
        await ledger.add_broadcast(session, sent, "0x01", b"\x01", 2**90, 1)
        await ledger.add_broadcast(session, sent, "0x02", b"\x02", 2**90 + 1, 2)
    async with sessions() as session:
        found = await ledger.transaction_of(session, row)
        assert found is not None
        forms = await ledger.broadcasts(session, found)
        assert [(form.hash, form.raw, form.max_fee_wei) for form in forms] == [
            ("0x02", b"\x02", Decimal(2**90 + 1)),
            ("0x01", b"\x01", Decimal(2**90)),
        ]


async def test_transaction_of__when_several__then_the_newest_and_none_without_any(sessions: Sessions) -> None:
    row = await a_request(sessions)
    async with sessions.begin() as session:
        assert await ledger.transaction_of(session, row) is None
        for nonce in (4, 5):
            session.add(transaction(row, nonce))
            await session.flush()
        found = await ledger.transaction_of(session, row)
        assert found is not None
        assert found.nonce == 5


async def test_failures__when_counted__then_only_mined_reverts_even_unflushed_ones(sessions: Sessions) -> None:
    row = await a_request(sessions)
    async with sessions.begin() as session:
        made = [transaction(row, nonce) for nonce in range(4)]
        session.add_all(made)
        await session.flush()
        made[0].succeeded, made[1].succeeded, made[2].succeeded = False, True, False
        assert await ledger.count_failures(session, row) == 2
