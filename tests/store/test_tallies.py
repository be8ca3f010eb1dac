"""Counters: exact before and after they are folded, whatever moves, and filled by the migration from what there is."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.store import database, requests, tallies
from oracle.store.tables import RequestRow, TransactionRow
from oracle.store.tally_tables import GasTallyRow, RequestTallyRow, StepTallyRow, TallyChangeRow
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE, block, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]
FEE = 2**96 - 1


async def told(sessions: Sessions) -> dict[tuple[str, int], tuple[int, int]]:
    async with sessions() as session:
        found = await tallies.states(session, CHAIN, ORACLE)
    return {(one.state.value, one.reason): (one.count, one.fees_wei) for one in found}


async def steps(sessions: Sessions, width: int = tallies.MINUTE) -> dict[tuple[str, str], int]:
    async with sessions() as session:
        found = await tallies.steps(session, CHAIN, ORACLE, datetime.now(UTC) - timedelta(hours=2), width)
    counted: dict[tuple[str, str], int] = {}
    for one in found:
        counted[one.source, one.target] = counted.get((one.source, one.target), 0) + one.count
    return counted


async def fold(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await tallies.fold(session)


async def lived(sessions: Sessions) -> None:
    """Let four requests arrive, one be answered, one be declined, one die and come back; one is of another oracle."""
    await stored(sessions, request(1), request(2), request(3), request(4))
    await stored(sessions, request(1), oracle=OTHER_ORACLE)
    for state in (State.COLLECTED, State.SCORED, State.CONFIRMED):
        await moved(sessions, 1, state)
    # A decline is confirmed too, and no answer.
    await moved(sessions, 2, State.CONFIRMED, decline_reason=3)
    await moved(sessions, 2, State.DECLINING)
    await moved(sessions, 3, State.DEAD)
    async with sessions.begin() as session:
        await requests.requeue(session, CHAIN, ORACLE, 3)


EXPECTED = {("confirmed", 0): (1, FEE), ("declining", 3): (1, FEE), ("requested", 0): (2, 2 * FEE)}


async def test_states__before_and_after_folding__are_those_of_the_rows(sessions: Sessions) -> None:
    await lived(sessions)
    assert await told(sessions) == EXPECTED
    assert await fold(sessions) > 0
    assert await told(sessions) == EXPECTED
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(TallyChangeRow)) == 0
        assert (await tallies.counts(session, CHAIN, ORACLE))[State.REQUESTED] == 2
        assert (await tallies.counts(session, CHAIN, OTHER_ORACLE))[State.REQUESTED] == 1


async def test_states__when_rolled_back__then_nothing_was_counted(sessions: Sessions) -> None:
    async with sessions() as session:
        await requests.add(session, CHAIN, ORACLE, [request(1)])
        await session.rollback()
    assert await told(sessions) == {}


async def test_states__when_a_block_is_reorganised_away__then_they_move_too(sessions: Sessions) -> None:
    await stored(sessions, request(1, block(10)), request(2, block(11)))
    async with sessions.begin() as session:
        await requests.vanish(session, CHAIN, ORACLE, 11)
    assert await told(sessions) == {("requested", 0): (1, FEE), ("vanished", 0): (1, FEE)}
    async with sessions.begin() as session:
        await session.execute(delete(RequestRow).where(RequestRow.request_id == 2))
    assert await told(sessions) == {("requested", 0): (1, FEE)}


async def test_states__when_many_move_at_once_and_folding_runs_beside_them__then_none_is_lost(
    sessions: Sessions,
) -> None:
    await stored(sessions, *(request(number) for number in range(1, 41)))
    moving = [moved(sessions, number, State.COLLECTED) for number in range(1, 31)]
    folding = [fold(sessions) for _ in range(10)]
    await asyncio.gather(*moving, *folding)
    assert await told(sessions) == {("requested", 0): (10, 10 * FEE), ("collected", 0): (30, 30 * FEE)}
    await fold(sessions)
    assert await told(sessions) == {("requested", 0): (10, 10 * FEE), ("collected", 0): (30, 30 * FEE)}


async def test_moves__when_another_transaction_moves_from_the_same_state__then_neither_waits(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1), request(2))
    async with sessions() as first, sessions() as second:
        for number, session in ((1, first), (2, second)):
            row = await requests.find(session, CHAIN, ORACLE, number, lock=True)
            await session.execute(text("set local lock_timeout = '50ms'"))
            await requests.move(session, row, State.COLLECTED, "test")
            await session.flush()
        await second.commit()
        await first.commit()


async def test_steps__when_made__then_counted_by_minute_and_hour_with_the_whole_way(sessions: Sessions) -> None:
    await lived(sessions)
    expected = {
        ("arrival", "requested"): 4,
        ("requested", "collected"): 1,
        ("collected", "scored"): 1,
        ("scored", "confirmed"): 1,
        ("total", "confirmed"): 1,
        ("requested", "confirmed"): 1,
        ("confirmed", "declining"): 1,
        ("requested", "dead"): 1,
        ("dead", "requested"): 1,
    }
    assert await steps(sessions) == expected
    await fold(sessions)
    assert await steps(sessions) == expected
    assert await steps(sessions, tallies.HOUR) == expected


async def test_steps__when_a_try_fails__then_a_step_that_leads_nowhere(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
        await requests.retry(session, row, "away", timedelta(seconds=1))
    assert (await steps(sessions))["requested", "requested"] == 1


async def test_minutes__when_older_than_two_days__then_forgotten_and_hours_kept(sessions: Sessions) -> None:
    await lived(sessions)
    await fold(sessions)
    async with sessions.begin() as session:
        await session.execute(update(StepTallyRow).values(starts=StepTallyRow.starts - timedelta(days=3)))
    await fold(sessions)
    async with sessions() as session:
        assert set(await session.scalars(select(StepTallyRow.width))) == {tallies.HOUR}


async def test_gas__when_mined_replaced_and_reorganised__then_what_the_chain_took(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    row = await row_of(sessions, 1)
    sent = {"chain_id": CHAIN, "sender": "0x" + "55" * 20, "to": ORACLE, "data": b"", "gas_limit": 1}
    async with sessions.begin() as session:
        session.add(TransactionRow(**sent, nonce=1, kind="answer", request=row.id))
        session.add(TransactionRow(**sent, nonce=2, kind="empty"))
    mined = update(TransactionRow).values(gas_used=700_000, gas_price_wei=Decimal(10**12))
    async with sessions.begin() as session:
        await session.execute(mined)
    spent = 7 * 10**17
    for _ in range(2):
        async with sessions() as session:
            found = [(one.kind, one.count, one.wei, one.week_wei) for one in await tallies.gas(session, CHAIN)]
        assert found == [("answer", 1, spent, spent), ("empty", 1, spent, spent)]
        await fold(sessions)
    async with sessions.begin() as session:
        await session.execute(update(TransactionRow).values(gas_used=None, gas_price_wei=None))
    async with sessions() as session:
        assert await tallies.gas(session, CHAIN) == []


async def test_migration__over_rows_that_are_there__counts_them_as_the_triggers_would(own_engine: AsyncEngine) -> None:
    sessions = async_sessionmaker(own_engine, expire_on_commit=False)
    await lived(sessions)
    async with sessions.begin() as session:
        values = {"kind": "answer", "gas_limit": 1, "gas_used": 5, "gas_price_wei": Decimal(3), "data": b""}
        session.add(TransactionRow(chain_id=CHAIN, sender="0x1", to="0x2", nonce=1, **values))
    before = await steps(sessions), await steps(sessions, tallies.HOUR)

    def again(connection: Connection) -> None:
        config = database._alembic()
        config.attributes["connection"] = connection
        parent = ScriptDirectory.from_config(config).get_revision("0010").down_revision
        command.downgrade(config, str(parent))
        command.upgrade(config, "head")

    async with own_engine.begin() as connection:
        await connection.run_sync(again)
    assert await told(sessions) == EXPECTED
    assert (await steps(sessions), await steps(sessions, tallies.HOUR)) == before
    async with sessions() as session:
        assert [one.wei for one in await tallies.gas(session, CHAIN)] == [15]
        assert await session.scalar(select(func.count()).select_from(TallyChangeRow)) == 0
        assert await session.scalar(select(func.count()).select_from(RequestTallyRow)) == 4
        assert await session.scalar(select(func.count()).select_from(GasTallyRow)) == 1


@pytest.mark.parametrize("seconds", [0.002, 0.5, 1.0, 17.0, 3_600.0])
def test_quantiles__of_one_duration__are_within_a_fifth(seconds: float) -> None:
    for found in tallies.quantiles({tallies.bucket_of(seconds): 9, tallies.UNTIMED: 100}, (0.5, 0.95, 0.99)):
        assert found is not None
        assert seconds / 1.2 <= found <= seconds * 1.2


def test_quantiles__of_two_groups__part_them() -> None:
    buckets = {tallies.bucket_of(1.0): 90, tallies.bucket_of(100.0): 10}
    median, high = tallies.quantiles(buckets, (0.5, 0.95))
    assert median is not None
    assert median < 1.3
    assert high is not None
    assert high > 80


def test_quantiles__of_nothing__are_unknown() -> None:
    assert tallies.quantiles({}, (0.5, 0.99)) == [None, None]
