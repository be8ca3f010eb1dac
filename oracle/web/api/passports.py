"""Private data over HTTP: what a borrower needs to open or to prove, and the two doors to hand it in.

Nothing here needs a key: what is posted proves itself by the request's commitment. No body is ever logged.
"""

import asyncio
import base64
import binascii
from typing import Annotated, Final, Literal

import structlog
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from oracle.assessment.states import State
from oracle.passports.errors import InvalidOpening
from oracle.passports.schema import SCHEMA_HASH, SCHEMA_ID
from oracle.pipeline.private.handing_in import NotWanted, PostedProof, WrongProof, hand_in_opening, hand_in_proof
from oracle.pipeline.private.waiting import is_private
from oracle.proving.commitment import commit_chain
from oracle.store import openings, request_reads
from oracle.store.tables import RequestRow
from oracle.web.api.calls import Call, Operation, Strict
from oracle.web.api.problems import FieldFault, Kind, Problem
from oracle.web.api.reads import RequestParameters, unknown
from oracle.web.api.service import Api
from oracle.web.api.values import Exact, Hash, Hex, Int256, SentHex, UInt256

_MOST_BODY_BYTES: Final = 16_384
_AGAIN_SECONDS: Final = 2.0
_LONGEST_SEALED: Final = 2_048
_LONGEST_PROOF: Final = 15_000
_OUTPUTS: Final = 10


def _sealed(value: object) -> bytes:
    text = value if isinstance(value, str) else ""
    try:
        if not text or "=" in text or len(text) > _LONGEST_SEALED:
            raise ValueError
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("expected the sealed opening in base64url without padding") from None


Sealed = Annotated[
    bytes,
    BeforeValidator(_sealed),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": _LONGEST_SEALED}),
]
"""A sealed opening as it is sent."""


class SchemaView(BaseModel):
    """A schema of passports that is read here."""

    id: str
    hash: Hex


class SealingKeyView(BaseModel):
    """What an opening is sealed to."""

    sealing_key: Hex = Field(description="X25519 public key, for libsodium's crypto_box_seal")
    schemas: list[SchemaView]


class FeaturesView(BaseModel):
    """What the daemon read of a request's wallet, to prove with."""

    request_id: Exact
    state: State
    block_number: int
    block_hash: Hash
    model_id: Hash = Field(description="the model that answers now: prove with its keys")
    encoded: list[int] = Field(description="the 32 chain features as the circuit takes them")
    values: dict[str, str | None] = Field(description="the same in their units; null: absent")
    feature_commitment: Exact
    data_commitment: Exact
    deadline: int = Field(description="Unix seconds")
    wants: Literal["nothing", "opening_or_proof"]


class SealedOpening(Strict):
    """An opening for one request, sealed to the oracle's key."""

    sealed: Sealed


class OwnProof(Strict):
    """A proof that the borrower made."""

    proof: SentHex = Field(max_length=_LONGEST_PROOF)
    outputs: tuple[Int256, ...] = Field(min_length=_OUTPUTS, max_length=_OUTPUTS, description="signed fixed point")
    feature_commitment: UInt256 | None = Field(
        None, description="that of the chain features it was made for, so that another one is named"
    )
    data_commitment: UInt256 | None = Field(None, description="that of the private data it was made for, likewise")


class TakenView(BaseModel):
    """Where the request stands for which something was handed in."""

    request_id: Exact
    state: State


async def sealing_key(api: Api, call: Call) -> SealingKeyView:
    """Return the key that openings are sealed to."""
    key = api.serving().sealing_key
    if key is None:
        raise Problem(Kind.NOT_FOUND, "this operator takes no openings")
    return SealingKeyView(
        sealing_key=f"0x{key.hex()}", schemas=[SchemaView(id=SCHEMA_ID, hash=f"0x{SCHEMA_HASH.hex()}")]
    )


async def features(api: Api, call: Call) -> FeaturesView:
    """Return the chain features of a request."""
    context, row, handed_in = api.serving(), *await _row(api, call)
    if row.features is None:
        soon = row.state in (State.REQUESTED, State.SETTLING)
        raise Problem(
            Kind.CONFLICT,
            f"request {int(row.request_id)} is {row.state}: its features are not read",
            retry_seconds=_AGAIN_SECONDS if soon else None,
            state=row.state,
        )
    encoded = list(row.features["encoded"])
    model = context.model.source
    waits = row.state == State.AWAITING_PROOF and not handed_in and is_private(row, model)
    return FeaturesView(
        request_id=int(row.request_id),
        state=State(row.state),
        block_number=row.block_number,
        block_hash=row.block_hash,
        model_id=row.model_id or f"0x{model.model_id.hex()}",
        encoded=encoded,
        values=row.features["values"],
        feature_commitment=await asyncio.to_thread(commit_chain, encoded),
        data_commitment=int(row.data_commitment),
        deadline=row.deadline,
        wants="opening_or_proof" if waits else "nothing",
    )


