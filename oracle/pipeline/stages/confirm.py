"""Stages 6 and 7: broadcast until mined, replace when stuck, then watch until deep enough to stay."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.chain.fees import Fees
from oracle.chain.signer import Call
from oracle.chain.transactions import Mined
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.store.ledger import add_broadcast, broadcasts, count_failures, last_transaction
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow

_LOOK_AGAIN = timedelta(milliseconds=50)
# Each one costs gas: something is wrong that trying again does not mend.
_MOST_FAILURES = 3


async def confirm(context: Context, row: RequestRow) -> Outcome | Settle:
    """Find the receipt of any of the transaction's hashes; broadcast, or replace, while there is none."""
    transaction, sent = await _ledger(context, row)
    mined = await receipt_of(context, sent)
    if mined is None and await context.client.nonce(Address(transaction.sender)) > transaction.nonce:
        # Read again: it may have been mined between the two questions.
        mined = await receipt_of(context, sent)
        if mined is None:
            return Outcome(_before(transaction), f"nonce {transaction.nonce} was spent by another transaction")
    if mined is None:
        replaced = await _replacement(context, transaction, sent)
        if replaced is not None:
            return replaced
        await context.client.broadcast(sent[0].raw)
        mined = await receipt_of(context, sent)
    if mined is None:
        return Outcome(State.SUBMITTED, "waiting to be mined", min(_pause(context), _age(sent) + _LOOK_AGAIN))
    done = Outcome(State.CONFIRMED, f"{mined.hash} mined in block {mined.block_number}, {mined.gas_used} gas")
    return _recorded(transaction, mined, done)


async def finalize(context: Context, row: RequestRow) -> Outcome | Settle:
    """Ask for the receipt again until enough blocks are on top of it; a reorganisation sends it back."""
    transaction, sent = await _ledger(context, row)
    mined = await receipt_of(context, sent)
    if mined is None:
        return Outcome(State.SUBMITTED, "a reorganisation removed the transaction's block: broadcasting again")
    head = context.head
    if head is None or head.number < mined.block_number + context.chain.confirmations - 1:
        return _recorded(transaction, mined, Outcome(State.CONFIRMED, "not deep enough yet", _pause(context)))
    done = State.FINAL if transaction.kind == "answer" else State.DECLINED
    return _recorded(transaction, mined, Outcome(done, f"{context.chain.confirmations} confirmations"))


async def _ledger(context: Context, row: RequestRow) -> tuple[TransactionRow, list[BroadcastRow]]:
    async with context.sessions() as session:
        transaction = await last_transaction(session, row.id)
        if transaction is None:
            raise ValueError(f"request {row.request_id} is {row.state} without a transaction")
        return transaction, list(await broadcasts(session, transaction))


def _recorded(transaction: TransactionRow, mined: Mined, done: Outcome) -> Settle:
    """Return what writes down where a transaction was mined, with the outcome: `done`, unless it reverted."""

    async def settle(session: AsyncSession) -> Outcome:
        session.add(transaction)
        record(transaction, mined)
        return done if mined.succeeded else await _reverted(session, transaction, mined)

    return settle


async def receipt_of(context: Context, sent: Sequence[BroadcastRow]) -> Mined | None:
    """Return the receipt of any of a transaction's signed forms."""
    for broadcast in sent:
        mined = await context.client.receipt(broadcast.hash)
        if mined is not None:
            return mined
    return None


async def _replacement(context: Context, transaction: TransactionRow, sent: list[BroadcastRow]) -> Settle | None:
    """Remember a dearer form of a transaction that waited for too long; the next look broadcasts it."""
    newest = sent[0]
    if _age(sent) < timedelta(seconds=context.transactions.replace_after_seconds):
        return None
    previous = Fees(int(newest.max_fee_wei), int(newest.priority_fee_wei))
    fees = context.fees.replacement(await context.client.base_fee_wei(), previous)
    if fees is None:
        return None
    call = Call(Address(transaction.to), transaction.data, transaction.gas_limit)
    signed = context.signer.sign_transaction(call, context.chain_id, transaction.nonce, fees)

    async def remember(session: AsyncSession) -> Outcome:
        await add_broadcast(session, transaction, signed.hash, signed.raw, fees.max_fee_wei, fees.priority_fee_wei)
        return Outcome(State.SUBMITTED, f"replaced by {signed.hash} with {fees.max_fee_wei} wei per gas")

    return remember


async def _reverted(session: AsyncSession, transaction: TransactionRow, mined: Mined) -> Outcome:
    failures = await count_failures(session, transaction.request)
    if failures >= _MOST_FAILURES:
        return Outcome(State.DEAD, f"{failures} transactions were mined and reverted, {mined.hash} last")
    return Outcome(_before(transaction), f"{mined.hash} was mined in block {mined.block_number} but reverted")


def record(transaction: TransactionRow, mined: Mined) -> None:
    """Write down where a transaction was mined."""
    transaction.mined_hash = mined.hash
    transaction.mined_block = mined.block_number
    transaction.mined_block_hash = mined.block_hash
    transaction.gas_used = mined.gas_used
    transaction.gas_price_wei = Decimal(mined.gas_price_wei)
    transaction.succeeded = mined.succeeded


def _before(transaction: TransactionRow) -> State:
    return State.SIGNED if transaction.kind == "answer" else State.DECLINING


def _age(sent: list[BroadcastRow]) -> timedelta:
    return datetime.now(UTC) - sent[0].created_at


def _pause(context: Context) -> timedelta:
    return timedelta(seconds=context.chain.poll_seconds)
