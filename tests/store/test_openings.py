"""What borrowers hand in, in Postgres: kept while a request may need it, and erased with its end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.request import AssessmentRequest
from oracle.assessment.states import State
from oracle.store import event_log, openings, requests, tallies
from tests.store.test_requests import CHAIN, ORACLE, block, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]
_ENDS = (State.FINAL, State.DECLINED, State.CLOSED, State.EXPIRED)


async def handed_in(sessions: Sessions, asked: AssessmentRequest) -> int:
    """Store a request that waits, with an opening and a proof; return its row's id."""
    await stored(sessions, asked)
    await moved(sessions, asked.request_id, State.AWAITING_PROOF)
    row = (await row_of(sessions, asked.request_id)).id
    async with sessions.begin() as session:
        await openings.keep_opening(session, row, b"nonce", b"sealed")
        await openings.keep_proof(
            session, row, model_id="0x" + "01" * 32, feature_commitment=5, outputs=[1, -(2**126)], proof=b"proof"
        )
    return row


async def there(sessions: Sessions, row: int) -> tuple[bool, bool]:
    """Return whether a request has an opening, and a posted proof."""
    async with sessions() as session:
        found = await openings.opening_of(session, row), await openings.proof_of(session, row)
        return found[0] is not None, found[1] is not None


@pytest.mark.parametrize("state", [state for state in State if state is not State.AWAITING_PROOF])
async def test_opening__when_its_request_is_over__is_erased_with_that_change_and_not_before(
    sessions: Sessions, state: State
) -> None:
    row = await handed_in(sessions, request(1))
    await moved(sessions, 1, state)
    left = state not in _ENDS
    assert await there(sessions, row) == (left, left)


async def test_opening__when_the_end_is_rolled_back__is_still_there(sessions: Sessions) -> None:
    row = await handed_in(sessions, request(1))
    async with sessions() as session:
        held = await requests.find(session, CHAIN, ORACLE, 1, lock=True)
        await requests.move(session, held, State.FINAL, "test")
        await session.rollback()
    assert await there(sessions, row) == (True, True)


@pytest.mark.parametrize(
    ("again", "left"),
    [
        (request(1, block(9, "b")), (True, False)),
        (replace(request(1, block(9, "b")), data_commitment=7), (False, False)),
        (replace(request(1, block(9, "b")), user=request(1).requester), (False, False)),
        (request(1), (True, True)),
    ],
    ids=["in another block", "with other data", "of another wallet", "the same"],
)
@pytest.mark.parametrize("vanished", [True, False])
async def test_opening__when_its_request_comes_back__is_bound_again_or_dropped(
    sessions: Sessions, again: AssessmentRequest, left: tuple[bool, bool], vanished: bool
) -> None:
    row = await handed_in(sessions, request(1))
    if vanished:
        async with sessions.begin() as session:
            await requests.vanish(session, CHAIN, ORACLE, 1)
        assert await there(sessions, row) == (True, True)
        left = (left[0], False)
    await stored(sessions, again)
    assert await there(sessions, row) == left


async def test_opening__when_its_request_is_requeued__stays_and_the_proof_goes(sessions: Sessions) -> None:
    row = await handed_in(sessions, request(1))
    await moved(sessions, 1, State.DEAD)
    async with sessions.begin() as session:
        await requests.requeue(session, CHAIN, ORACLE, 1)
    assert await there(sessions, row) == (True, False)


async def test_useless__when_nobody_can_answer_any_more__are_erased(sessions: Sessions) -> None:
    rows = []
    for number, state in enumerate((State.VANISHED, State.DEAD, State.AWAITING_PROOF, State.SUBMITTED), start=1):
        rows.append(await handed_in(sessions, request(number)))
        if state is not State.AWAITING_PROOF:
            await moved(sessions, number, state)
    deadline = request(1).deadline
    for now, erased in ((deadline, 0), (deadline + 1, 2)):
        async with sessions.begin() as session:
            assert await openings.erase_useless(session, CHAIN, ORACLE, now) == erased
    assert [await there(sessions, row) for row in rows] == [(False, False)] * 2 + [(True, True)] * 2


async def test_reminder__is_told_by_its_name_once_and_is_no_failed_try(sessions: Sessions) -> None:
    row = await handed_in(sessions, request(1))
    async with sessions.begin() as session:
        assert not await openings.was_reminded(session, row)
        await requests.note(
            session, row, State.AWAITING_PROOF, State.AWAITING_PROOF, "waiting", notice=openings.REMINDER
        )
        await requests.note(session, row, State.AWAITING_PROOF, State.AWAITING_PROOF, "try 1 failed: x")
    async with sessions.begin() as session:
        assert await openings.was_reminded(session, row)
        changes = await _changes(session)
        steps = await tallies.steps(session, CHAIN, ORACLE, datetime.now(UTC) - timedelta(hours=1), tallies.MINUTE)
    assert [change.name for change in changes] == ["requested", "awaiting_proof", "reminder"]
    assert changes[-1].target == "awaiting_proof"
    failed = [step.count for step in steps if (step.source, step.target) == ("awaiting_proof", "awaiting_proof")]
    assert failed == [1], "the try that failed, not the reminder"
    # It waits anew, and may be reminded anew.
    await moved(sessions, 1, State.REQUESTED)
    await moved(sessions, 1, State.AWAITING_PROOF)
    async with sessions() as session:
        assert not await openings.was_reminded(session, row)


async def _changes(session: AsyncSession) -> Sequence[event_log.Change]:
    found, _ = await event_log.between(session, CHAIN, ORACLE, 0, 2**62, 100)
    return found


async def test_opening__handed_in_again__replaces_the_one_before(sessions: Sessions) -> None:
    row = await handed_in(sessions, request(1))
    async with sessions.begin() as session:
        await openings.keep_opening(session, row, b"other", b"again")
    async with sessions() as session:
        kept = await openings.opening_of(session, row)
        assert kept is not None
        assert (kept.nonce, kept.sealed) == (b"other", b"again")
        posted = await openings.proof_of(session, row)
        assert posted is not None
        assert (posted.feature_commitment, posted.outputs) == (Decimal(5), [1, -(2**126)])
