"""What is known of wallets, requests, proofs and explanations."""

from typing import Final

from pydantic import Field

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.pipeline.answer import answering_model, instances_of
from oracle.store import explanations, request_reads
from oracle.store.api_keys import Scope
from oracle.store.request_reads import Summary
from oracle.web.api import cursors
from oracle.web.api.calls import Call, Operation, Strict
from oracle.web.api.problems import Kind, Problem
from oracle.web.api.service import Api
from oracle.web.api.values import UInt256, WalletAddress
from oracle.web.api.views import Block, ExplanationView, OneRequest, ProofView, RequestView, StepView, WalletView

_LONGEST_CURSOR: Final = 200


class WalletParameters(Strict):
    """A page of a wallet's requests."""

    address: WalletAddress
    limit: int = Field(20, ge=1, le=100, description="requests on a page")
    cursor: str | None = Field(None, max_length=_LONGEST_CURSOR, description="next_cursor of the page before")


class RequestParameters(Strict):
    """One request."""

    request_id: UInt256


async def wallet(api: Api, call: Call) -> WalletView:
    """Return a wallet's latest answer and a page of all that was asked about it."""
    asked: WalletParameters = call.parameters
    address = Address(asked.address)
    before = None if asked.cursor is None else cursors.read(address, asked.cursor)
    async with api.session() as session:
        # One more than is shown: so it is known whether a page follows.
        found = await request_reads.of_wallet(
            session, api.chain_id, api.oracle, address, before=before, limit=asked.limit + 1
        )
        latest = next((one for one in found if one.state in request_reads.ANSWERED), None)
        if before is not None or (latest is None and len(found) > asked.limit):
            # Not among these: above them, or below.
            latest = await request_reads.latest(session, api.chain_id, api.oracle, address)
    shown = found[: asked.limit]
    return WalletView(
        address=address,
        latest=None if latest is None else RequestView.of(latest),
        history=[RequestView.of(one) for one in shown],
        next_cursor=cursors.make(address, int(shown[-1].request_id)) if len(found) > asked.limit else None,
    )


async def request(api: Api, call: Call) -> OneRequest:
    """Return one request and its way so far."""
    asked: RequestParameters = call.parameters
    async with api.session() as session:
        found = known(await request_reads.one(session, api.chain_id, api.oracle, asked.request_id), asked.request_id)
        steps = await request_reads.steps(session, found.id)
        mined = await request_reads.answer_transaction(session, found.id)
    return OneRequest.of(found, answer_transaction=mined, steps=[StepView.of(step) for step in steps])


async def proof(api: Api, call: Call) -> ProofView:
    """Return the proof of an answer."""
    asked: RequestParameters = call.parameters
    async with api.session() as session:
        row = await request_reads.whole(session, api.chain_id, api.oracle, asked.request_id)
    if row is None:
        raise unknown(asked.request_id)
    if row.proof is None or row.outputs is None or row.model_id is None:
        raise Problem(
            Kind.NOT_FOUND, f"request {asked.request_id} is {row.state} and has no proof", state=State(row.state).value
        )
    return ProofView(
        request_id=asked.request_id,
        model_id=f"0x{answering_model(row).hex()}",
        statement="committed" if row.open_model_id is None else "open",
        block=Block(number=row.block_number, hash=row.block_hash),
        proof=f"0x{row.proof.hex()}",
        instances=list(instances_of(row)),
        feature_commitment=None if row.feature_commitment is None else int(row.feature_commitment),
        data_commitment=int(row.data_commitment),
        outputs=row.outputs,
        signatures=row.signatures or [],
    )


async def explanation(api: Api, call: Call) -> ExplanationView:
    """Return why a request has its scores."""
    asked: RequestParameters = call.parameters
    async with api.session() as session:
        found = known(await request_reads.one(session, api.chain_id, api.oracle, asked.request_id), asked.request_id)
        told = await explanations.get(session, found.id)
    if told is None:
        raise Problem(
            Kind.NOT_FOUND, f"request {asked.request_id} is {found.state} and has no explanation", state=found.state
        )
    return ExplanationView(
        request_id=asked.request_id,
        model_id=told.model_id,
        available=told.content is not None,
        thin=told.thin,
        anomaly_score=told.anomaly_score,
        **(told.content or {}),
    )


def known(found: Summary | None, request_id: int) -> Summary:
    """Return a request that is there; raises Problem for one that is not."""
    if found is None:
        raise unknown(request_id)
    return found


def unknown(request_id: int) -> Problem:
    """Return the problem of a request that the daemon never saw."""
    return Problem(
        Kind.NOT_FOUND, f"request {request_id} is not known here: the daemon may not have seen its block yet"
    )


READS: Final = (
    Operation(
        "GET",
        "/assessments/{address}",
        "getAssessments",
        "A wallet's latest answer, and all that was asked about it",
        Scope.READ,
        wallet,
        WalletView,
        parameters=WalletParameters,
    ),
    Operation(
        "GET",
        "/requests/{request_id}",
        "getRequest",
        "One request: where it stands, what it was answered, and its way so far",
        Scope.READ,
        request,
        OneRequest,
        parameters=RequestParameters,
        problems=(Kind.NOT_FOUND,),
    ),
    Operation(
        "GET",
        "/requests/{request_id}/proof",
        "getProof",
        "The zero-knowledge proof of an answer, and all that it takes to check it",
        Scope.READ,
        proof,
        ProofView,
        parameters=RequestParameters,
        problems=(Kind.NOT_FOUND,),
    ),
    Operation(
        "GET",
        "/requests/{request_id}/explanation",
        "getExplanation",
        "Why a request has its scores, and what would change them",
        Scope.READ,
        explanation,
        ExplanationView,
        parameters=RequestParameters,
        problems=(Kind.NOT_FOUND,),
    ),
)
