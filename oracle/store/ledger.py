"""The transaction ledger: gapless nonces, and every hash that the network may have seen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from oracle.assessment.errors import InvalidRequest
from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store.tables import AccountRow, BroadcastRow, RequestRow, TransactionRow, TransitionRow

EMPTY: Final = "empty"
"""The kind of a transaction to oneself that does nothing but spend its nonce."""

_NOT_MINED: Final = dict.fromkeys(
    ("mined_hash", "mined_block", "mined_block_hash", "gas_used", "gas_price_wei", "succeeded")
)


async def lock_account(session: AsyncSession, chain_id: int, sender: Address, chain_nonce: int) -> AccountRow:
    """Return a key's account, locked until the transaction ends: who holds it decides about the key's nonces."""
    key = {"chain_id": chain_id, "address": sender}
    await session.execute(upsert(AccountRow).values(**key, next_nonce=chain_nonce).on_conflict_do_nothing())
    return (await session.scalars(select(AccountRow).filter_by(**key).with_for_update())).one()


async def take_nonce(session: AsyncSession, chain_id: int, sender: Address, chain_nonce: int) -> int:
    """Return the next nonce of a key, and hold its account's lock until the transaction ends.

    `chain_nonce` is the chain's own count; the ledger never falls behind it. A rollback gives the nonce back.
    """
    account = await lock_account(session, chain_id, sender, chain_nonce)
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
) -> BroadcastRow:
    """Remember a signed form of a transaction, of its present kind, before it is sent; it is what a bump asked for."""
    transaction.bump_by = None
    await session.flush()
    form = BroadcastRow(
        hash=transaction_hash,
        transaction=transaction.id,
        kind=transaction.kind,
        raw=raw,
        max_fee_wei=Decimal(max_fee_wei),
        priority_fee_wei=Decimal(priority_fee_wei),
    )
    session.add(form)
    return form


def renew(transaction: TransactionRow, kind: str, to: Address, data: bytes, gas_limit: int) -> None:
    """Let an open nonce do something else from now on; its earlier forms are still watched, one may be mined."""
    transaction.kind, transaction.to, transaction.data, transaction.gas_limit = kind, to, data, gas_limit
    not_mined(transaction)
    transaction.passed_block = transaction.next_since = None


def not_mined(transaction: TransactionRow) -> None:
    """Undo what was written down of a block that is gone."""
    for name, nothing in _NOT_MINED.items():
        setattr(transaction, name, nothing)


def count_next(transaction: TransactionRow, chain_nonce: int) -> None:
    """Note since when the chain waits for this very nonce: waiting behind another one does not count."""
    if transaction.nonce != chain_nonce:
        transaction.next_since = None
    elif transaction.next_since is None:
        transaction.next_since = datetime.now(UTC)


def _answers(row: type[TransactionRow]) -> ColumnElement[bool]:
    return and_(row.succeeded.is_(True), row.kind != EMPTY)


async def transaction_of(session: AsyncSession, request: int) -> TransactionRow | None:
    """Return a request's transaction: the one that settled it, or else the newest."""
    query = select(TransactionRow).where(TransactionRow.request == request)
    return await session.scalar(query.order_by(_answers(TransactionRow).desc(), TransactionRow.id.desc()).limit(1))


async def transactions_of(session: AsyncSession, request: int) -> Sequence[TransactionRow]:
    """Return all transactions of a request, newest first."""
    query = select(TransactionRow).where(TransactionRow.request == request).order_by(TransactionRow.id.desc())
    return (await session.scalars(query)).all()


async def open_transaction(session: AsyncSession, request: int, chain_nonce: int) -> TransactionRow | None:
    """Return the transaction of a request whose nonce the chain has not spent yet; two would settle it twice."""
    query = select(TransactionRow).where(TransactionRow.request == request, TransactionRow.nonce >= chain_nonce)
    return await session.scalar(query.order_by(TransactionRow.id.desc()).limit(1))


async def broadcasts(session: AsyncSession, transaction: TransactionRow) -> Sequence[BroadcastRow]:
    """Return the signed forms of a transaction, newest first."""
    query = select(BroadcastRow).where(BroadcastRow.transaction == transaction.id)
    return (
        await session.scalars(query.order_by(BroadcastRow.created_at.desc(), BroadcastRow.max_fee_wei.desc()))
    ).all()


async def order_bump(session: AsyncSession, number: int, by: str) -> TransactionRow:
    """Ask for a dearer form of a transaction, by its row; whoever looks after it makes one, whatever its patience."""
    transaction = await waiting(session, number)
    transaction.bump_by = by
    return transaction


