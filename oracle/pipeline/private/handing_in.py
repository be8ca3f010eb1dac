"""What a borrower hands in for a request: checked against it, stored, and the request woken."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import ConfigurationFault, OracleError, TransientFault
from oracle.assessment.states import STATES, State
from oracle.chain.verifier import takes_proof
from oracle.pipeline.context import Context
from oracle.pipeline.private import work
from oracle.pipeline.private.key_files import KeyFiles
from oracle.pipeline.private.waiting import bound_to, is_private
from oracle.proving.commitment import commit_chain
from oracle.proving.worker import proof_of
from oracle.store import openings, requests
from oracle.store.tables import RequestRow

Session = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Gives a session in a transaction."""

OPENING_STATES: Final = frozenset({State.REQUESTED, State.AWAITING_PROOF})
"""Where an opening is stored: also before the features are read, for whoever hands it over with the request."""

_ON_THE_WAY: Final = frozenset(
    {State.COLLECTED, State.SCORED, State.PROVEN, State.SIGNED, State.SUBMITTED, State.CONFIRMED}
)


class Wrong(StrEnum):
    """Which check a posted proof failed, as the API names it."""

    OUTPUTS = "outputs"
    OTHER_FEATURES = "other_chain_features"
    OTHER_COMMITMENT = "another_commitment"
    DOES_NOT_VERIFY = "proof_does_not_verify"


class NotWanted(OracleError):
    """The request waits for no such thing, for `state` or because it is not of that kind; `soon` says that it may."""

    def __init__(self, words: str, state: str, *, soon: bool = False) -> None:
        super().__init__(words)
        self.state = state
        self.soon = soon


class WrongProof(OracleError):
    """A posted proof does not show what the request needs; `check` says which check failed."""

    def __init__(self, words: str, check: Wrong) -> None:
        super().__init__(words)
        self.check = check


@dataclass(frozen=True, slots=True)
class PostedProof:
    """A proof as a borrower posts it; the commitments, where they are told, name what does not fit."""

    proof: bytes
    outputs: tuple[int, ...]
    feature_commitment: int | None = None
    data_commitment: int | None = None


async def hand_in_opening(context: Context, session_of: Session, row: RequestRow, sealed: bytes) -> State:
    """Check a sealed opening in the prover's process and keep it encrypted; return where the request stands.

    Raises NotWanted, InvalidOpening, which names the failed check, and TransientFault.
    """
    files = KeyFiles.of(context.privacy)
    if files is None:
        raise NotWanted("this operator takes no openings: prove with your own machine and post the proof", row.state)
    _check_private(context, row)
    state = _state_of(context, row, OPENING_STATES)
    try:
        stored = await context.prover.ask(work.take_opening, files, bound_to(row), sealed)
    except ConfigurationFault as fault:
        # Where the files are is for the operator's log, not for whoever calls.
        raise TransientFault("the operator's keys cannot be read at the moment") from fault
    if state in _ON_THE_WAY:
        return state  # as right as the one that was taken before, or as the proof that was: nothing is kept twice
    async with session_of() as session:
        row = await requests.find(session, context.chain_id, context.address, int(row.request_id), lock=True)
        state = _state_of(context, row, OPENING_STATES)
        if state in OPENING_STATES:
            await openings.keep_opening(session, row.id, stored.nonce, stored.sealed)
            await openings.make_due(session, row.id)
    context.woken["await_data"].set()
    return state


async def hand_in_proof(context: Context, session_of: Session, row: RequestRow, posted: PostedProof) -> State:
    """Check a borrower's proof against the daemon's own features, and keep it; return where the request stands.

    Verified natively, then by the registered verifier, whose word counts on the chain. Raises NotWanted, WrongProof
    and TransientFault.
    """
    _check_private(context, row)
    state = _state_of(context, row, frozenset({State.AWAITING_PROOF}))
    if state in _ON_THE_WAY:
        if (row.proof, row.outputs) != (posted.proof, list(posted.outputs)):
            raise NotWanted(f"request {row.request_id} is {row.state}: it has a proof already", row.state)
        return state
    model = context.answering().source
    encoded: Sequence[int] = () if row.features is None else row.features["encoded"]
    commitment = commit_chain(encoded)
    await _verify(context, row, posted, commitment)
    model_id = f"0x{model.model_id.hex()}"
    async with session_of() as session:
        held = await requests.find(session, context.chain_id, context.address, int(row.request_id), lock=True)
        state = _state_of(context, held, frozenset({State.AWAITING_PROOF}))
        # Meanwhile a reorganisation may have put the request into another block, with other features.
        if held.block_hash != row.block_hash or held.features is None or held.features["encoded"] != encoded:
            raise NotWanted("the request was moved to another block meanwhile: prove again", held.state, soon=True)
        if state is State.AWAITING_PROOF:
            await openings.keep_proof(
                session, held.id, model_id=model_id, feature_commitment=commitment, outputs=posted.outputs,
                proof=posted.proof,
            )  # fmt: skip
            await openings.make_due(session, held.id)
    context.woken["await_data"].set()
    return state


async def _verify(context: Context, row: RequestRow, posted: PostedProof, commitment: int) -> None:
    model = context.answering().source
    if len(posted.outputs) != len(model.output_scales):
        raise WrongProof(f"expected {len(model.output_scales)} outputs, got {len(posted.outputs)}", Wrong.OUTPUTS)
    if posted.feature_commitment not in (None, commitment):
        raise WrongProof(
            f"the proof is for the chain features {posted.feature_commitment}, the request has {commitment}: "
            f"fetch them anew (GET /v1/requests/{row.request_id}/features) and prove again",
            Wrong.OTHER_FEATURES,
        )
    if posted.data_commitment not in (None, int(row.data_commitment)):
        raise WrongProof(
            f"the proof is for the data commitment {posted.data_commitment}, the request has {row.data_commitment}",
            Wrong.OTHER_COMMITMENT,
        )
    try:
        proof = proof_of(posted.proof, commitment, int(row.data_commitment), posted.outputs)
    except ValueError as error:
        raise WrongProof(str(error), Wrong.OUTPUTS) from None
    registry = await context.oracle.registry()
    verifier = (await registry.model(model.model_id)).verifier
    if await context.prover.verify(proof) and await takes_proof(context.w3, verifier, proof.proof, proof.instances):
        return
    raise WrongProof(
        f"the proof does not verify for the chain features {commitment}, the data commitment {row.data_commitment} and "
        "these outputs: it was made of others, with other keys, or was changed",
        Wrong.DOES_NOT_VERIFY,
    )


def _check_private(context: Context, row: RequestRow) -> None:
    if not is_private(row, context.model.source):
        raise NotWanted(f"request {row.request_id} carries no private data: it is answered without", row.state)
    if not context.privacy.waits:
        raise NotWanted("this operator takes no private data: the request is declined", row.state)


def _state_of(context: Context, row: RequestRow, wanted: frozenset[State]) -> State:
    """Return where the request stands, when something may be handed in there or was; raises NotWanted."""
    state = State(row.state)
    if state in _ON_THE_WAY and row.decline_reason is None:
        return state
    head = context.head
    if state not in wanted:
        soon = state in (State.REQUESTED, State.SETTLING)
        why = "its features are not read yet" if state is State.REQUESTED else STATES[state].meaning
        raise NotWanted(f"request {row.request_id} is {state}: {why}", state, soon=soon)
    if head is not None and head.timestamp > row.deadline:
        raise NotWanted(f"request {row.request_id} is over: its deadline {row.deadline} passed", state)
    return state
