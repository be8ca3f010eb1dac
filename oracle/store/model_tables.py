"""The tables about models: what a shadow gave, how far requests drifted, how loans ended."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oracle.store.tables import MOMENT, UINT256, Base


class ShadowScoreRow(Base):
    """What a model that does not answer gave for a request, beside the one of `answered_by`."""

    __tablename__ = "shadow_scores"
    __table_args__ = (Index(None, "model_id", "at"), Index(None, "at"))

    request: Mapped[int] = mapped_column(ForeignKey("requests.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(66), primary_key=True)
    answered_by: Mapped[str] = mapped_column(String(66))
    scores: Mapped[dict[str, Any]] = mapped_column(JSONB)
    outputs: Mapped[list[int]] = mapped_column(JSONB)
    answered: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class DriftRow(Base):
    """One measurement: requests of a window against the model's reference; `content` as oracle.models.drift has it."""

    __tablename__ = "drift_measurements"
    __table_args__ = (Index(None, "chain_id", "oracle", "at"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    chain_id: Mapped[int] = mapped_column(BigInteger)
    oracle: Mapped[str] = mapped_column(String(42))
    model_id: Mapped[str] = mapped_column(String(66))
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    window_days: Mapped[int]
    requests: Mapped[int]
    worst_psi: Mapped[float | None]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)


class LoanOutcomeRow(Base):
    """A loan that a request was made for, and how it stands: requested, active, repaid, late, defaulted, closed."""

    __tablename__ = "loan_outcomes"
    __table_args__ = (Index(None, "chain_id", "request_id"),)

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lender: Mapped[str] = mapped_column(String(42), primary_key=True)
    loan_id: Mapped[Decimal] = mapped_column(UINT256, primary_key=True)
    request_id: Mapped[Decimal] = mapped_column(UINT256)
    outcome: Mapped[str] = mapped_column(String(16))
    block_number: Mapped[int] = mapped_column(BigInteger)


class LoanCursorRow(Base):
    """How far a lender's loans were read: up to this block, all of them."""

    __tablename__ = "loan_cursors"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    lender: Mapped[str] = mapped_column(String(42), primary_key=True)
    block_number: Mapped[int] = mapped_column(BigInteger)
