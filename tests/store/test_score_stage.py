"""The score stage on a database: scores and explanation in one transaction, and no fault in telling why stops it."""

from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment import canonical
from oracle.assessment.states import State
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline import score as stage
from oracle.pipeline.context import Context
from oracle.store import explanations
from oracle.store.tables import ExplanationRow, RequestRow
from tests.store.test_requests import moved, request, row_of, stored
from tests.unit.models.wallets import SITUATIONS, features

Sessions = async_sessionmaker[AsyncSession]
NOW = SITUATIONS["indebted"]


@pytest.fixture(scope="module")
def context() -> Context:
    model = Model.open(registry.load())
    return cast(Context, SimpleNamespace(model=model, answering=lambda: model, shadow=None))


async def collected(sessions: Sessions) -> None:
    vector = features(NOW)
    terms = NOW.terms
    await stored(sessions, request(1))
    await moved(
        sessions,
        1,
        State.COLLECTED,
        terms={name: getattr(terms, name) for name in terms.__slots__},
        history=canonical.plain(NOW.history),
        features={
            "values": {name: None if value is None else str(value) for name, value in vector.values.items()},
            "encoded": list(vector.encoded),
        },
    )


async def scored(sessions: Sessions, context: Context, *, commit: bool = True) -> None:
    row = await row_of(sessions, 1)
    async with sessions() as session:
        row = await session.merge(row)
        outcome = await stage.score(context, session, row)
        assert outcome.target is State.SCORED
        await (session.commit() if commit else session.rollback())


async def result(sessions: Sessions) -> tuple[RequestRow, ExplanationRow | None]:
    row = await row_of(sessions, 1)
    async with sessions() as session:
        return row, await explanations.get(session, row.id)


async def test_score__committed__has_its_explanation_beside_it(sessions: Sessions, context: Context) -> None:
    await collected(sessions)
    await scored(sessions, context)
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


async def test_score__rolled_back__leaves_neither(sessions: Sessions, context: Context) -> None:
    await collected(sessions)
    await scored(sessions, context, commit=False)
    row, told = await result(sessions)
    assert (row.scores, told) == (None, None)


async def test_score__history_of_another_release__is_answered_and_says_why_it_is_not_explained(
    sessions: Sessions, context: Context
) -> None:
    await collected(sessions)
    await moved(sessions, 1, State.COLLECTED, history={"unheard_of": 1})
    await scored(sessions, context)
    row, told = await result(sessions)
    assert row.scores is not None
    assert told is not None
    assert told.content is None
    assert told.fault is not None
    assert "InvalidFeature: history holds ['unheard_of']" in told.fault
