"""What a stage is: a function from a claimed request to the state it goes to next."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.states import State
from oracle.pipeline.context import Context
from oracle.store.tables import RequestRow


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a request goes next, why, and how long it rests before."""

    target: State
    reason: str
    after: timedelta = timedelta()


Settle = Callable[[AsyncSession], Awaitable[Outcome]]
"""What else is to be written in the transaction of the change of state: no network, no proof, only the database."""

Stage = Callable[[Context, RequestRow], Awaitable[Outcome | Settle]]
"""Fills the row's columns and returns the outcome, or what settles it; the worker commits all in one transaction.

A stage runs outside of any transaction, since it may take long; what it reads of the database it reads in short ones.
Objects of such a reading go into the settling session by `session.add`. A stage may raise TransientFault (tried again
until the deadline), PermanentFault (the request is declined), or anything else (tried again a few times, then a dead
letter).
"""


async def settled(session: AsyncSession, result: Outcome | Settle) -> Outcome:
    """Return a stage's outcome, after what it has to write."""
    return result if isinstance(result, Outcome) else await result(session)
