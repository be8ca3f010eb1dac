"""The tables. Wei and other 256-bit integers are NUMERIC(78, 0); addresses and hashes are lower-case hex text."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from oracle.assessment.states import State

UINT256 = Numeric(78, 0)
MOMENT = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class DaemonRow(Base):
    """A daemon that works on this database; while it lives it holds an advisory lock on its id."""

    __tablename__ = "daemons"

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    beat_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class RequestRow(Base):
    """One assessment request with all that its stages found out; filled from left to right.

    `claim` is one stage's hold on it, `claimed_by` the daemon that this stage runs in; a change of state ends both.
    """

    __tablename__ = "requests"
    __table_args__ = (
        UniqueConstraint("chain_id", "oracle", "request_id"),
        CheckConstraint(f"state in ({', '.join(repr(state.value) for state in State)})", name="state"),
        Index(None, "state", "run_after"),
        Index(None, "chain_id", "oracle", "user", "request_id"),
        Index(None, "claimed_by", postgresql_where=text("claimed_by is not null")),
        # The pages': by time with the id as tie-break, below what they are narrowed down to.
        Index("ix_requests_by_time", "chain_id", "oracle", "requested_at", "request_id"),
        Index("ix_requests_by_state", "chain_id", "oracle", "state", "requested_at", "request_id"),
        Index("ix_requests_by_user", "user", "requested_at", "request_id"),
        Index("ix_requests_by_requester", "requester", "requested_at", "request_id"),
        Index(
            "ix_requests_by_model",
            "model_id",
            "requested_at",
            "request_id",
            postgresql_where=text("model_id is not null"),
        ),
        Index(
            "ix_requests_by_reason",
            "decline_reason",
            "requested_at",
            "request_id",
            postgresql_where=text("decline_reason is not null"),
        ),
        Index("ix_requests_by_score", text("((scores ->> 'score_bps')::integer)"), "requested_at"),
        Index(None, "transaction_hash"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    oracle: Mapped[str] = mapped_column(String(42))
    request_id: Mapped[Decimal] = mapped_column(UINT256)
    user: Mapped[str] = mapped_column(String(42))
    requester: Mapped[str] = mapped_column(String(42))
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    data_commitment: Mapped[Decimal] = mapped_column(UINT256)
    fee_wei: Mapped[Decimal] = mapped_column(UINT256)
    requested_at: Mapped[int] = mapped_column(BigInteger)
    deadline: Mapped[int] = mapped_column(BigInteger)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(String(66))
    block_timestamp: Mapped[int] = mapped_column(BigInteger)
    transaction_hash: Mapped[str] = mapped_column(String(66))

    state: Mapped[str] = mapped_column(String(16), default=State.REQUESTED.value)
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    claim: Mapped[UUID | None]
    claimed_by: Mapped[int | None]
    fault: Mapped[str | None]
    decline_reason: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now(), onupdate=func.now())

    history: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    history_hash: Mapped[str | None] = mapped_column(String(66))
    flags: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    features: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    model_id: Mapped[str | None] = mapped_column(String(66))
    open_model_id: Mapped[str | None] = mapped_column(String(66))
    scores: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    feature_commitment: Mapped[Decimal | None] = mapped_column(UINT256)
    outputs: Mapped[list[int] | None] = mapped_column(JSONB)
    proof: Mapped[bytes | None] = mapped_column(LargeBinary)
    signatures: Mapped[list[str] | None] = mapped_column(JSONB)

    settled_block: Mapped[int | None] = mapped_column(BigInteger)
    settled_block_hash: Mapped[str | None] = mapped_column(String(66))


class ExplanationRow(Base):
    """Why a request has its scores, and what would change them; holds no value of a private feature."""

    __tablename__ = "explanations"
    __table_args__ = (CheckConstraint("(content is null) <> (fault is null)", name="content_or_fault"),)

    request: Mapped[int] = mapped_column(
        ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    model_id: Mapped[str] = mapped_column(String(66))
    thin: Mapped[bool]
    anomaly_score: Mapped[float | None]
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fault: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class OpeningRow(Base):
    """A borrower's private data for a request: `sealed` under the operator's storage key, erased when it is over.

    Nothing here can be read without that key, which only the prover's process opens.
    """

    __tablename__ = "openings"

    request: Mapped[int] = mapped_column(
        ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class PostedProofRow(Base):
    """A proof that a borrower made and that was verified here; public, and void for another block or model."""

    __tablename__ = "posted_proofs"

    request: Mapped[int] = mapped_column(
        ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    model_id: Mapped[str] = mapped_column(String(66))
    feature_commitment: Mapped[Decimal] = mapped_column(UINT256)
    outputs: Mapped[list[int]] = mapped_column(JSONB)
    proof: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class TransitionRow(Base):
    """The audit log: every change of state with its reason; rows are only ever added.

    Source and target alike is a try that failed, or, where `notice` names one, something that whoever listens is told.
    """

    __tablename__ = "transitions"
    __table_args__ = (Index(None, "request"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    request: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())
    source: Mapped[str | None] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str]
    seconds: Mapped[float | None]
    notice: Mapped[str | None] = mapped_column(String(16))


class BlockRow(Base):
    """Hashes of blocks that were searched for requests, kept until they are too deep to change."""

    __tablename__ = "blocks"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    oracle: Mapped[str] = mapped_column(String(42), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    hash: Mapped[str] = mapped_column(String(66))


class CursorRow(Base):
    """How far the chain was searched: every block below `next_block` is done."""

    __tablename__ = "cursors"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    oracle: Mapped[str] = mapped_column(String(42), primary_key=True)
    next_block: Mapped[int] = mapped_column(BigInteger)


class AccountRow(Base):
    """A sending key's next nonce: the lock that keeps nonces gapless."""

    __tablename__ = "accounts"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[str] = mapped_column(String(42), primary_key=True)
    next_nonce: Mapped[int] = mapped_column(BigInteger)


