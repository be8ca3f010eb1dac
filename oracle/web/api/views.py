"""What the API tells: of requests, assessments, proofs, explanations and models."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, WithJsonSchema

from oracle.assessment.errors import DeclineReason
from oracle.assessment.outputs import Scores
from oracle.assessment.states import State
from oracle.store.request_reads import Step, Summary
from oracle.verification.told import told_scores
from oracle.web.api.values import AnyAddress, Exact, Hash, Hex, Moment

# The scores are only told once a proof shows them.
_PROVEN = frozenset({State.PROVEN, State.SIGNED, State.SUBMITTED, State.CONFIRMED, State.FINAL})

DeclineName = Annotated[
    str, WithJsonSchema({"type": "string", "enum": [reason.name.lower() for reason in DeclineReason]})
]
"""Why a request was declined."""


class Terms(BaseModel):
    """A loan: amounts in the token's smallest unit."""

    principal_token: AnyAddress
    principal: Exact
    collateral_token: AnyAddress
    collateral: Exact
    duration_seconds: int


class RecommendedTerms(BaseModel):
    """The terms that the model recommends."""

    interest_rate: float = Field(description="percent a year")
    duration_days: int
    max_ltv: float = Field(description="largest loan as a fraction of its collateral's value, 0 to 1")


class BasisPoints(BaseModel):
    """The same numbers exactly, as the contract stores them: 10,000 is 100 %."""

    score: int
    probability_of_default: int
    fraud_likelihood: int
    interest_rate: int
    maximum_ltv: int
    confidence: int


class Assessment(BaseModel):
    """What the model says of a wallet and a loan."""

    risk_category: Literal["low", "medium", "high"]
    risk_score: float = Field(description="0 to 100, higher is safer")
    default_probability: float = Field(description="percent")
    fraud_likelihood: float = Field(description="percent")
    recommended_terms: RecommendedTerms
    confidence: float = Field(description="percent; falls with a short or unusual history")
    basis_points: BasisPoints

    @classmethod
    def of(cls, scores: Scores) -> "Assessment":
        """Return scores as they are told."""
        return cls.model_validate(told_scores(scores))


class Block(BaseModel):
    """A block of the chain."""

    number: int
    hash: Hash


class RequestView(BaseModel):
    """A request as the daemon holds it."""

    request_id: Exact
    state: State
    user: AnyAddress = Field(description="the assessed wallet")
    requester: AnyAddress = Field(description="who asked")
    terms: Terms
    data_commitment: Exact
    fee_wei: Exact
    requested_at: Moment
    deadline: Moment
    block: Block = Field(description="the block that the history is read at")
    transaction_hash: Hash = Field(description="the transaction that asked")
    updated_at: Moment
    model_id: Hash | None = None
    assessment: Assessment | None = Field(None, description="once it is proven")
    decline_reason: DeclineName | None = None

    @classmethod
    def of(cls, found: Summary, **more: Any) -> Self:
        """Return a request as it is told; `more` are the fields of a class below this one."""
        proven = found.scores is not None and found.state in _PROVEN
        return cls(
            request_id=int(found.request_id),
            state=State(found.state),
            user=found.user,
            requester=found.requester,
            terms=Terms(**found.terms),
            data_commitment=int(found.data_commitment),
            fee_wei=int(found.fee_wei),
            requested_at=_moment(found.requested_at),
            deadline=_moment(found.deadline),
            block=Block(number=found.block_number, hash=found.block_hash),
            transaction_hash=found.transaction_hash,
            updated_at=found.updated_at,
            model_id=found.model_id if proven else None,
            assessment=Assessment.of(Scores(**(found.scores or {}))) if proven else None,
            decline_reason=None if found.decline_reason is None else DeclineReason(found.decline_reason).name.lower(),
            **more,
        )


class StepView(BaseModel):
    """One change of state."""

    at: Moment
    source: State | None
    target: State
    seconds: float | None = Field(description="how long the work before it took")

    @classmethod
    def of(cls, step: Step) -> "StepView":
        """Return a change as it is told."""
        return cls(
            at=step.at,
            source=None if step.source is None else State(step.source),
            target=State(step.target),
            seconds=step.seconds,
        )


class OneRequest(RequestView):
    """A request with its way so far."""

    answer_transaction: Hash | None = Field(description="the mined transaction that answered or declined it")
    steps: list[StepView]


class WalletView(BaseModel):
    """What was asked about a wallet."""

    address: AnyAddress
    latest: RequestView | None = Field(description="the newest that the chain holds an answer to")
    history: list[RequestView] = Field(description="all, the newest first")
    next_cursor: str | None = Field(description="gives the next page; null at the end")


class ProofView(BaseModel):
    """A proof with all that it takes to check it."""

    request_id: Exact
    model_id: Hash
    block: Block
    proof: Hex
    statement: Literal["committed", "open"] = Field(
        description="whether the features stand behind a commitment, or in the clear in the first two instances"
    )
    instances: list[Exact] = Field(
        description="public instances: both commitments, or the features' two words; then the outputs as field elements"
    )
    feature_commitment: Exact | None = Field(description="null where the features stand in the clear")
    data_commitment: Exact
    outputs: list[Exact] = Field(description="signed fixed point, as in the report")
    signatures: list[Hex] = Field(description="of the signers over the report; empty before it is signed")


class ExplanationView(BaseModel):
    """Why a request has its scores, and what would change them; docs/api.md says what the parts mean."""

    request_id: Exact
    model_id: Hash
    available: bool = Field(description="false where no explanation could be made; the answer stands all the same")
    thin: bool = Field(description="too little is known of the wallet for its score to say much")
    anomaly_score: float | None = Field(description="percent of honest accounts whose flow of coin is more ordinary")
    category: str | None = None
    outputs: dict[str, Any] = Field(default_factory=dict)
    recourse: list[dict[str, Any]] = Field(default_factory=list)
    recourse_withheld: bool = Field(False, description="true where private data decide it, which only the borrower has")
    clipped: list[dict[str, Any]] = Field(default_factory=list)


class ModelView(BaseModel):
    """A model that is installed here."""

    model_id: Hash
    name: str
    role: Literal["primary", "shadow", "installed"] = Field(description="primary: it answers")
    neutral_commitment: Exact = Field(description="what a request without private data carries")
    feature_spec_hash: Hash
    output_scales: list[int] = Field(description="bits of the fixed point, one an output")
    has_card: bool


class ModelsView(BaseModel):
    """The models here."""

    models: list[ModelView]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
