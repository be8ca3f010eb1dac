"""`POST /v1/oracle/assess`: a preview, the call that asks on the chain, or the signed answer of one that did."""

import time
from datetime import UTC, datetime
from typing import Final

import structlog
from eth_account import Account
from eth_account.messages import encode_typed_data
from pydantic import BaseModel

from oracle.assessment.consent import consent_message
from oracle.assessment.errors import DeclineReason, InvalidRequest, PermanentFault
from oracle.assessment.outputs import Scores
from oracle.assessment.request import Address, to_address
from oracle.assessment.states import State
from oracle.pipeline.answer import answering_model, calldata_of, message_of
from oracle.pipeline.context import Context
from oracle.store import request_reads
from oracle.store.api_keys import Scope
from oracle.store.tables import RequestRow
from oracle.web.api.asked import (
    Asked,
    Given,
    OnchainAsked,
    OnchainGiven,
    PreviewAsked,
    PreviewGiven,
    SignedAsked,
    SignedGiven,
)
from oracle.web.api.calls import Call, Operation
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.reads import unknown
from oracle.web.api.sending import account, send
from oracle.web.api.service import Api
from oracle.web.api.typed_data import as_json
from oracle.web.api.views import Assessment, Block, Terms

_SIGNED: Final = frozenset({State.SIGNED, State.SUBMITTED, State.CONFIRMED, State.FINAL})
_ON_THE_WAY: Final = frozenset({State.REQUESTED, State.AWAITING_PROOF, State.COLLECTED, State.SCORED, State.PROVEN})
_AGAIN_SECONDS: Final = 2.0


async def assess(api: Api, call: Call) -> BaseModel:
    """Do what the body's mode says."""
    asked: Asked = call.body
    context = api.serving()
    match asked:
        case PreviewAsked():
            given: BaseModel = await _preview(api, context, asked)
        case OnchainAsked():
            given = await _onchain(api, context, call, asked)
        case SignedAsked():
            given = await _signed(api, context, asked)
    about = "" if isinstance(asked, SignedAsked) else asked.user_address
    structlog.get_logger("api").info("api_assessed", call=call.id, key=call.key, mode=asked.mode, wallet=about)
    return given


async def _preview(api: Api, context: Context, asked: PreviewAsked) -> PreviewGiven:
    wallet = Address(asked.user_address)
    if any(flag["label"] in context.declined_labels for flag in context.labels.plain(wallet)):
        raise _declined(DeclineReason.OPERATOR_POLICY, "this operator does not answer for this wallet")
    try:
        found = await api.previews.preview(context, wallet, asked.terms())
    except PermanentFault as fault:
        raise _declined(fault.reason, str(fault)) from fault
    except InvalidRequest as fault:
        raise _declined(DeclineReason.MODEL_NOT_APPLICABLE, str(fault)) from fault
    return PreviewGiven(
        address=wallet,
        block=Block(number=found.block.number, hash=found.block.hash),
        read_at=datetime.fromtimestamp(found.block.timestamp, UTC),
        model_id=found.model_id,
        assessment=Assessment.of(found.scores),
        thin=found.thin,
    )


def _declined(reason: DeclineReason, words: str) -> Problem:
    return Problem(Kind.DECLINED, words, decline_reason=reason.name.lower())


async def _onchain(api: Api, context: Context, call: Call, asked: OnchainAsked) -> OnchainGiven:
    asking = asked.requester if not asked.submit else _operators_account(api, call, asked)
    oracle, terms, user = context.oracle, asked.terms(), Address(asked.user_address)
    if asked.consent is not None and asking is None:
        raise wrong("body.consent", "is of no use without a requester: the borrower needs no consent of their own")
    fee_wei, nonce, paused = await oracle.asking_costs(user)
    if paused:
        raise Problem(Kind.CONFLICT, "the oracle takes no requests at present: its operators paused it")
    commitment = context.model.source.neutral_commitment
    calldata, typed = None, None
    if asking is None:
        calldata = oracle.ask(terms, commitment)
    else:
        requester = Address(asking)
        until = asked.consent.valid_until if asked.consent else int(time.time()) + asked.consent_seconds
        message = consent_message(oracle.domain, user, requester, terms, commitment, nonce, until)
        typed = as_json(message)
        if asked.consent is not None:
            # Not refused where it is not the wallet's own key: a contract wallet judges by ERC-1271.
            calldata = oracle.ask_for(user, terms, commitment, until, bytes.fromhex(asked.consent.signature[2:]))
    sent = None
    if asked.submit and calldata is not None:
        sent = await send(api, context, call.key, user, calldata, fee_wei)
    return OnchainGiven(
        chain_id=context.chain_id,
        to=oracle.address,
        function="requestAssessment" if asking is None else "requestAssessmentFor",
        sender=asking or user,
        value_wei=fee_wei,
        calldata=None if calldata is None else f"0x{calldata.hex()}",
        terms=Terms(**{name: getattr(terms, name) for name in terms.__slots__}),
        data_commitment=commitment,
        consent_typed_data=typed,
        transaction_hash=sent,
    )


