"""The shadow on a database: recorded beside every answer, and nothing it does hurts one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from structlog.testing import capture_logs

from oracle.assessment.states import State
from oracle.models import registry
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.stages import score as stage
from oracle.store import shadow_scores
from oracle.store.model_tables import ShadowScoreRow
from tests.pipeline.scoring import collected
from tests.store.test_requests import CHAIN, ORACLE, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]
SHADOW_ID = b"\x05" * 32
SCORE_ROW, LOWER_BY_STEPS = 3, 2 ** (OUTPUT_BITS - 4)


def shadow() -> Model:
    """The shipped model with a score that is a sixteenth lower, under another id."""
    model = Model.open(registry.load())
    bias = model.network.biases["outputs"].clone()
    bias[SCORE_ROW] -= LOWER_BY_STEPS
    network = replace(model.network, biases={**model.network.biases, "outputs": bias})
    return replace(model, source=replace(model.source, model_id=SHADOW_ID), network=network)


async def scored_beside(sessions: Sessions, beside: object) -> None:
    model = Model.open(registry.load())
    context = cast(Context, SimpleNamespace(model=model, answering=lambda: model, shadow=beside))
    row = await row_of(sessions, 1)
    settle = await stage.score(context, row)
    async with sessions.begin() as session:
        session.add(row)
        outcome = await settle(session)
        assert outcome.target is State.SCORED


async def recorded(sessions: Sessions) -> list[ShadowScoreRow]:
    async with sessions() as session:
        return list(await session.scalars(select(ShadowScoreRow)))


async def test_shadow__beside_an_answer__is_recorded_and_not_signed(sessions: Sessions) -> None:
    await collected(sessions)
    await scored_beside(sessions, shadow())
    await scored_beside(sessions, shadow())
    row, [beside] = await row_of(sessions, 1), await recorded(sessions)
    assert row.model_id == beside.answered_by == "0x" + registry.load().model_id.hex()
    assert beside.model_id == "0x" + SHADOW_ID.hex()
    assert row.outputs is not None
    assert beside.outputs == [value - LOWER_BY_STEPS * (place == SCORE_ROW) for place, value in enumerate(row.outputs)]
    assert beside.answered == row.scores
    assert beside.scores["score_bps"] == pytest.approx(beside.answered["score_bps"] - 625, abs=1)


class Broken:
    """A shadow that fails."""

    source = shadow().source

    def infer(self, *_: object) -> object:
        raise ArithmeticError("the shadow broke")


async def test_shadow__that_fails__leaves_the_answer_as_it_is(sessions: Sessions) -> None:
    await collected(sessions)
    with capture_logs() as said:
        await scored_beside(sessions, Broken())
    assert ("shadow_failed", "the shadow broke") in [(line["event"], line.get("error")) for line in said]
    row = await row_of(sessions, 1)
    assert row.scores is not None
    assert row.outputs is not None
    assert await recorded(sessions) == []


async def test_shadow__that_the_database_refuses__leaves_the_answer_as_it_is(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(session: AsyncSession, *_: object) -> None:
        await session.execute(text("select 1 / 0"))

    monkeypatch.setattr(shadow_scores, "keep", refused)
    await collected(sessions)
    with capture_logs() as said:
        await scored_beside(sessions, shadow())
    assert "shadow_failed" in [line["event"] for line in said]
    assert (await row_of(sessions, 1)).scores is not None
    assert await recorded(sessions) == []


async def test_agreement__over_two_days__counts_flips_and_differences_by_day(sessions: Sessions) -> None:
    noon = datetime(2026, 5, 4, 12, tzinfo=UTC)
    model_id = "0x" + SHADOW_ID.hex()
    pairs = [  # day, answered category and score, shadow's
        (0, (0, 8_000), (1, 7_000)),
        (0, (1, 6_000), (0, 6_500)),
        (0, (2, 1_000), (2, 1_000)),
        (1, (0, 9_000), (2, 1_000)),
    ]
    await stored(sessions, *(request(number) for number in range(1, len(pairs) + 1)))
    for number, (day, answered, beside) in enumerate(pairs, start=1):
        scores = [
            {"category": category, "score_bps": score, "probability_of_default_bps": 10_000 - score}
            for category, score in (answered, beside)
        ]
        await moved(sessions, number, State.SCORED, model_id="0x" + "01" * 32, scores=scores[0])
        row = await row_of(sessions, number)
        async with sessions.begin() as session:
            await shadow_scores.keep(session, row, model_id, scores[1], [0] * 10)
            kept = await session.get(ShadowScoreRow, (row.id, model_id))
            assert kept is not None
            kept.at = noon + timedelta(days=day)
    async with sessions() as session:
        first, second = await shadow_scores.agreement(session, CHAIN, ORACLE, "day", noon - timedelta(days=1))
        assert (first.requests, first.riskier, first.safer) == (3, 1, 1)
        assert first.mean_score_difference == pytest.approx(-500 / 3)
        assert first.mean_absolute_score_difference == pytest.approx(500)
        assert first.largest_score_difference == 1_000
        assert first.mean_default_difference == pytest.approx(500 / 3)
        assert (second.requests, second.riskier, second.safer) == (1, 1, 0)
        [later] = await shadow_scores.agreement(session, CHAIN, ORACLE, "month", noon + timedelta(hours=1))
        assert later.requests == 1
        assert await shadow_scores.agreement(session, CHAIN + 1, ORACLE, "day", noon - timedelta(days=1)) == []
