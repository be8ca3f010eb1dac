"""Requests in Postgres: arrival, claims between processes, the way onward and its audit log."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import FIELD_MODULUS, NATIVE_COIN, Address, AssessmentRequest, BlockRef, LoanTerms
from oracle.assessment.states import State
from oracle.store import requests, tallies
from oracle.store.requests import ClaimLost
from oracle.store.tables import RequestRow, TransitionRow

Sessions = async_sessionmaker[AsyncSession]
CHAIN = 31337
ORACLE = Address("0x" + "0a" * 20)
DAEMON = 7
OTHER_ORACLE = Address("0x" + "0b" * 20)
FOUND = {
    "history": {"a": 1},
    "features": {"encoded": [1]},
    "model_id": "0x" + "01" * 32,
    "scores": {"score_bps": 1},
    "feature_commitment": Decimal(5),
    "outputs": [1, -(2**126)],
    "proof": b"proof",
    "signatures": ["0x01"],
    "decline_reason": 2,
}


def block(number: int, fork: str = "a") -> BlockRef:
    return BlockRef(number, "0x" + f"{number:062x}" + f"{fork}{fork}", 1_000 + number)


def request(request_id: int, at: BlockRef | None = None) -> AssessmentRequest:
    return AssessmentRequest(
        request_id=request_id,
        user=Address("0x" + "11" * 20),
        requester=Address("0x" + "22" * 20),
        terms=LoanTerms(NATIVE_COIN, 2**128 - 1, Address("0x" + "cc" * 20), 1, 86_400),
        data_commitment=FIELD_MODULUS - 1,
        fee_wei=2**96 - 1,
        requested_at=1_000,
        deadline=5_000,
        block=at or block(request_id),
        transaction_hash="0x" + "44" * 32,
    )


async def stored(sessions: Sessions, *found: AssessmentRequest, oracle: Address = ORACLE) -> list[int]:
    async with sessions.begin() as session:
        return await requests.add(session, CHAIN, oracle, found)


async def row_of(sessions: Sessions, request_id: int) -> RequestRow:
    async with sessions() as session:
        return await requests.find(session, CHAIN, ORACLE, request_id)


async def moved(sessions: Sessions, request_id: int, state: State, **values: object) -> None:
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, request_id, lock=True)
        for name, value in values.items():
            setattr(row, name, value)
        await requests.move(session, row, state, "test")


async def log_of(sessions: Sessions, request_id: int) -> list[tuple[str | None, str]]:
    async with sessions() as session:
        row = await requests.find(session, CHAIN, ORACLE, request_id)
        return [(step.source, step.target) for step in await requests.transitions(session, row)]


async def claimed(session: AsyncSession, state: State = State.REQUESTED) -> RequestRow | None:
    return await requests.claim(session, CHAIN, ORACLE, state, DAEMON, uuid4())


# ------------------------------------------------------------------ arrival


@pytest.mark.parametrize("request_id", [2**63, 2**256 - 1])
async def test_find__when_the_id_is_beyond_64_bits__then_unknown_like_any_other(
    sessions: Sessions, request_id: int
) -> None:
    with pytest.raises(InvalidRequest, match=f"request {request_id} of oracle"):
        await row_of(sessions, request_id)


async def test_add__when_read_back__then_the_same_request_to_the_last_bit(sessions: Sessions) -> None:
    await stored(sessions, request(2**40 - 1))
    assert requests.to_request(await row_of(sessions, 2**40 - 1)) == request(2**40 - 1)


async def test_add__when_found_twice__then_stored_once_and_reported_once(sessions: Sessions) -> None:
    first = await stored(sessions, request(1), request(2))
    again = await stored(sessions, request(2), request(1), request(3))
    assert (len(first), len(again)) == (2, 1)
    assert await log_of(sessions, 1) == [(None, "requested")]


async def test_add__when_two_daemons_find_the_same__then_one_stores_it(sessions: Sessions) -> None:
    arrived = await asyncio.gather(*(stored(sessions, request(1)) for _ in range(5)))
    assert sorted(len(ids) for ids in arrived) == [0, 0, 0, 0, 1]
    assert await log_of(sessions, 1) == [(None, "requested")]


async def test_add__when_another_oracle_has_the_same_id__then_both_stand(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await stored(sessions, request(1), oracle=OTHER_ORACLE)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(RequestRow)) == 2


async def test_add__when_a_vanished_request_is_logged_again__then_it_starts_anew_in_its_new_block(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.PROVEN, **FOUND)
    async with sessions.begin() as session:
        assert len(await requests.vanish(session, CHAIN, ORACLE, 1)) == 1
    assert len(await stored(sessions, request(1, block(9, "b")))) == 1
    row = await row_of(sessions, 1)
    assert (row.state, row.block_number, row.block_hash, row.attempts) == ("requested", 9, block(9, "b").hash, 0)
    assert {name: getattr(row, name) for name in FOUND} == dict.fromkeys(FOUND)
    assert await log_of(sessions, 1) == [
        (None, "requested"),
        ("requested", "proven"),
        ("proven", "vanished"),
        ("vanished", "requested"),
    ]
    async with sessions.begin() as session:
        assert await claimed(session) is not None, "it must be due at once"


@pytest.mark.parametrize("state", [State.REQUESTED, State.PROVEN, State.SUBMITTED, State.FINAL])
async def test_add__when_it_moved_without_being_marked_vanished__then_it_starts_anew_all_the_same(
    sessions: Sessions, state: State
) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, state, **FOUND)
    assert len(await stored(sessions, request(1, block(1, "b")))) == 1
    row = await row_of(sessions, 1)
    assert (row.state, row.block_hash, row.proof, row.decline_reason) == ("requested", block(1, "b").hash, None, None)


async def test_vanish__when_called__then_only_from_that_block_on_and_only_this_oracle(sessions: Sessions) -> None:
    await stored(sessions, request(1), request(2), request(3))
    await stored(sessions, request(3), oracle=OTHER_ORACLE)
    async with sessions.begin() as session:
        assert len(await requests.vanish(session, CHAIN, ORACLE, 2)) == 2
        assert await requests.vanish(session, CHAIN, ORACLE, 2) == []
        assert (await tallies.counts(session, CHAIN, ORACLE))[State.VANISHED] == 2
        assert (await tallies.counts(session, CHAIN, OTHER_ORACLE))[State.VANISHED] == 0
    assert (await row_of(sessions, 1)).state == State.REQUESTED


async def test_vanish__when_a_worker_stores_its_result__then_it_waits_and_wins(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        row = await claimed(session)
    assert row is not None

    async def vanish() -> None:
        async with sessions.begin() as session:
            await requests.vanish(session, CHAIN, ORACLE, 1)

    async with sessions.begin() as worker:
        await requests.hold(worker, row.id, row.claim)
        worker.add(row)
        waiting = asyncio.create_task(vanish())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await requests.move(worker, row, State.COLLECTED, "done meanwhile")
    await waiting
    assert (await log_of(sessions, 1))[-2:] == [("requested", "collected"), ("collected", "vanished")]


# ------------------------------------------------------------------ claims


async def test_claim__when_two_sessions_ask__then_different_rows_oldest_first_and_none_for_the_third(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1))
    await stored(sessions, request(2))
    async with sessions.begin() as one, sessions.begin() as two, sessions.begin() as three:
        rows = [await claimed(session) for session in (one, two, three)]
        assert [row and int(row.request_id) for row in rows] == [1, 2, None]


async def test_claim__when_the_state_or_the_oracle_is_another__then_none(sessions: Sessions) -> None:
    await stored(sessions, request(1), oracle=OTHER_ORACLE)
    async with sessions.begin() as session:
        assert await claimed(session) is None
        assert await requests.claim(session, CHAIN, OTHER_ORACLE, State.COLLECTED, DAEMON, uuid4()) is None
        assert await requests.claim(session, CHAIN + 1, OTHER_ORACLE, State.REQUESTED, DAEMON, uuid4()) is None
        assert await requests.claim(session, CHAIN, OTHER_ORACLE, State.REQUESTED, DAEMON, uuid4()) is not None


async def test_claim__when_not_due_yet__then_none_until_it_is(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        row = await claimed(session)
        assert row is not None
        await requests.retry(session, row, "endpoint away", timedelta(hours=1))
    async with sessions.begin() as session:
        assert await claimed(session) is None
    async with sessions.begin() as session:
        await session.execute(update(RequestRow).values(run_after=RequestRow.run_after - timedelta(hours=1)))
    async with sessions.begin() as session:
        again = await claimed(session)
        assert again is not None
        assert (again.attempts, again.fault) == (1, "endpoint away")


async def test_claim__when_committed__then_nobody_elses_until_it_moves_rests_or_is_given_back(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1))
    for end in ("rest", "give back", "move"):
        async with sessions.begin() as session:
            row = await claimed(session)
        assert row is not None
        assert row.claim is not None
        assert row.claimed_by == DAEMON
        async with sessions.begin() as session:
            assert await claimed(session) is None
        async with sessions.begin() as session:
            await requests.hold(session, row.id, row.claim)
            session.add(row)
            if end == "rest":
                await requests.retry(session, row, "away", timedelta())
            elif end == "move":
                await requests.move(session, row, State.COLLECTED, "done")
            else:
                assert await requests.give_back(session, [row.claim]) == 1
        found = await row_of(sessions, 1)
        assert (found.claim, found.claimed_by) == (None, None)


async def test_hold__when_the_request_was_moved_or_claimed_again__then_what_was_found_counts_no_more(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        first = await claimed(session)
    assert first is not None
    assert first.claim is not None
    async with sessions.begin() as session:
        await requests.give_back(session, [first.claim])
    async with sessions.begin() as session:
        second = await claimed(session)
    assert second is not None
    with pytest.raises(ClaimLost):
        async with sessions.begin() as session:
            await requests.hold(session, first.id, first.claim)
    async with sessions.begin() as session:
        await requests.vanish(session, CHAIN, ORACLE, 1)
    with pytest.raises(ClaimLost):
        async with sessions.begin() as session:
            await requests.hold(session, second.id, second.claim)


async def test_claim__when_many_workers_race__then_each_request_is_taken_once(sessions: Sessions) -> None:
    await stored(sessions, *(request(number) for number in range(1, 31)))

    async def work() -> list[int]:
        taken = []
        while True:
            async with sessions.begin() as session:
                row = await claimed(session)
                if row is None:
                    return taken
                taken.append(int(row.request_id))
                await requests.move(session, row, State.COLLECTED, "done")

    taken = await asyncio.gather(*(work() for _ in range(6)))
    assert sorted(chain.from_iterable(taken)) == list(range(1, 31))


# ------------------------------------------------------------------ the way onward


async def test_move__when_to_another_state__then_logged_and_attempts_anew(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.COLLECTED, attempts=3, fault="x")
    row = await row_of(sessions, 1)
    assert (row.state, row.attempts, row.fault) == ("collected", 0, None)
    async with sessions() as session:
        last = (await requests.transitions(session, row))[-1]
    assert (last.source, last.target, last.reason) == ("requested", "collected", "test")


async def test_move__when_it_rests_in_its_state__then_not_logged_but_its_faults_are_over(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.SUBMITTED)
    before = await log_of(sessions, 1)
    await moved(sessions, 1, State.SUBMITTED, attempts=7, fault="endpoint away")
    row = await row_of(sessions, 1)
    assert (row.attempts, row.fault) == (0, None)
    assert await log_of(sessions, 1) == before


async def test_log__when_a_request_goes_all_the_way__then_every_step_with_reason_time_and_duration(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1))
    way = [State.COLLECTED, State.SCORED, State.PROVEN, State.SIGNED, State.SUBMITTED, State.CONFIRMED, State.FINAL]
    for number, state in enumerate(way):
        async with sessions.begin() as session:
            row = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
            if state is State.PROVEN:
                await requests.retry(session, row, "prover died", timedelta())
            await requests.move(session, row, state, f"step {number}", seconds=number / 2)
    async with sessions() as session:
        steps = await requests.transitions(session, await requests.find(session, CHAIN, ORACLE, 1))
    assert [step.target for step in steps] == [
        "requested", "collected", "scored", "scored", "proven", "signed", "submitted", "confirmed", "final",
    ]  # fmt: skip
    assert steps[3].reason == "try 1 failed: prover died"
    assert [step.source for step in steps][1:] == [step.target for step in steps][:-1]
    assert [step.seconds for step in steps if step.reason.startswith("step")] == [n / 2 for n in range(7)]
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert len({step.at for step in steps}) == len(steps)


async def test_log__when_the_change_is_rolled_back__then_the_log_is_too(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions() as session:
        row = await claimed(session)
        assert row is not None
        await requests.move(session, row, State.COLLECTED, "crash comes before the commit")
        await session.rollback()
    assert await log_of(sessions, 1) == [(None, "requested")]
    assert (await row_of(sessions, 1)).state == State.REQUESTED


async def test_log__when_an_endpoints_words_hold_nul__then_stored_without_it(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        row = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
        await requests.retry(session, row, "refused:\x00 bad", timedelta())
        await requests.move(session, row, State.DECLINING, "said \x00 no")
    async with sessions() as session:
        steps = await requests.transitions(session, await requests.find(session, CHAIN, ORACLE, 1))
    assert [step.reason for step in steps[1:]] == ["try 1 failed: refused: bad", "said  no"]


async def test_state__when_unknown__then_the_database_refuses(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    with pytest.raises(IntegrityError, match="ck_requests_state"):
        async with sessions.begin() as session:
            await session.execute(update(RequestRow).values(state="bogus"))


async def test_transitions__when_a_request_is_deleted__then_its_log_goes_with_it(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    async with sessions.begin() as session:
        await session.execute(text("delete from requests"))
        assert await session.scalar(select(func.count()).select_from(TransitionRow)) == 0


# ------------------------------------------------------------------ the operator


async def test_requeue__when_dead__then_from_the_start_with_nothing_kept(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.DEAD, **FOUND)
    async with sessions.begin() as session:
        await requests.requeue(session, CHAIN, ORACLE, 1)
    row = await row_of(sessions, 1)
    assert (row.state, row.attempts) == ("requested", 0)
    assert {name: getattr(row, name) for name in FOUND} == dict.fromkeys(FOUND)
    assert (await log_of(sessions, 1))[-1] == ("dead", "requested")
    async with sessions.begin() as session:
        assert await claimed(session) is not None


@pytest.mark.parametrize("state", [state for state in State if state is not State.DEAD])
async def test_requeue__when_not_dead__then_refused_with_its_state(sessions: Sessions, state: State) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, state)
    with pytest.raises(InvalidRequest, match=f"request 1 is {state}: only dead requests"):
        async with sessions.begin() as session:
            await requests.requeue(session, CHAIN, ORACLE, 1)
    assert (await row_of(sessions, 1)).state == state


async def test_find__when_never_seen__then_refused_by_name(sessions: Sessions) -> None:
    with pytest.raises(InvalidRequest, match=f"request 5 of oracle {ORACLE} on chain 31337 is not known here"):
        await row_of(sessions, 5)


async def test_counts__when_asked__then_every_state_with_its_number(sessions: Sessions) -> None:
    await stored(sessions, request(1), request(2), request(3))
    await stored(sessions, request(9), oracle=OTHER_ORACLE)
    await moved(sessions, 2, State.FINAL)
    async with sessions() as session:
        found = await tallies.counts(session, CHAIN, ORACLE)
    assert set(found) == set(State)
    assert {state: number for state, number in found.items() if number} == {State.REQUESTED: 2, State.FINAL: 1}


# ------------------------------------------------------------------ what an endpoint left out


async def missing(sessions: Sessions, count: int) -> tuple[int, int] | None:
    async with sessions() as session:
        return await requests.first_missing(session, CHAIN, ORACLE, count)


async def test_first_missing__when_all_are_there__then_none(sessions: Sessions) -> None:
    assert await missing(sessions, 0) is None
    await stored(sessions, request(1), request(2))
    assert await missing(sessions, 2) is None


async def test_first_missing__when_gaps__then_the_lowest_and_the_block_before_it(sessions: Sessions) -> None:
    assert await missing(sessions, 3) == (1, 0)
    await stored(sessions, request(1, block(10)), request(2, block(20)), request(4, block(40)), request(6, block(60)))
    await stored(sessions, request(3), oracle=OTHER_ORACLE)
    assert await missing(sessions, 6) == (3, 20)
    assert await missing(sessions, 2) is None


async def test_first_missing__when_it_vanished__then_it_is_missing(sessions: Sessions) -> None:
    await stored(sessions, request(1, block(10)), request(2, block(20)))
    async with sessions.begin() as session:
        await requests.vanish(session, CHAIN, ORACLE, 20)
    assert await missing(sessions, 2) == (2, 10)


async def test_first_missing__when_requests_are_many__then_still_quick(sessions: Sessions) -> None:
    await stored(sessions, *(replace(request(1), request_id=number) for number in range(1, 60)))
    async with asyncio.timeout(30):
        assert await missing(sessions, 300_000) == (60, 1)
