"""Explanations in Postgres: one a request, written with its scores, gone when these are void."""

from decimal import Decimal

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.store import explanations, requests
from oracle.store.explanations import Told
from oracle.store.tables import ExplanationRow, RequestRow, TransitionRow
from tests.store.test_requests import CHAIN, ORACLE, block, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]
MODEL = "0x" + "01" * 32
TOLD = Told(MODEL, thin=True, content={"category": "high", "recourse": []}, anomaly_score=97.25)


async def put(sessions: Sessions, request_id: int, told: Told) -> None:
    row = await row_of(sessions, request_id)
    async with sessions.begin() as session:
        await explanations.put(session, row.id, told)


async def get(sessions: Sessions, request_id: int) -> ExplanationRow | None:
    row = await row_of(sessions, request_id)
    async with sessions() as session:
        return await explanations.get(session, row.id)


async def test_put__when_read_back__then_the_same(sessions: Sessions) -> None:
    await stored(sessions, request(1), request(2))
    await put(sessions, 1, TOLD)
    found = await get(sessions, 1)
    assert found is not None
    assert Told(found.model_id, found.thin, found.content, found.fault, found.anomaly_score) == TOLD
    assert await get(sessions, 2) is None


async def test_put__when_scored_again__then_the_newer_stands_alone(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await put(sessions, 1, TOLD)
    await put(sessions, 1, Told(MODEL, thin=False, content=None, fault="ValueError: a\x00b"))
    found = await get(sessions, 1)
    assert found is not None
    assert (found.content, found.fault, found.thin, found.anomaly_score) == (None, "ValueError: ab", False, None)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ExplanationRow)) == 1


@pytest.mark.parametrize("told", [Told(MODEL, False, None), Told(MODEL, False, {}, fault="both")])
async def test_put__neither_or_both_of_content_and_fault__is_refused(sessions: Sessions, told: Told) -> None:
    await stored(sessions, request(1))
    with pytest.raises(IntegrityError, match="content_or_fault"):
        await put(sessions, 1, told)


async def test_explanation__when_the_request_moves_to_another_block__then_gone_with_the_scores(
    sessions: Sessions,
) -> None:
    await stored(sessions, request(1), request(2))
    for request_id in (1, 2):
        await moved(sessions, request_id, State.SCORED, scores={"score_bps": 1}, feature_commitment=Decimal(5))
        await put(sessions, request_id, TOLD)
    await stored(sessions, request(1, block(9, "b")))
    assert (await row_of(sessions, 1)).scores is None
    assert await get(sessions, 1) is None
    assert await get(sessions, 2) is not None


async def test_explanation__when_a_dead_request_is_requeued__then_gone(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await put(sessions, 1, TOLD)
    await moved(sessions, 1, State.DEAD)
    async with sessions.begin() as session:
        await requests.requeue(session, CHAIN, ORACLE, 1)
    assert await get(sessions, 1) is None


async def test_explanation__when_its_request_is_deleted__then_deleted_with_it(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await put(sessions, 1, TOLD)
    async with sessions.begin() as session:
        await session.execute(delete(TransitionRow))
        await session.execute(delete(RequestRow))
        assert await session.scalar(select(func.count()).select_from(ExplanationRow)) == 0
