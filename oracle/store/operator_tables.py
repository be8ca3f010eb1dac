"""The tables about people: operators' accounts, where they are signed in, what they did."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, func
from sqlalchemy.orm import Mapped, mapped_column

from oracle.store.tables import MOMENT, Base


class OperatorRow(Base):
    """An account of the dashboard: a viewer looks, an operator acts too."""

    __tablename__ = "operators"
    __table_args__ = (CheckConstraint("role in ('viewer', 'operator')", name="role"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(8))
    password_hash: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class OperatorSessionRow(Base):
    """A browser that is signed in; the database knows its token's SHA-256 alone."""

    __tablename__ = "operator_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    operator: Mapped[int] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(MOMENT, index=True)


class OperatorActionRow(Base):
    """What an operator did from the dashboard or the command line; rows are only ever added."""

    __tablename__ = "operator_actions"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())
    operator: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(32))
    request: Mapped[int | None] = mapped_column(BigInteger, index=True)
    detail: Mapped[str]


class SignInFailureRow(Base):
    """How often a name, or an address, failed to sign in without a success since."""

    __tablename__ = "sign_in_failures"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())
