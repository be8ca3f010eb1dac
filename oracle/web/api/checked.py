"""What `POST /v1/verify` is sent and gives: an answer as the API told it, and each claim about it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from oracle.assessment.states import State
from oracle.web.api.calls import Strict
from oracle.web.api.values import AnyAddress, Hash, Int256, SentHex, UInt256

_MOST_OUTPUTS = 64
_MOST_SIGNATURES = 64

Signature = Annotated[SentHex, Field(max_length=8_194)]


class BlockTold(Strict):
    """A block of the chain."""

    number: int = Field(ge=0, lt=2**63, strict=True)
    hash: Hash


class ProofTold(Strict):
    """The answer of `GET /v1/requests/{request_id}/proof`."""

    request_id: UInt256
    model_id: Hash
    block: BlockTold
    proof: SentHex
    statement: Literal["committed", "open"] = "committed"
    instances: list[UInt256] | None = Field(None, max_length=_MOST_OUTPUTS + 2)
    feature_commitment: UInt256 | None = None
    data_commitment: UInt256 | None = None
    outputs: list[Int256] = Field(max_length=_MOST_OUTPUTS)
    signatures: list[Signature] = Field(max_length=_MOST_SIGNATURES)


class SignedTold(Strict):
    """The answer of `POST /v1/oracle/assess` with `mode` signed; `request_id` and `calldata` are enough of it."""

    mode: Literal["signed"] = "signed"
    request_id: UInt256
    calldata: SentHex
    state: State | None = None
    submittable: bool | None = Field(None, strict=True)
    chain_id: int | None = Field(None, ge=0, lt=2**63, strict=True)
    to: AnyAddress | None = None
    report_typed_data: dict[str, Any] | None = None
    signatures: list[Signature] | None = Field(None, max_length=_MOST_SIGNATURES)
    proof: SentHex | None = None
    model_id: Hash | None = None
    assessment: dict[str, Any] | None = None
    deadline: Annotated[str, Field(max_length=40)] | None = None


def _kind(value: Any) -> str:
    return "signed" if isinstance(value, dict) and ("calldata" in value or "mode" in value) else "proof"


Told = Annotated[
    Annotated[ProofTold, Tag("proof")] | Annotated[SignedTold, Tag("signed")],
    Discriminator(_kind),
]


class CheckParameters(Strict):
    """What else is checked."""

    features: Literal["true", "false"] = Field(
        "false", description="read the wallet anew at the request's block, which takes as long as a preview"
    )


class ClaimView(BaseModel):
    """One claim about an answer."""

    name: Literal["document", "request", "block", "signatures", "model", "proof", "scores", "features"]
    holds: bool | None = Field(description="null where the endpoint could not tell")
    text: str = Field(description="what was found")


class Checked(BaseModel):
    """What holds of an answer."""

    holds: bool | None = Field(description="true: every claim does; null: none fails, and not every one could be told")
    claims: list[ClaimView]
