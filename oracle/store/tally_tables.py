"""Counters, so that no page ever counts rows; triggers of the migration feed them, `tallies.fold` adds them up."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Date, Identity, Index, SmallInteger, String, func
from sqlalchemy.orm import Mapped, mapped_column

from oracle.store.tables import MOMENT, UINT256, Base


class TallyChangeRow(Base):
    """What a statement changed in the counters, not added up yet: whoever changes a state never waits for another.

    `what` says which columns count: "state" (name, reason, wei: fees), "step" (name: source, target, seconds), or
    "gas" (subject: sender, name: kind, wei: cost).
    """

    __tablename__ = "tally_changes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    what: Mapped[str] = mapped_column(String(8))
    chain_id: Mapped[int] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(String(42))
    name: Mapped[str] = mapped_column(String(16))
    target: Mapped[str] = mapped_column(String(16), server_default="")
    reason: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())
    seconds: Mapped[float | None]
    count: Mapped[int]
    wei: Mapped[Decimal] = mapped_column(UINT256, server_default="0")


class RequestTallyRow(Base):
    """How many requests are in a state, by the reason of their decline (0: none), and their fees."""

    __tablename__ = "request_tallies"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    oracle: Mapped[str] = mapped_column(String(42), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), primary_key=True)
    reason: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    fees_wei: Mapped[Decimal] = mapped_column(UINT256)


class StepTallyRow(Base):
    """How often requests went from a state to another within a minute or an hour, and how long that took.

    `width` is the period in seconds, `bucket` as `tallies.bucket_of` has it, -1,000 where no time was taken. The source
    `total` stands for the whole way from arrival to a mined answer; source and target alike is a failed try.
    """

    __tablename__ = "step_tallies"
    __table_args__ = (Index(None, "width", "starts"),)

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    oracle: Mapped[str] = mapped_column(String(42), primary_key=True)
    width: Mapped[int] = mapped_column(primary_key=True)
    starts: Mapped[datetime] = mapped_column(MOMENT, primary_key=True)
    source: Mapped[str] = mapped_column(String(16), primary_key=True)
    target: Mapped[str] = mapped_column(String(16), primary_key=True)
    bucket: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class GasTallyRow(Base):
    """What a key's mined transactions cost, by day and kind."""

    __tablename__ = "gas_tallies"

    chain_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    sender: Mapped[str] = mapped_column(String(42), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    wei: Mapped[Decimal] = mapped_column(UINT256)
