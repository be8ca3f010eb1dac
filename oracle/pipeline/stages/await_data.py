"""Beside stage 2: a request that commits to private data waits for them, or for the borrower's own proof.

An opening is decrypted, checked and proven in the prover's process. What comes is bound to the request and may come
again; nothing until the deadline, less a margin, is a decline.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason, PermanentFault, TransientFault
from oracle.assessment.states import State
from oracle.pipeline.context import Context
from oracle.pipeline.private import work
from oracle.pipeline.private.key_files import KeyFileFault, KeyFiles
from oracle.pipeline.private.waiting import Times, bound_to
from oracle.pipeline.private.work import OpeningLost, StoredOpening
from oracle.pipeline.stages.prove import ProofMismatch
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.proving.worker import Proof
from oracle.store import openings, requests
from oracle.store.tables import OpeningRow, PostedProofRow, RequestRow

# However far the chain's clock runs ahead of this host's.
_LONGEST_REST: Final = timedelta(seconds=30)
_WANTED: Final = "waiting for the borrower's opening or proof"


class OpeningUnusable(TransientFault):
    """An opening is here and cannot be used: the operator can mend it, or the borrower hands it over again."""


async def await_data(context: Context, row: RequestRow) -> Outcome | Settle:
    """Take what the borrower handed in, or wait for it."""
    if row.features is None:
        raise ValueError(f"request {row.request_id} is {row.state} without features")
    if not context.privacy.waits:
        raise not_opened("this daemon waits for no private data any more")
    async with context.sessions() as session:
        posted = await openings.proof_of(session, row.id)
        opening = await openings.opening_of(session, row.id)
    model_id = f"0x{context.answering().source.model_id.hex()}"
    if posted is not None and posted.model_id == model_id:
        proof = Proof(posted.proof, (), tuple(posted.outputs), 0.0)
        return _proven(row, model_id, int(posted.feature_commitment), proof, "the borrower's own proof, verified here")
    files = KeyFiles.of(context.privacy)
    if opening is not None and files is not None:
        try:
            return await _prove(context, row, files, StoredOpening(opening.nonce, opening.sealed))
        except (OpeningLost, KeyFileFault) as fault:
            if _is_over(context, row):
                raise not_opened(str(fault)) from fault
            raise OpeningUnusable(str(fault)) from fault
    return _wait(context, row, opening, posted)


def not_opened(why: str) -> PermanentFault:
    """Return the fault that declines a request whose data never came."""
    return PermanentFault(f"the request commits to private data: {why}", DeclineReason.PRIVATE_DATA_NOT_OPENED)


async def _prove(context: Context, row: RequestRow, files: KeyFiles, stored: StoredOpening) -> Outcome:
    async with context.proving:
        model, prover = context.answering().source, context.prover
        encoded = () if row.features is None else tuple(row.features["encoded"])
        proof = await prover.ask(work.prove_opening, files, bound_to(row), stored, encoded)
    feature_commitment, private_commitment = proof.instances[:2]
    if private_commitment != int(row.data_commitment):
        raise ProofMismatch(f"the proof commits to private data {private_commitment}, not {row.data_commitment}")
    words = f"the borrower's opening, proven in {proof.seconds:.2f} s"
    return _proven(row, f"0x{model.model_id.hex()}", feature_commitment, proof, words)


def _proven(row: RequestRow, model_id: str, feature_commitment: int, proof: Proof, words: str) -> Outcome:
    row.model_id, row.proof, row.outputs = model_id, proof.proof, list(proof.outputs)
    row.feature_commitment = Decimal(feature_commitment)
    return Outcome(State.COLLECTED, words)


def _is_over(context: Context, row: RequestRow) -> bool:
    return context.head is not None and context.head.timestamp >= Times.of(row, context.privacy).decline_at


def _wait(context: Context, row: RequestRow, opening: OpeningRow | None, posted: PostedProofRow | None) -> Settle:
    """Return what lets the request rest, reminds once at half time, and drops a proof of a model that was replaced."""
    if _is_over(context, row):
        raise not_opened("its opening, or a proof, did not come in time")
    seen = _stamps(opening, posted)
    times = Times.of(row, context.privacy)

    async def settle(session: AsyncSession) -> Outcome:
        # Whoever hands something in waits for this row, or came before: then the wake-up must not be rested away.
        now_here = await openings.opening_of(session, row.id), await openings.proof_of(session, row.id)
        if _stamps(*now_here) != seen:
            return Outcome(State.AWAITING_PROOF, "something was handed in meanwhile")
        if posted is not None:
            await openings.drop_proof(session, row.id)
            await requests.note(
                session, row.id, State.AWAITING_PROOF, State.AWAITING_PROOF,
                f"its proof is of model {posted.model_id}, which does not answer any more", notice=openings.REMINDER,
            )  # fmt: skip
        now = times.remind_at if context.head is None else context.head.timestamp
        if context.head is not None and now >= times.remind_at and not await openings.was_reminded(session, row.id):
            left = times.decline_at - now
            await requests.note(
                session, row.id, State.AWAITING_PROOF, State.AWAITING_PROOF,
                f"{_WANTED}: declined in {left} s without", notice=openings.REMINDER,
            )  # fmt: skip
            log = structlog.get_logger("worker")
            log.info("private_data_wanted", request_id=int(row.request_id), seconds_left=left)
        due = times.remind_at if now < times.remind_at else times.decline_at
        return Outcome(State.AWAITING_PROOF, _WANTED, min(timedelta(seconds=max(due - now, 1)), _LONGEST_REST))

    return settle


def _stamps(opening: OpeningRow | None, posted: PostedProofRow | None) -> tuple[datetime | None, datetime | None]:
    return (
        None if opening is None else opening.created_at,
        None if posted is None else posted.created_at,
    )
