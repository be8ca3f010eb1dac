"""The stage that waits for private data, on a database: rests, reminds once, declines, and loses no wake-up."""

from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.errors import DeclineReason, PermanentFault
from oracle.assessment.request import BlockRef
from oracle.assessment.states import State
from oracle.config.privacy import PrivacySettings
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.private.work import OpeningLost
from oracle.pipeline.stages.await_data import OpeningUnusable, await_data
from oracle.pipeline.stages.score import score
from oracle.pipeline.stages.stage import Outcome, settled
from oracle.store import openings, requests
from oracle.store.tables import RequestRow, TransitionRow
from tests.pipeline import scoring
from tests.store.test_requests import moved, row_of

Sessions = async_sessionmaker[AsyncSession]
# The stored request lives from 1,000 to 5,000.
_MARGIN, _DECLINED_AT, _REMINDED_AT = 500, 4_500, 2_750
_KEYS = PrivacySettings(
    sealing_key_file=Path("/sealing.key"), storage_key_file=Path("/storage.key"), decline_margin_seconds=_MARGIN
)


class Asked:
    """A prover whose process cannot use the opening."""

    async def ask(self, *_: Any) -> Any:
        raise OpeningLost("it does not decrypt")


def context(sessions: Sessions, now: int, privacy: PrivacySettings = _KEYS) -> Context:
    model = scoring.context().model
    parts = {"model": model, "answering": lambda: model, "shadow": None, "sessions": sessions, "privacy": privacy}
    head = BlockRef(9, "0x" + "09" * 32, now)
    return cast(Context, SimpleNamespace(**parts, head=head, prover=Asked(), proving=Free()))


class Free:
    """A lock that nobody holds."""

    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...


async def waiting(sessions: Sessions) -> RequestRow:
    """Store request 1 as collect leaves it where it commits to private data."""
    await scoring.collected(sessions)
    await moved(sessions, 1, State.AWAITING_PROOF, data_commitment=Decimal(77))
    return await row_of(sessions, 1)


async def looked(sessions: Sessions, at: int, privacy: PrivacySettings = _KEYS) -> Outcome:
    """Let the stage look once, and settle it as the worker does."""
    row = await row_of(sessions, 1)
    result = await await_data(context(sessions, at, privacy), row)
    async with sessions.begin() as session:
        session.add(row)
        outcome = await settled(session, result)
        await requests.move(session, row, outcome.target, outcome.reason, after=outcome.after)
    return outcome


async def notices(sessions: Sessions) -> list[str]:
    async with sessions() as session:
        query = select(TransitionRow.reason).where(TransitionRow.notice.is_not(None)).order_by(TransitionRow.id)
        return list((await session.scalars(query)).all())


async def test_wait__rests_reminds_once_at_half_time_and_declines_before_the_deadline(sessions: Sessions) -> None:
    await waiting(sessions)
    for at, reminded in ((1_001, 0), (_REMINDED_AT - 1, 0), (_REMINDED_AT, 1), (_REMINDED_AT + 1, 1), (4_499, 1)):
        outcome = await looked(sessions, at)
        assert outcome.target is State.AWAITING_PROOF
        assert timedelta() < outcome.after <= timedelta(seconds=30)
        assert len(await notices(sessions)) == reminded, at
    with pytest.raises(PermanentFault) as declined:
        await looked(sessions, _DECLINED_AT)
    assert declined.value.reason is DeclineReason.PRIVATE_DATA_NOT_OPENED


async def test_wait__with_a_margin_longer_than_the_requests_time__leaves_the_borrower_most_of_it(
    sessions: Sessions,
) -> None:
    await waiting(sessions)
    longest = PrivacySettings(take_proofs=True, decline_margin_seconds=86_400)
    assert (await looked(sessions, 3_999, longest)).target is State.AWAITING_PROOF
    with pytest.raises(PermanentFault):
        await looked(sessions, 4_000, longest)


async def test_wait__where_nothing_is_taken_any_more__declines(sessions: Sessions) -> None:
    await waiting(sessions)
    with pytest.raises(PermanentFault, match="waits for no private data"):
        await looked(sessions, 1_001, PrivacySettings())


async def test_wait__when_something_comes_while_it_looks__is_looked_at_at_once(sessions: Sessions) -> None:
    row = await waiting(sessions)
    result = await await_data(context(sessions, 1_001), row)
    async with sessions.begin() as session:
        await openings.keep_opening(session, row.id, b"nonce", b"sealed")
    async with sessions.begin() as session:
        outcome = await settled(session, result)
    assert (outcome.target, outcome.after) == (State.AWAITING_PROOF, timedelta())


async def test_opening__that_cannot_be_used__waits_for_a_remedy_until_it_is_declined(sessions: Sessions) -> None:
    row = await waiting(sessions)
    async with sessions.begin() as session:
        await openings.keep_opening(session, row.id, b"nonce", b"sealed")
    with pytest.raises(OpeningUnusable, match="does not decrypt"):
        await looked(sessions, _REMINDED_AT)
    async with sessions() as session:
        assert await openings.opening_of(session, row.id) is not None, "a key that comes back can still read it"
    with pytest.raises(PermanentFault) as declined:
        await looked(sessions, _DECLINED_AT)
    assert declined.value.reason is DeclineReason.PRIVATE_DATA_NOT_OPENED


async def posted(sessions: Sessions, model: Model, model_id: str) -> tuple[int, ...]:
    row = await row_of(sessions, 1)
    assert row.features is not None
    outputs = model.infer(row.features["encoded"]).outputs
    async with sessions.begin() as session:
        await openings.keep_proof(
            session, row.id, model_id=model_id, feature_commitment=5, outputs=outputs, proof=b"proof"
        )
    return outputs


async def test_proof__of_the_answering_model__is_scored_by_its_outputs_and_by_nothing_else(sessions: Sessions) -> None:
    await waiting(sessions)
    model = scoring.context().model
    outputs = await posted(sessions, model, f"0x{model.source.model_id.hex()}")
    outcome = await looked(sessions, 1_001)
    row = await row_of(sessions, 1)
    assert (outcome.target, row.outputs, row.proof) == (State.COLLECTED, list(outputs), b"proof")
    result = await score(context(sessions, 1_001), row)
    async with sessions.begin() as session:
        assert (await settled(session, result)).target is State.SCORED
    assert row.scores == asdict(model.decoded(outputs).scores)


async def test_proof__of_a_model_that_was_replaced__is_dropped_and_the_borrower_asked_again(sessions: Sessions) -> None:
    row = await waiting(sessions)
    await posted(sessions, scoring.context().model, "0x" + "17" * 32)
    outcome = await looked(sessions, 1_001)
    assert outcome.target is State.AWAITING_PROOF
    [told] = await notices(sessions)
    assert "0x1717" in told
    async with sessions() as session:
        assert await openings.proof_of(session, row.id) is None


async def test_score__when_another_model_answers_now__waits_for_a_proof_of_that(sessions: Sessions) -> None:
    await waiting(sessions)
    await moved(sessions, 1, State.COLLECTED, proof=b"proof", outputs=[1] * 10, model_id="0x" + "17" * 32)
    row = await row_of(sessions, 1)
    result = await score(context(sessions, 1_001), row)
    assert isinstance(result, Outcome)
    assert (result.target, row.proof, row.outputs, row.model_id) == (State.AWAITING_PROOF, None, None, None)