async def waiting(session: AsyncSession, number: int) -> TransactionRow:
    """Return a transaction that waits to be mined, locked; raises InvalidRequest when none of that row does."""
    transaction = await session.get(TransactionRow, number, with_for_update=True)
    if transaction is None:
        raise InvalidRequest(f"there is no transaction {number}")
    if transaction.mined_block is not None or transaction.passed_block is not None:
        raise InvalidRequest(f"nonce {transaction.nonce} is spent: its transaction waits no more")
    return transaction


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


async def idle(
    session: AsyncSession, chain_id: int, sender: Address, chain_nonce: int, since_block: int, limit: int
) -> Sequence[tuple[TransactionRow, RequestRow | None]]:
    """Return the transactions that no stage looks after, with their requests, lowest nonce first.

    Those whose nonce the chain has not spent, whatever was written down of them: each later one waits for them. And
    those whose nonce it has, as long as a reorganisation of the blocks from `since_block` on can change that.
    """
    sibling = aliased(TransactionRow)
    better = exists().where(
        sibling.request == TransactionRow.request,
        sibling.id != TransactionRow.id,
        or_(_answers(sibling), sibling.id > TransactionRow.id),
    )
    looked_after = and_(
        RequestRow.state.in_((State.SUBMITTED, State.CONFIRMED)), or_(_answers(TransactionRow), not_(better))
    )
    undecided = and_(
        or_(TransactionRow.mined_block.is_(None), TransactionRow.mined_block >= since_block),
        or_(TransactionRow.passed_block.is_(None), TransactionRow.passed_block >= since_block),
    )
    query = (
        select(TransactionRow, RequestRow)
        .outerjoin(RequestRow, RequestRow.id == TransactionRow.request)
        .where(
            TransactionRow.chain_id == chain_id,
            TransactionRow.sender == sender,
            or_(TransactionRow.nonce >= chain_nonce, undecided),
            or_(TransactionRow.request.is_(None), not_(looked_after)),
        )
        .order_by(TransactionRow.nonce)
        .limit(limit)
    )
    return [(transaction, request) for transaction, request in (await session.execute(query)).all()]


async def gaps(
    session: AsyncSession, chain_id: int, sender: Address, first_nonce: int, limit: int
) -> tuple[list[int], int]:
    """Return the nonces from `first_nonce` on that no transaction holds though a later one waits, and the end of all.

    The end is the nonce after the newest transaction's, or `first_nonce` where that is spent.
    """
    query = select(TransactionRow.nonce).filter_by(chain_id=chain_id, sender=sender)
    query = query.where(TransactionRow.nonce >= first_nonce)
    taken = set((await session.scalars(query)).all())
    end = max(taken, default=first_nonce - 1) + 1
    missing = (nonce for nonce in range(first_nonce, end) if nonce not in taken)
    return [nonce for nonce, _ in zip(missing, range(limit), strict=False)], end


async def next_nonce(session: AsyncSession, chain_id: int, sender: Address) -> int:
    """Return the nonce that a key would take next by the ledger alone, 0 for one that never took any."""
    query = select(AccountRow.next_nonce).filter_by(chain_id=chain_id, address=sender)
    return await session.scalar(query) or 0


async def forget_blocks(session: AsyncSession, chain_id: int, from_block: int) -> Sequence[int]:
    """Undo what was written down of the blocks from `from_block` on; return the requests of these transactions."""
    query = (
        update(TransactionRow)
        .where(TransactionRow.chain_id == chain_id, TransactionRow.mined_block >= from_block)
        .values(_NOT_MINED)
        .returning(TransactionRow.request)
    )
    return [request for request in (await session.scalars(query)).all() if request is not None]


async def oldest_submitted(session: AsyncSession, chain_id: int, oracle: Address) -> datetime | None:
    """Return since when the request waits that waits longest for its transaction to be mined, None without any."""
    since = (
        select(func.max(TransitionRow.at).label("at"))
        .join(RequestRow, RequestRow.id == TransitionRow.request)
        .where(
            RequestRow.chain_id == chain_id,
            RequestRow.oracle == oracle,
            RequestRow.state == State.SUBMITTED,
            TransitionRow.target == State.SUBMITTED,
            TransitionRow.source != State.SUBMITTED,
        )
        .group_by(TransitionRow.request)
        .subquery()
    )
    oldest: datetime | None = await session.scalar(select(func.min(since.c.at)))
    return oldest


async def gap_since(session: AsyncSession, chain_id: int, sender: Address) -> datetime | None:
    """Return since when the chain waits for a nonce that is spent on nothing, None while it waits for none."""
    query = select(func.min(TransactionRow.next_since)).where(
        TransactionRow.chain_id == chain_id,
        TransactionRow.sender == sender,
        TransactionRow.kind == EMPTY,
        TransactionRow.mined_block.is_(None),
        TransactionRow.passed_block.is_(None),
    )
    return await session.scalar(query)
