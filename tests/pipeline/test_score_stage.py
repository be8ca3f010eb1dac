"""The score stage on a database: scores and explanation in one transaction, and no fault in telling why stops it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.states import State
from oracle.store import explanations
from oracle.store.tables import ExplanationRow, RequestRow
from tests.pipeline.scoring import collected, scored
from tests.store.test_requests import moved, row_of

Sessions = async_sessionmaker[AsyncSession]


async def result(sessions: Sessions) -> tuple[RequestRow, ExplanationRow | None]:
    row = await row_of(sessions, 1)
    async with sessions() as session:
        return row, await explanations.get(session, row.id)


async def test_score__committed__has_its_explanation_beside_it(sessions: Sessions) -> None:
    await collected(sessions)
    await scored(sessions)
    row, told = await result(sessions)
    assert told is not None
    assert told.content is not None
    assert row.scores is not None
    assert told.model_id == row.model_id
    assert told.content["outputs"]["score"]["points"] == pytest.approx(row.scores["score_bps"] / 100, abs=0.01)
    assert told.content["outputs"]["score"]["reasons"][0]["feature"] == "health_factor"
    assert any("repay" in option["text"] for option in told.content["recourse"])
    assert told.anomaly_score is not None
    assert told.thin is False


async def test_score__rolled_back__leaves_neither(sessions: Sessions) -> None:
    await collected(sessions)
    await scored(sessions, commit=False)
    row, told = await result(sessions)
    assert (row.scores, told) == (None, None)


async def test_score__history_of_another_release__is_answered_and_says_why_it_is_not_explained(
    sessions: Sessions,
) -> None:
    await collected(sessions)
    await moved(sessions, 1, State.COLLECTED, history={"unheard_of": 1})
    await scored(sessions)
    row, told = await result(sessions)
    assert row.scores is not None
    assert told is not None
    assert told.content is None
    assert told.fault is not None
    assert "InvalidFeature: history holds ['unheard_of']" in told.fault
