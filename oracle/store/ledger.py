"""The transaction ledger: gapless nonces, and every hash that the network may have seen."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import AccountRow, BroadcastRow, RequestRow, TransactionRow, TransitionRow


async def take_nonce(session: AsyncSession, chain_id: int, sender: Address, chain_nonce: int) -> int:
    """Return the next nonce of a key, and hold its account's lock until the transaction ends.

    `chain_nonce` is the chain's own count; the ledger never falls behind it. A rollback gives the nonce back.
    """
    key = {"chain_id": chain_id, "address": sender}
    await session.execute(upsert(AccountRow).values(**key, next_nonce=chain_nonce).on_conflict_do_nothing())
    account = (await session.scalars(select(AccountRow).filter_by(**key).with_for_update())).one()
    nonce = max(account.next_nonce, chain_nonce)
    account.next_nonce = nonce + 1
    return nonce


async def add_broadcast(
    session: AsyncSession,
    transaction: TransactionRow,
    transaction_hash: str,
    raw: bytes,
    max_fee_wei: int,
    priority_fee_wei: int,
) -> None:
    """Remember a signed form of a transaction, before it is sent."""
    await session.flush()
    session.add(
        BroadcastRow(
            hash=transaction_hash,
            transaction=transaction.id,
            raw=raw,
            max_fee_wei=Decimal(max_fee_wei),
            priority_fee_wei=Decimal(priority_fee_wei),
        )
    )


async def last_transaction(session: AsyncSession, request: int) -> TransactionRow | None:
    """Return the newest transaction of a request."""
    query = select(TransactionRow).where(TransactionRow.request == request).order_by(TransactionRow.id.desc())
    return await session.scalar(query.limit(1))


async def broadcasts(session: AsyncSession, transaction: TransactionRow) -> Sequence[BroadcastRow]:
    """Return the signed forms of a transaction, newest first."""
    query = select(BroadcastRow).where(BroadcastRow.transaction == transaction.id)
    return (await session.scalars(query.order_by(BroadcastRow.max_fee_wei.desc()))).all()


async def count_failures(session: AsyncSession, request: int) -> int:
    """Return how many transactions of a request were mined and reverted since it last started anew."""
    await session.flush()
    started = select(func.max(TransitionRow.at)).where(
        TransitionRow.request == request, TransitionRow.target == State.REQUESTED
    )
    query = select(func.count()).where(
        TransactionRow.request == request,
        TransactionRow.succeeded.is_(False),
        TransactionRow.created_at >= started.scalar_subquery(),
    )
    return await session.scalar(query) or 0


async def orphans(session: AsyncSession, chain_id: int, sender: Address) -> Sequence[TransactionRow]:
    """Return the unmined transactions that no request waits for any more, by nonce.

    Their requests vanished, started anew or died; but their nonces are taken, and every later one waits for them.
    """
    newest = select(func.max(TransactionRow.id)).group_by(TransactionRow.request)
    query = (
        select(TransactionRow)
        .join(RequestRow, RequestRow.id == TransactionRow.request)
        .where(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == sender,
            TransactionRow.mined_hash.is_(None),
            or_(RequestRow.state != State.SUBMITTED, TransactionRow.id.not_in(newest)),
        )
        .order_by(TransactionRow.nonce)
    )
    return (await session.scalars(query)).all()
