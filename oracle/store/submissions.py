"""Requests that the API sent to the chain for its keys: each is committed before it is broadcast, under one nonce."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store.api_tables import SubmissionRow

WINDOW: Final = timedelta(days=1)
"""The time that a key's budget is for."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a key spent within the window: requests, and their fees in wei."""

    requests: int
    fees_wei: int


async def of_call(session: AsyncSession, chain_id: int, sender: Address, call_hash: str) -> SubmissionRow | None:
    """Return the transaction that this very call was sent by, None where it never was."""
    query = select(SubmissionRow).filter_by(chain_id=chain_id, sender=sender, call_hash=call_hash)
    return await session.scalar(query)


async def open_of_user(session: AsyncSession, chain_id: int, oracle: Address, user: str, since: int) -> bool:
    """Say whether a request about a wallet waits for its block: a consent's number counts for one of them alone."""
    query = select(SubmissionRow.id).filter_by(chain_id=chain_id, oracle=oracle, user=user)
    return await session.scalar(query.where(SubmissionRow.nonce >= since).limit(1)) is not None


async def spent(session: AsyncSession, key: str) -> Spent:
    """Return what a key spent within the last day."""
    since = func.now() - WINDOW
    query = select(func.count(), func.coalesce(func.sum(SubmissionRow.fee_wei), 0)).where(
        SubmissionRow.key == key, SubmissionRow.created_at > since
    )
    number, fees = (await session.execute(query)).one()
    return Spent(int(number), int(fees))


async def not_mined(session: AsyncSession, chain_id: int, sender: Address, nonce: int) -> Sequence[SubmissionRow]:
    """Return what an account sent under the nonces from `nonce` on, in their order."""
    query = select(SubmissionRow).filter_by(chain_id=chain_id, sender=sender)
    return (await session.scalars(query.where(SubmissionRow.nonce >= nonce).order_by(SubmissionRow.nonce))).all()
