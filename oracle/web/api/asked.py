"""What `POST /v1/oracle/assess` is sent and gives, by mode."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator

from oracle.assessment.request import NATIVE_COIN, Address, LoanTerms
from oracle.assessment.states import State
from oracle.web.api.calls import Strict
from oracle.web.api.values import AnyAddress, Exact, Hash, Hex, Moment, UInt128, UInt256, WalletAddress
from oracle.web.api.views import Assessment, Block, Terms

_DAY_SECONDS = 86_400
LONGEST_DAYS = 3_650


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number of days")
    if not 1 <= value <= LONGEST_DAYS:
        raise ValueError(f"expected 1 to {LONGEST_DAYS:,} days")
    return value


Days = Annotated[
    int, BeforeValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LONGEST_DAYS})
]


class _Loan(Strict):
    user_address: WalletAddress = Field(description="the wallet to assess")
    loan_amount: UInt128 = Field(description="in the token's smallest unit; more than zero")
    loan_duration: Days = Field(description="days")
    collateral: UInt128 = Field(description="in the token's smallest unit; zero for a loan without")
    loan_token: AnyAddress = Field(NATIVE_COIN, description="zero: the chain's own coin")
    collateral_token: AnyAddress = Field(NATIVE_COIN, description="zero: the chain's own coin")

    @field_validator("loan_amount")
    @classmethod
    def _something(cls, value: int) -> int:
        if value == 0:
            raise ValueError("expected more than zero")
        return value

    def terms(self) -> LoanTerms:
        """Return the loan as the contract takes it."""
        return LoanTerms(
            Address(self.loan_token),
            self.loan_amount,
            Address(self.collateral_token),
            self.collateral,
            self.loan_duration * _DAY_SECONDS,
        )


class PreviewAsked(_Loan):
    """What would the model say now? Not signed, and nothing is written to the chain."""

    mode: Literal["preview"] = "preview"


class Consent(Strict):
    """The borrower's signature over `consent_typed_data`, as an earlier call gave it."""

    valid_until: int = Field(ge=1, lt=2**40, description="Unix seconds")
    signature: Annotated[str, Field(pattern=r"^0x([0-9a-fA-F]{2}){65,2048}$")]


class OnchainAsked(_Loan):
    """What has to be sent to the chain to ask there?"""

    mode: Literal["onchain"]
    requester: WalletAddress | None = Field(
        None, description="the contract or account that will ask, by the borrower's consent; absent: the borrower"
    )
    consent: Consent | None = Field(None, description="with `requester`; absent: the typed data to be signed come back")
    submit: bool = Field(
        False,
        strict=True,
        description="have the operator's account ask and pay, with the borrower's consent; needs the scope submit",
    )
    consent_seconds: int = Field(3_600, ge=60, le=30 * _DAY_SECONDS, description="for how long a new consent counts")


class SignedAsked(Strict):
    """The signed report of a request on the chain, for anyone to submit."""

    mode: Literal["signed"]
    request_id: UInt256 = Field(description="the request's id on the chain")


def _mode(value: Any) -> str:
    # Without a mode it is a preview, which costs nobody anything.
    mode = value.get("mode", "preview") if isinstance(value, dict) else "preview"
    return mode if isinstance(mode, str) else "preview"


Asked = Annotated[
    Annotated[PreviewAsked, Tag("preview")]
    | Annotated[OnchainAsked, Tag("onchain")]
    | Annotated[SignedAsked, Tag("signed")],
    Discriminator(_mode),
]


class PreviewGiven(BaseModel):
    """What the model would say; it is neither signed nor proven."""

    mode: Literal["preview"] = "preview"
    address: AnyAddress
    block: Block = Field(description="the block that the wallet was read at")
    read_at: Moment = Field(description="that block's time")
    model_id: Hash
    assessment: Assessment
    thin: bool = Field(description="too little is known of the wallet for its score to say much")


class OnchainGiven(BaseModel):
    """A call of the oracle contract, ready to be signed and sent by whoever asks."""

    mode: Literal["onchain"] = "onchain"
    chain_id: int
    to: AnyAddress
    function: Literal["requestAssessment", "requestAssessmentFor"]
    sender: AnyAddress = Field(description="who has to send it")
    value_wei: Exact = Field(description="the fee, exactly; it changes once an hour at most")
    calldata: Hex | None = Field(description="null until the borrower's consent is given")
    terms: Terms
    data_commitment: Exact = Field(description="of no private data")
    consent_typed_data: dict[str, Any] | None = Field(description="EIP-712, for the borrower to sign")
    transaction_hash: Hash | None = Field(
        None, description="of the transaction that asks, with `submit`; null: not sent"
    )


class SignedGiven(BaseModel):
    """A signed report with its proof, and the call that anyone may send."""

    mode: Literal["signed"] = "signed"
    request_id: Exact
    state: State
    submittable: bool = Field(description="false when the request is answered, over, or the set of signers changed")
    chain_id: int
    to: AnyAddress
    calldata: Hex = Field(description="of provideAssessment")
    report_typed_data: dict[str, Any] = Field(description="EIP-712, what the signers signed")
    signatures: list[Hex]
    proof: Hex
    model_id: Hash
    assessment: Assessment
    deadline: Moment


Given = Annotated[PreviewGiven | OnchainGiven | SignedGiven, Field(discriminator="mode")]
