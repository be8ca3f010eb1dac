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


Stage = Callable[[Context, AsyncSession, RequestRow], Awaitable[Outcome]]
"""Fills the row's columns and returns the outcome; the worker commits both in one transaction.

It may raise TransientFault (tried again until the deadline), PermanentFault (the request is declined), or
anything else (tried again a few times, then a dead letter).
"""