class TransactionRow(Base):
    """A nonce, and what it is spent on at present: a request's answer or decline, or nothing (`empty`).

    It is committed before anything is broadcast. `passed_block` is where the chain was first seen to have spent the
    nonce without a receipt of ours, `next_since` when the chain began to wait for this very nonce. `bump_by` is the
    operator who asked for a dearer form, until there is one.
    """

    __tablename__ = "transactions"
    __table_args__ = (
        UniqueConstraint("chain_id", "sender", "nonce"),
        Index(None, "request"),
        Index(None, "mined_block"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    sender: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    request: Mapped[int | None] = mapped_column(ForeignKey("requests.id"))
    kind: Mapped[str] = mapped_column(String(8))
    to: Mapped[str] = mapped_column(String(42))
    data: Mapped[bytes] = mapped_column(LargeBinary)
    gas_limit: Mapped[int] = mapped_column(BigInteger)
    mined_hash: Mapped[str | None] = mapped_column(String(66))
    mined_block: Mapped[int | None] = mapped_column(BigInteger)
    mined_block_hash: Mapped[str | None] = mapped_column(String(66))
    gas_used: Mapped[int | None] = mapped_column(BigInteger)
    gas_price_wei: Mapped[Decimal | None] = mapped_column(UINT256)
    succeeded: Mapped[bool | None]
    passed_block: Mapped[int | None] = mapped_column(BigInteger)
    next_since: Mapped[datetime | None] = mapped_column(MOMENT)
    bump_by: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class BroadcastRow(Base):
    """One signed form of a transaction: every hash that the network may have seen, with its fees."""

    __tablename__ = "broadcasts"

    hash: Mapped[str] = mapped_column(String(66), primary_key=True)
    transaction: Mapped[int] = mapped_column(ForeignKey("transactions.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    max_fee_wei: Mapped[Decimal] = mapped_column(UINT256)
    priority_fee_wei: Mapped[Decimal] = mapped_column(UINT256)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class MarketEventRow(Base):
    """One log of a contract that indexes nothing, with the wallet that its data name."""

    __tablename__ = "market_events"
    __table_args__ = (Index(None, "chain_id", "wallet", "contract", "block_number"),)

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contract: Mapped[str] = mapped_column(String(42), primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    log_index: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    block_hash: Mapped[str] = mapped_column(String(66))
    topic: Mapped[str] = mapped_column(String(66))
    wallet: Mapped[str] = mapped_column(String(42))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class MarketCursorRow(Base):
    """How far a contract's logs are in `market_events`: up to this block, all of them."""

    __tablename__ = "market_cursors"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    contract: Mapped[str] = mapped_column(String(42), primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[str] = mapped_column(String(66))


class FindingRow(Base):
    """What a history source found of a wallet in a range of blocks; void when `to_hash` is no longer the chain's."""

    __tablename__ = "history_findings"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    wallet: Mapped[str] = mapped_column(String(42), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    from_block: Mapped[int] = mapped_column(BigInteger)
    to_block: Mapped[int] = mapped_column(BigInteger)
    to_hash: Mapped[str] = mapped_column(String(66))
    content: Mapped[Any] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now(), onupdate=func.now())
