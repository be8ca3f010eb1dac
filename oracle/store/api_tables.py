"""The tables of the HTTP API: keys, answers kept for repeated calls, webhooks and their deliveries."""

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
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oracle.store.tables import MOMENT, UINT256, Base


class ApiKeyRow(Base):
    """A key of the API: `digest` is SHA-256 of the whole key, which nobody stores; `id` is its public part."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    requests_per_minute: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(MOMENT)
    revoked_at: Mapped[datetime | None] = mapped_column(MOMENT)
    last_used_at: Mapped[datetime | None] = mapped_column(MOMENT)
    replaces: Mapped[str | None] = mapped_column(String(16))


class KeptAnswerRow(Base):
    """What a call with an idempotency key was answered; `status` is null while it is worked on."""

    __tablename__ = "api_answers"
    __table_args__ = (
        CheckConstraint("(status is null) = (body is null)", name="status_and_body"),
        Index(None, "created_at"),
    )

    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(String(255), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    content_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class WebhookRow(Base):
    """Where a key's owner wants to hear of requests that ended; `secret` signs the deliveries."""

    __tablename__ = "webhooks"
    __table_args__ = (Index(None, "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    oracle: Mapped[str] = mapped_column(String(42))
    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(2_000))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str | None] = mapped_column(String(42))
    states: Mapped[list[str]] = mapped_column(ARRAY(String(16)))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class DeliveryRow(Base):
    """One change of state that a webhook is told of; it is due at `next_at` until it arrived or was given up."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(None, "webhook", "id"),
        Index(None, "created_at"),
        Index(None, "webhook", "transition", unique=True),
        Index(None, "next_at", postgresql_where=text("next_at is not null")),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    webhook: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    transition: Mapped[int] = mapped_column(BigInteger)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None] = mapped_column(MOMENT, server_default=func.now())
    delivered_at: Mapped[datetime | None] = mapped_column(MOMENT)
    status: Mapped[int | None]
    fault: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class EventCursorRow(Base):
    """Up to which transition an oracle's webhooks were told: `settled`, and every row up to it was looked at."""

    __tablename__ = "event_cursors"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    oracle: Mapped[str] = mapped_column(String(42), primary_key=True)
    settled: Mapped[int] = mapped_column(BigInteger)


class SubmissionRow(Base):
    """A request that the API sent to the chain, as it was signed; `call_hash` is Keccak-256 of its calldata."""

    __tablename__ = "api_submissions"
    __table_args__ = (
        UniqueConstraint("chain_id", "sender", "call_hash"),
        UniqueConstraint("chain_id", "sender", "nonce"),
        Index(None, "key", "created_at"),
        Index(None, "chain_id", "oracle", "user", "nonce"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(ForeignKey("api_keys.id"))
    chain_id: Mapped[int] = mapped_column(BigInteger)
    oracle: Mapped[str] = mapped_column(String(42))
    sender: Mapped[str] = mapped_column(String(42))
    nonce: Mapped[int] = mapped_column(BigInteger)
    user: Mapped[str] = mapped_column(String(42))
    call_hash: Mapped[str] = mapped_column(String(66))
    hash: Mapped[str] = mapped_column(String(66))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    fee_wei: Mapped[Decimal] = mapped_column(UINT256)
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