async def opening(api: Api, call: Call) -> TakenView:
    """Take an opening."""
    context, row, _ = api.serving(), *await _row(api, call)
    body: SealedOpening = call.body
    log = structlog.get_logger("api").bind(call=call.id, request_id=int(row.request_id), remote=call.request.remote)
    try:
        state = await hand_in_opening(context, api.session, row, body.sealed)
    except InvalidOpening as refused:
        log.info("opening_refused", check=refused.check.value)
        raise _wrong("body.sealed", str(refused), refused.check.value, row) from None
    except NotWanted as refused:
        raise _not_wanted(refused) from None
    log.info("opening_taken", state=state.value)
    return TakenView(request_id=int(row.request_id), state=state)


async def own_proof(api: Api, call: Call) -> TakenView:
    """Take a borrower's proof."""
    context, row, _ = api.serving(), *await _row(api, call)
    body: OwnProof = call.body
    log = structlog.get_logger("api").bind(call=call.id, request_id=int(row.request_id), remote=call.request.remote)
    posted = PostedProof(
        bytes.fromhex(body.proof[2:]), tuple(body.outputs), body.feature_commitment, body.data_commitment
    )
    try:
        state = await hand_in_proof(context, api.session, row, posted)
    except WrongProof as refused:
        log.info("proof_refused", check=refused.check.value)
        raise _wrong("body", str(refused), refused.check.value, row) from None
    except NotWanted as refused:
        raise _not_wanted(refused) from None
    log.info("proof_taken", state=state.value)
    return TakenView(request_id=int(row.request_id), state=state)


async def _row(api: Api, call: Call) -> tuple[RequestRow, bool]:
    """Return a request's row, and whether something was handed in for it."""
    asked: RequestParameters = call.parameters
    async with api.session() as session:
        row = await request_reads.whole(session, api.chain_id, api.oracle, asked.request_id)
        handed_in = row is not None and await openings.has_any(session, row.id)
    if row is None:
        raise unknown(asked.request_id)
    return row, handed_in


def _wrong(field: str, words: str, check: str, row: RequestRow) -> Problem:
    return Problem(Kind.INVALID, words, [FieldFault(field=field, detail=words)], state=row.state, check=check)


def _not_wanted(refused: NotWanted) -> Problem:
    again = _AGAIN_SECONDS if refused.soon else None
    return Problem(Kind.CONFLICT, str(refused), retry_seconds=again, state=refused.state)


_OPENING: Final = """\
The opening of the request's data commitment, sealed to `GET /v1/passports/key`. It is checked and used in the prover's
process alone, stored encrypted until the request is over, then erased. A wrong one says in `check` which check failed,
and may be corrected until the deadline; the same one again is no fault."""
_PROOF: Final = """\
A proof of the request's answer that the borrower made of `GET /v1/requests/{request_id}/features` and the keys of the
model. It is verified against the daemon's own features, the request's data commitment and the outputs."""

PASSPORTS: Final = (
    Operation(
        "GET", "/passports/key", "getSealingKey", "What openings of private data are sealed to", None, sealing_key,
        SealingKeyView, problems=(Kind.NOT_FOUND,), limited=True,
    ),
    Operation(
        "GET", "/requests/{request_id}/features", "getFeatures", "The chain features of a request, to prove with", None,
        features, FeaturesView, parameters=RequestParameters, problems=(Kind.NOT_FOUND, Kind.CONFLICT), limited=True,
    ),
    Operation(
        "POST", "/passports/{request_id}/opening", "postOpening", "Hand over the private data of a request, sealed",
        None, opening, TakenView, description=_OPENING, parameters=RequestParameters, body=SealedOpening, status=202,
        problems=(Kind.NOT_FOUND, Kind.CONFLICT), limited=True, most_body_bytes=_MOST_BODY_BYTES,
    ),
    Operation(
        "POST", "/passports/{request_id}/proof", "postProof", "Hand over the borrower's own proof of an answer", None,
        own_proof, TakenView, description=_PROOF, parameters=RequestParameters, body=OwnProof, status=202,
        problems=(Kind.NOT_FOUND, Kind.CONFLICT), limited=True, most_body_bytes=_MOST_BODY_BYTES,
    ),
)  # fmt: skip
