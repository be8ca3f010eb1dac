"""One request's story, read from the daemon's database: what was found, scored, proven, sent, and when."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import Scores, decode_outputs
from oracle.assessment.states import State
from oracle.devnet.stack import Stack
from oracle.devnet.wallets.borrowing import LoanRequest
from oracle.processes import ProgramError
from oracle.store import requests
from oracle.store.ledger import transaction_of
from oracle.store.tables import RequestRow

_BAD_ENDS: Final = (State.DEAD, State.DECLINED, State.EXPIRED, State.CLOSED)
_ANSWER_SECONDS: Final = 120.0
STAGES_TOLD: Final = (State.COLLECTED, State.SCORED, State.PROVEN, State.SIGNED, State.SUBMITTED, State.CONFIRMED)


@dataclass(frozen=True)
class Step:
    """One transition: the state reached, why, and how long the stage worked for it."""

    state: State
    reason: str
    seconds: float


@dataclass(frozen=True)
class Story:
    """An answered request; `waited_seconds` runs from the request's block to the answer's receipt."""

    request_id: int
    steps: tuple[Step, ...]
    features: dict[str, Any]
    scores: Scores
    block: int
    gas_used: int
    waited_seconds: float

    def seconds_of(self, state: State) -> float:
        """Return how long the stage worked that led to a state."""
        return sum(step.seconds for step in self.steps if step.state is state)


async def read_story(session: AsyncSession, stack: Stack, request: LoanRequest) -> Story | None:
    """Return the story of an answered request, None while it has no answer.

    Raises ProgramError when it ended without one.
    """
    row = await session.scalar(
        select(RequestRow).filter_by(
            chain_id=stack.chain.chain_id, oracle=stack.oracle_address, request_id=request.request_id
        )
    )
    if row is None:
        return None
    if row.state in _BAD_ENDS:
        raise ProgramError(f"request {request.request_id} ended as {row.state}: {row.fault or row.decline_reason}")
    transaction = await transaction_of(session, row.id)
    if transaction is None or not transaction.succeeded or row.outputs is None or row.proof is None:
        return None
    steps = await requests.transitions(session, row)
    answered = next(step.at for step in steps if step.target == State.CONFIRMED)
    return Story(
        request_id=request.request_id,
        steps=tuple(Step(State(step.target), step.reason, step.seconds or 0.0) for step in steps),
        features=row.features or {},
        scores=decode_outputs(row.outputs, stack.model.output_scales),
        block=transaction.mined_block or 0,
        gas_used=transaction.gas_used or 0,
        waited_seconds=answered.timestamp() - request.mined_at,
    )


async def wait_for_answer(stack: Stack, sessions: async_sessionmaker[AsyncSession], request: LoanRequest) -> Story:
    """Return a request's story once it has its answer; raises ProgramError where there comes none."""
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        async with sessions() as session:
            story = await read_story(session, stack, request)
        if story is not None:
            return story
        if not stack.daemons[-1].running:
            raise ProgramError(f"the daemon ended:\n{stack.daemons[-1].tail()}")
        await asyncio.sleep(0.05)
    raise ProgramError(f"request {request.request_id} has no answer yet:\n{stack.daemons[-1].tail(40)}")


def tell(story: Story) -> Iterator[str]:
    """Yield the story's lines: history, features, scores, proof, transaction."""
    reasons = {step.state: step.reason for step in story.steps}
    read_as = next(step.state for step in story.steps if step.state in (State.AWAITING_PROOF, State.COLLECTED))
    read = next(step for step in story.steps if step.state is read_as)
    yield f"history  {read.reason} ({read.seconds:.2f} s)"
    if read_as is State.AWAITING_PROOF:
        yield f"private  {reasons[State.COLLECTED]}"
    yield f"features {_features(story.features)}"
    yield f"scores   {reasons[State.SCORED]}"
    yield f"proof    {reasons[State.PROVEN]}"
    yield f"answer   {reasons[State.CONFIRMED]}, {story.waited_seconds:.2f} s after the request"


def _features(features: dict[str, Any]) -> str:
    """Return the features that say most about this wallet: those that are not at an end of their range."""
    values: dict[str, str | None] = features["values"]
    told = []
    for feature in FEATURES:
        text = values[feature.name]
        if text is not None and feature.low < Decimal(text) < feature.high:
            told.append(f"{feature.name} {Decimal(text):.4g}")
    return f"{', '.join(told[:7])} … ({len(told)} of {len(FEATURES)} inside their range)"
