"""`POST /v1/verify`: what holds of an answer, claim by claim, by the code of `risk-oracle verify`."""

import asyncio
from dataclasses import asdict
from typing import Final

from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, InvalidRequest
from oracle.assessment.report import Report
from oracle.assessment.request import AssessmentRequest
from oracle.assessment.words import feature_words
from oracle.chain.rpc import block_ref
from oracle.pipeline.context import Context
from oracle.proving.commitment import commit_chain
from oracle.store import request_reads
from oracle.store.api_keys import Scope
from oracle.verification.answers import placed
from oracle.verification.claims import Claim, claims_of, features_claim
from oracle.verification.documents import answer_of_document, document_claim
from oracle.verification.history_table import compared
from oracle.web.api.calls import Call, Operation
from oracle.web.api.checked import Checked, CheckParameters, ClaimView, ProofTold, SignedTold, Told
from oracle.web.api.problems import Kind, wrong
from oracle.web.api.reads import known
from oracle.web.api.service import Api


async def verify(api: Api, call: Call) -> Checked:
    """Return every claim about the answer in the body."""
    told: ProofTold | SignedTold = call.body
    asked: CheckParameters = call.parameters
    context = api.serving()
    request = await _logged(api, context, told.request_id)
    document = told.model_dump(mode="json", exclude_none=True)
    try:
        answer = answer_of_document(request, document)
    except InvalidRequest as error:
        raise wrong("body.calldata" if isinstance(told, SignedTold) else "body", str(error)) from None
    answer = await placed(context.w3, context.oracle, answer, context.chain.log_range)
    claims = [document_claim(context.oracle, answer, document)]
    claims += [claim async for claim in claims_of(context.w3, context.oracle, answer)]
    if asked.features == "true":
        claims.append(await _features(api, context, request, answer.given.report))
    failed, untold = (any(claim.holds is outcome for claim in claims) for outcome in (False, None))
    return Checked(
        holds=False if failed else None if untold else True, claims=[ClaimView(**asdict(claim)) for claim in claims]
    )


async def _logged(api: Api, context: Context, number: int) -> AssessmentRequest:
    """Return a request as the chain logged it, in the block that the database names."""
    async with api.session() as session:
        at = known(await request_reads.one(session, api.chain_id, api.oracle, number), number).block_number
    made = await context.oracle.requests(at, at, lambda block, _: block_ref(context.w3, block))
    for one in made:
        if one.request_id == number:
            return one
    raise BlockUnavailable(f"the chain has no log of request {number} in block {at}: it is being reorganised")


async def _features(api: Api, context: Context, request: AssessmentRequest, report: Report) -> Claim:
    history = await api.previews.history(context, request.user, request.block)
    vector = engineer(history, request.terms)
    found = await asyncio.to_thread(commit_chain, vector.encoded)
    table = await compared(await context.oracle.registry(), context.histories.table_hash)
    return features_claim(report, found, feature_words(vector.encoded), table)


_CLAIMS: Final = """\
Takes what `GET /v1/requests/{request_id}/proof` or `mode` signed of `POST /v1/oracle/assess` gave, or `request_id` and
`calldata` alone, and checks it as `risk-oracle verify` does, over the daemon's endpoints: a convenience. Who need not
believe the operator runs that command with an endpoint of their own."""

VERIFY: Final = (
    Operation(
        "POST",
        "/verify",
        "verify",
        "What holds of an answer, and what does not, claim by claim",
        Scope.READ,
        verify,
        Checked,
        description=_CLAIMS,
        parameters=CheckParameters,
        body=Told,
        problems=(Kind.NOT_FOUND,),
        tagged=True,
    ),
)
