"""What the API answers, typed; integers are exact, however wide."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    # A newer server may say more than this client knows.
    model_config = ConfigDict(extra="ignore", frozen=True)


class RecommendedTerms(_Answer):
    """The terms that the model recommends: percent a year, days, and a fraction of the collateral's value."""

    interest_rate: float
    duration_days: int
    max_ltv: float


class Assessment(_Answer):
    """What the model says: score 0 to 100, higher is safer; probabilities and confidence in percent."""

    risk_category: str
    risk_score: float
    default_probability: float
    fraud_likelihood: float
    confidence: float
    recommended_terms: RecommendedTerms


class Block(_Answer):
    """A block of the chain."""

    number: int
    hash: str


class Preview(_Answer):
    """What the model would say now; neither signed nor proven."""

    address: str
    block: Block
    model_id: str
    assessment: Assessment
    thin: bool


class ChainCall(_Answer):
    """A call of the oracle contract, for `sender` to sign and send; without calldata while a consent is missing."""

    chain_id: int
    to: str
    function: str
    sender: str
    value_wei: int
    calldata: str | None
    data_commitment: int
    consent_typed_data: dict[str, Any] | None
    transaction_hash: str | None = None


class SignedAnswer(_Answer):
    """A signed report with its proof, and the call by which anyone may submit it."""

    request_id: int
    state: str
    submittable: bool
    chain_id: int
    to: str
    calldata: str
    report_typed_data: dict[str, Any]
    signatures: list[str]
    proof: str
    model_id: str
    assessment: Assessment


class Terms(_Answer):
    """A loan: amounts in the token's smallest unit."""

    principal_token: str
    principal: int
    collateral_token: str
    collateral: int
    duration_seconds: int


class Request(_Answer):
    """A request on the chain, and its answer once there is one."""

    request_id: int
    state: str
    user: str
    requester: str
    terms: Terms
    fee_wei: int
    deadline: datetime
    model_id: str | None = None
    assessment: Assessment | None = None
    decline_reason: str | None = None
    answer_transaction: str | None = None


class Wallet(_Answer):
    """What was asked about a wallet; `next_cursor` gives the next page."""

    address: str
    latest: Request | None
    history: list[Request]
    next_cursor: str | None


class Change(_Answer):
    """A change of state; `id` resumes a stream after it."""

    id: int = Field(ge=0)
    request_id: int
    address: str
    requester: str
    source: str | None
    target: str
    at: datetime


class Claim(_Answer):
    """One claim about an answer: `holds` is None where nobody could tell."""

    name: str
    holds: bool | None
    text: str


class Verdict(_Answer):
    """What holds of an answer: all of it, where `holds` is True."""

    holds: bool | None
    claims: list[Claim]


class KnownSchema(_Answer):
    """A schema of private data that the daemon takes; `hash` as contracts name it."""

    id: str
    hash: str


class SealingKey(_Answer):
    """What an opening is sealed to: an X25519 public key, 0x and 64 hex digits."""

    sealing_key: str = Field(pattern=r"^0x[0-9a-fA-F]{64}$")
    schemas: list[KnownSchema]


class Features(_Answer):
    """What the daemon collected for a request at its block; `wants` says whether it waits for private data."""

    request_id: int
    state: str
    block_number: int
    block_hash: str
    model_id: str = Field(pattern=r"^0x[0-9a-fA-F]{64}$")
    encoded: list[int]
    values: dict[str, str | None]
    feature_commitment: int
    data_commitment: int
    deadline: int
    wants: str


class Taken(_Answer):
    """Where a request stands now that an opening or a proof was taken."""

    request_id: int
    state: str


class KeyFile(_Answer):
    """One file of a model's keys; `url` may be relative to the daemon's."""

    name: str
    bytes: int = Field(ge=1)
    sha256: str = Field(pattern=r"^(0x)?[0-9a-fA-F]{64}$")
    url: str


class ModelKeys(_Answer):
    """What it takes to prove with a model."""

    model_id: str
    files: list[KeyFile]
