"""The drift job on a database: it sees a shifted distribution, is quiet about the same one and about too few rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.states import State
from oracle.commands.models_watch import measured
from oracle.config.model import DriftSettings
from oracle.models import registry
from oracle.models.reference import REFERENCE, write_reference
from oracle.pipeline import metrics
from oracle.pipeline.context import Context
from oracle.pipeline.health import Health
from oracle.pipeline.upkeep.drift import measure_drift, watch_drift
from oracle.store import drift
from oracle.store.model_tables import LoanOutcomeRow
from oracle.store.tables import RequestRow
from tests.store.test_requests import CHAIN, ORACLE, request

Sessions = async_sessionmaker[AsyncSession]
ROWS = 400
SHIFTED = "mean_transaction_value"
COLUMN = [feature.name for feature in FEATURES].index(SHIFTED)
RNG_ROWS = np.random.default_rng(5).integers(0, ENCODED_ONE + 1, (4_000 + ROWS, len(FEATURES)))
TRAINED, LIVE = RNG_ROWS[:4_000], RNG_ROWS[4_000:]


@pytest.fixture
def context(sessions: Sessions, tmp_path: Path) -> Context:
    """What the job needs of a daemon's parts: a model with a reference, a database, no chain."""
    source = replace(registry.load(), directory=tmp_path)
    write_reference(tmp_path, source.model_id, TRAINED, points(TRAINED), TRAINED[:, 1] % 3)
    parts = SimpleNamespace(
        chain_id=CHAIN,
        address=ORACLE,
        sessions=sessions,
        model=SimpleNamespace(source=source),
        drift=DriftSettings(minimum_requests=200),
        health=Health(),
        head=None,
    )
    return cast(Context, parts)


def points(chain: np.ndarray) -> np.ndarray:
    return chain[:, 0] * 9


async def requested(
    context: Context, chain: np.ndarray, *, first_id: int = 1, at: datetime | None = None, state: State = State.FINAL
) -> None:
    """Store requests with these features, scored by the context's model as its reference was."""
    plain = request(1)
    values = {
        "chain_id": CHAIN,
        "oracle": ORACLE,
        "user": plain.user,
        "requester": plain.requester,
        "terms": {},
        "data_commitment": Decimal(1),
        "fee_wei": Decimal(1),
        "requested_at": 1,
        "deadline": 2,
        "block_number": 1,
        "block_hash": plain.block.hash,
        "block_timestamp": 1,
        "transaction_hash": plain.transaction_hash,
        "state": state.value,
        "model_id": "0x" + context.model.source.model_id.hex(),
        "created_at": at or datetime.now(UTC),
    }
    rows = [
        values
        | {
            "request_id": Decimal(first_id + place),
            "features": {"encoded": row.tolist()},
            "scores": {"score_bps": int(row[0]) * 9, "category": int(row[1]) % 3, "probability_of_default_bps": 2_000},
        }
        for place, row in enumerate(chain)
    ]
    async with context.sessions.begin() as session:
        await session.execute(insert(RequestRow), rows)


async def test_drift__of_the_training_distribution__is_small_and_healthy(context: Context) -> None:
    await requested(context, LIVE)
    row = await measure_drift(context)
    assert row.requests == ROWS
    assert row.worst_psi is not None
    assert row.worst_psi < 0.15
    assert row.content["drift"]["score_psi"] < 0.15
    assert context.health.parts["drift"].text.startswith("largest population stability index 0.")
    assert metrics.DRIFT_PSI.labels("feature", SHIFTED)._value.get() == row.content["drift"]["features"][SHIFTED]


async def test_drift__of_one_shifted_feature__warns_by_its_name_and_stays_ready(context: Context) -> None:
    shifted = LIVE.copy()
    shifted[:, COLUMN] //= 3
    await requested(context, shifted)
    await watch_drift(context)
    async with context.sessions() as session:
        [row] = await drift.measurements(session, CHAIN, ORACLE, 5)
    features = dict(row.content["drift"]["features"])
    assert features.pop(SHIFTED) == row.worst_psi
    assert row.worst_psi is not None
    assert row.worst_psi > 0.25
    assert max(features.values()) < 0.15
    assert context.health.ready
    lines = measured(row)
    assert lines[1].split()[0] == SHIFTED
    assert lines[1].endswith("SHIFTED")
    assert lines[2].endswith("stable")
    assert "too few loans ended for a number" in lines[-1]
    assert "WARNING" in context.health.parts["drift"].text
    assert SHIFTED in context.health.parts["drift"].text


async def test_drift__of_too_few_requests_in_the_window__says_so_instead_of_a_number(context: Context) -> None:
    await requested(context, LIVE[:199])
    await requested(context, LIVE[199:], first_id=200, at=datetime.now(UTC) - timedelta(days=31))
    row = await measure_drift(context)
    assert measured(row)[1:3] == [
        "  features: too few requests for a number",
        "  score: 199 requests of this model, too few for a number",
    ]
    assert (row.requests, row.worst_psi) == (199, None)
    assert row.content["drift"]["features"] is None
    assert "199 requests in 30 days: too few for a number" in context.health.parts["drift"].text
    assert metrics.DRIFT_PSI._metrics == {}


async def test_drift__of_a_model_without_a_reference__says_how_to_write_it(context: Context) -> None:
    (context.model.source.directory / REFERENCE).unlink()
    with pytest.raises(ConfigurationFault, match=r"has no reference.*risk-oracle models reference"):
        await measure_drift(context)
    await watch_drift(context)
    assert "models reference" in context.health.parts["drift"].text


async def test_drift__with_loans_that_ended__has_brier_and_calibration(context: Context) -> None:
    await requested(context, LIVE[:60])
    await requested(context, LIVE[60:62], first_id=61, state=State.CLOSED)
    outcomes = {place: "defaulted" if place % 5 == 0 else "repaid" for place in range(1, 51)}
    outcomes |= {51: "late", 52: "active", 53: "requested", 61: "defaulted", 62: "defaulted"}
    async with context.sessions.begin() as session:
        for number, outcome in outcomes.items():
            key = {"chain_id": CHAIN, "lender": "0x" + "0c" * 20, "loan_id": Decimal(number)}
            session.add(LoanOutcomeRow(**key, request_id=Decimal(number), outcome=outcome, block_number=1))
    row = await measure_drift(context)
    assert "  loans: 1 open, 51 ended, 10 of them defaulted, 1 repaid late" in measured(row)
    found = row.content["outcomes"]
    assert (found["ended"], found["defaulted"], found["late"], found["open"]) == (51, 10, 1, 1)
    assert found["brier"] == pytest.approx((10 * 0.64 + 41 * 0.04) / 51, abs=1e-5)
    assert found["observed"] == pytest.approx(10 / 51, abs=1e-4)
    assert metrics.OUTCOMES.labels("repaid")._value.get() == 40