def _operators_account(api: Api, call: Call, asked: OnchainAsked) -> str:
    if Scope.SUBMIT not in call.scopes:
        raise Problem(
            Kind.NOT_ALLOWED, f"key {call.key} has the scopes {', '.join(sorted(call.scopes))}: not {Scope.SUBMIT}"
        )
    requester = account(api).address
    if asked.requester not in (None, requester):
        raise wrong("body.requester", f"is {requester} where the operator sends the request: leave it out")
    return requester


async def _signed(api: Api, context: Context, asked: SignedAsked) -> SignedGiven:
    async with api.session() as session:
        row = await request_reads.whole(session, api.chain_id, api.oracle, asked.request_id)
    if row is None:
        raise unknown(asked.request_id)
    state = State(row.state)
    if state in _ON_THE_WAY:
        raise Problem(
            Kind.CONFLICT,
            f"request {asked.request_id} is {state}: not signed yet",
            retry_seconds=_AGAIN_SECONDS,
            state=state.value,
        )
    if state not in _SIGNED or row.signatures is None or row.proof is None or row.scores is None:
        reason = None if row.decline_reason is None else DeclineReason(row.decline_reason).name.lower()
        words = f"request {asked.request_id} is {state}: there is no answer of it"
        raise Problem(Kind.CONFLICT, words, state=state.value, decline_reason=reason)
    message = message_of(context.oracle, row, context.signer_set_digest)
    signatures = [bytes.fromhex(signature[2:]) for signature in row.signatures]
    calldata = calldata_of(context.oracle, row, signatures)
    return SignedGiven(
        request_id=asked.request_id,
        state=state,
        submittable=_is_open(context, row, state) and _is_ours(context, message, signatures),
        chain_id=context.chain_id,
        to=context.address,
        calldata=f"0x{calldata.hex()}",
        report_typed_data=as_json(message),
        signatures=row.signatures,
        proof=f"0x{row.proof.hex()}",
        model_id=f"0x{answering_model(row).hex()}",
        assessment=Assessment.of(Scores(**row.scores)),
        deadline=datetime.fromtimestamp(row.deadline, UTC),
    )


def _is_open(context: Context, row: RequestRow, state: State) -> bool:
    now = time.time() if context.head is None else context.head.timestamp
    return state in (State.SIGNED, State.SUBMITTED) and row.deadline >= now


def _is_ours(context: Context, message: dict[str, object], signatures: list[bytes]) -> bool:
    """Say whether the signatures are over the present set of signers: they may be of an earlier one."""
    signed = encode_typed_data(full_message=message)
    return all(
        to_address(Account.recover_message(signed, signature=signature)) == context.signer.address
        for signature in signatures
    )


_MODES: Final = """\
`preview` (the default) reads the wallet at the newest block that is deep enough to stay and runs the model that
answers: not signed, not proven, nothing on the chain. `onchain` gives the calldata of a request with its fee, and the
consent for the borrower to sign where another asks; with `submit` the operator's account asks and pays. `signed` gives
report, signatures and proof of a request that is on the chain, and the calldata by which anyone may submit them: a
report is bound to its request, so there is none without one. A wallet of which too little is known is `thin`; what
would be declined is a problem with `decline_reason`."""

ASSESS: Final = (
    Operation(
        "POST",
        "/oracle/assess",
        "assess",
        "Assess a wallet for a loan: a preview, the call that asks on the chain, or a signed answer",
        Scope.ASSESS,
        assess,
        Given,
        description=_MODES,
        body=Asked,
        problems=(Kind.NOT_FOUND, Kind.CONFLICT),
        tagged=True,
        repeatable=True,
    ),
)
