"""A request on its way through the score stage, for the store's tests."""

from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import cast

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment import canonical
from oracle.assessment.states import State
from oracle.models import registry
from oracle.models.inference import Model
from oracle.pipeline.context import Context
from oracle.pipeline.stages import score as stage
from tests.store.test_requests import moved, request, row_of, stored
from tests.unit.models.wallets import SITUATIONS, features

Sessions = async_sessionmaker[AsyncSession]
NOW = SITUATIONS["indebted"]


@cache
def context() -> Context:
    """What the score stage needs of a daemon's parts."""
    model = Model.open(registry.load())
    return cast(Context, SimpleNamespace(model=model, answering=lambda: model, shadow=None))


async def collected(sessions: Sessions) -> None:
    """Store request 1, of an indebted wallet, as the first stage leaves it."""
    vector = features(NOW)
    terms = NOW.terms
    await stored(sessions, request(1))
    await moved(
        sessions,
        1,
        State.COLLECTED,
        data_commitment=Decimal(context().model.source.neutral_commitment),
        terms={name: getattr(terms, name) for name in terms.__slots__},
        history=canonical.plain(NOW.history),
        features={
            "values": {name: None if value is None else str(value) for name, value in vector.values.items()},
            "encoded": list(vector.encoded),
        },
    )


async def scored(sessions: Sessions, *, commit: bool = True) -> None:
    """Run the score stage on request 1."""
    row = await row_of(sessions, 1)
    settle = await stage.score(context(), row)
    async with sessions() as session:
        session.add(row)
        outcome = await settle(session)
        assert outcome.target is State.SCORED
        await (session.commit() if commit else session.rollback())
