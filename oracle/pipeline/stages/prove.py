"""Stage 3: the zero-knowledge proof, verified here before any gas is spent on it."""

from decimal import Decimal

import structlog

from oracle.assessment.errors import OracleError
from oracle.assessment.features import NEUTRAL_PRIVATE
from oracle.assessment.states import State
from oracle.assessment.words import FEATURE_WORDS, feature_words
from oracle.pipeline.context import Context
from oracle.pipeline.open_lane import OpenLane
from oracle.pipeline.private.waiting import is_private
from oracle.pipeline.stages.stage import Outcome
from oracle.proving.commitment import commit_chain
from oracle.proving.fleet.fleet import FleetUnavailable
from oracle.proving.worker import Proof, proof_of
from oracle.store.tables import RequestRow


class ProofMismatch(OracleError):
    """The proof does not show what it must: wrong commitment, wrong scores, or it does not verify."""


async def prove(context: Context, row: RequestRow) -> Outcome:
    """Prove the model's run on the committed features and keep proof, outputs and commitment.

    Of private data the proof is there already: made of the opening, or by the borrower.
    """
    if row.features is None or row.outputs is None:
        raise ValueError(f"request {row.request_id} is {row.state} without features or outputs")
    if (proof := await _of_fleet(context, row)) is not None:
        return _keep(row, proof, f"by the fleet in {proof.seconds:.2f} s")
    if (lane := _open_lane(context, row)) is not None:
        return await _prove_open(context, lane, row)
    async with context.proving:
        model, prover = context.answering().source, context.prover
        if row.model_id != (active := f"0x{model.model_id.hex()}"):
            return Outcome(State.COLLECTED, f"scored with model {row.model_id}, now {active} answers: scored again")
        made_before = is_private(row, model)
        if made_before:
            proof = _kept(row)
        else:
            proof = await prover.prove(row.features["encoded"], NEUTRAL_PRIVATE)
        holds = await prover.verify(proof)
    if not holds and made_before:
        raise ProofMismatch("the stored proof of the private data does not verify: the row was changed")
    if not holds:
        raise ProofMismatch("the proof just made does not verify: run `risk-oracle setup` to make the keys anew")
    private_commitment = proof.instances[1]
    if private_commitment != int(row.data_commitment):
        raise ProofMismatch(f"the proof commits to private data {private_commitment}, not {row.data_commitment}")
    if list(proof.outputs) != row.outputs:
        # The model computes in the circuit's own integers: they agree to the bit, or do not belong together.
        raise ProofMismatch(f"the circuit gives {proof.outputs}, the model {row.outputs}: run `risk-oracle setup`")
    return _keep(row, proof, "made before" if made_before else f"in {proof.seconds:.2f} s")


def _keep(row: RequestRow, proof: Proof, took: str) -> Outcome:
    row.feature_commitment, row.open_model_id = Decimal(proof.instances[0]), None
    row.proof = proof.proof
    return Outcome(State.PROVEN, f"{len(proof.proof)} bytes {took}, verified here")


def _open_lane(context: Context, row: RequestRow) -> OpenLane | None:
    """Return the lane that proves a row: of the model that scored it, and only without private data."""
    lane, model = context.open, context.answering().source
    if lane is None or is_private(row, model) or row.model_id != f"0x{model.model_id.hex()}":
        return None
    return lane if lane.model_id == model.model_id else None


async def _prove_open(context: Context, lane: OpenLane, row: RequestRow) -> Outcome:
    """Prove that the model gives these outputs for these features, both in the clear."""
    encoded = () if row.features is None else tuple(row.features["encoded"])
    async with context.proving:
        proof = await lane.prover.prove_open(encoded)
        holds = await lane.prover.verify(proof)
    if not holds:
        raise ProofMismatch("the open proof just made does not verify: run `risk-oracle setup` to make the keys anew")
    if proof.instances[:FEATURE_WORDS] != feature_words(encoded):
        raise ProofMismatch("the open circuit's words are not the features': run `risk-oracle setup`")
    if list(proof.outputs) != row.outputs:
        raise ProofMismatch(f"the open circuit gives {proof.outputs}, the model {row.outputs}: run `risk-oracle setup`")
    row.feature_commitment, row.open_model_id = None, f"0x{lane.circuit.model_id.hex()}"
    row.proof = proof.proof
    return Outcome(State.PROVEN, f"{len(proof.proof)} bytes in {proof.seconds:.2f} s, features open, verified here")


async def _of_fleet(context: Context, row: RequestRow) -> Proof | None:
    """Return a worker's proof that shows what it must, verified here; None: this machine makes it."""
    # Both without an await between: the model may change meanwhile.
    model, prover = context.answering().source, context.prover
    if context.fleet is None or row.features is None or is_private(row, model):
        return None
    if row.model_id != f"0x{model.model_id.hex()}":
        return None
    encoded = row.features["encoded"]
    try:
        proof = await context.fleet.prove(prover.keys, encoded)
    except FleetUnavailable as fault:
        structlog.get_logger("fleet").warning("fleet_made_no_proof", request=int(row.request_id), error=str(fault))
        return None
    shown = (*proof.instances[:2], list(proof.outputs))
    if shown == (commit_chain(encoded), int(row.data_commitment), row.outputs) and await prover.verify(proof):
        return proof
    # What a stranger's machine says: nothing of ours is wrong, and nothing of it is kept.
    structlog.get_logger("fleet").error("fleet_proof_refused", request=int(row.request_id))
    return None


def _kept(row: RequestRow) -> Proof:
    """Return the proof that came with private data; what it shows follows from the row."""
    if row.proof is None or row.outputs is None or row.feature_commitment is None:
        raise ValueError(f"request {row.request_id} is {row.state} and commits to private data without a proof of them")
    return proof_of(row.proof, int(row.feature_commitment), int(row.data_commitment), row.outputs)
