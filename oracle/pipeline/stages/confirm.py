"""Stages 6 and 7: broadcast until mined, replace when stuck, then watch until deep enough to stay."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.chain.contracts import RequestState
from oracle.chain.fees import Fees
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import EndpointRefused, block_ref
from oracle.chain.signer import Call
from oracle.chain.transactions import Underpriced
from oracle.pipeline.context import Context
from oracle.pipeline.receipts import MinedForm, mined_form, record
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.store.ledger import EMPTY, add_broadcast, broadcasts, count_failures, count_next, not_mined, transaction_of
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow

_LOOK_AGAIN = timedelta(milliseconds=50)
# How long after it was tried a transaction is sent without a new try.
_ESTIMATE_HOLDS = timedelta(seconds=1)
# Each one costs gas: something is wrong that trying again does not mend.
_MOST_FAILURES = 3
# A node that says it knows a transaction whose nonce is spent is believed for so many times the depth.
_PATIENCE_DEPTHS = 4


async def confirm(context: Context, row: RequestRow) -> Outcome | Settle:
    """Find the receipt of any of the transaction's hashes; broadcast, or replace, while there is none."""
    transaction, sent = await _ledger(context, row)
    found = await mined_form(context.client, sent)
    if found is not None:
        return _mined(row, transaction, found)
    chain_nonce = await context.client.nonce(Address(transaction.sender))
    count_next(transaction, chain_nonce)
    if chain_nonce > transaction.nonce:
        return await _passed(context, row, transaction, sent)
    transaction.passed_block = None
    replaced = await _replacement(context, transaction, sent[0])
    if transaction.kind != EMPTY and (replaced is not None or await _was_taken_back(context, sent[0])):
        in_vain = await _in_vain(context, row, transaction)
        if in_vain is not None:
            return in_vain
    if replaced is not None:
        return replaced
    try:
        await context.client.broadcast(sent[0].raw)
    except Underpriced:
        dearer = context.fees.after_refusal(await context.client.base_fee_wei(), _fees(sent[0]))
        if dearer is None:
            raise
        return _renewed(context, transaction, dearer, "a node wanted higher fees")
    found = await mined_form(context.client, sent)
    if found is not None:
        return _mined(row, transaction, found)
    return _waits(transaction, "waiting to be mined", min(_pause(context), _age(sent[0]) + _LOOK_AGAIN))


async def finalize(context: Context, row: RequestRow) -> Outcome | Settle:
    """Ask for the receipt again until enough blocks are on top of it; a reorganisation sends it back."""
    transaction, sent = await _ledger(context, row)
    found = await mined_form(context.client, sent)
    if found is None:
        not_mined(transaction)
        return _waits(transaction, "a reorganisation removed the transaction's block: broadcasting again")
    head, mined = context.head, found.mined
    if head is None or head.number < mined.block_number + context.chain.confirmations - 1:
        return _mined(row, transaction, found, Outcome(State.CONFIRMED, "not deep enough yet", _pause(context)))
    # Another endpoint may have given the receipt than the one that counts blocks.
    if (await block_ref(context.w3, mined.block_number)).hash != mined.block_hash:
        return Outcome(State.CONFIRMED, "its receipt is of a block that is not the chain's", _pause(context))
    done = State.FINAL if found.form.kind == "answer" else State.DECLINED
    return _mined(row, transaction, found, Outcome(done, f"{context.chain.confirmations} confirmations"))


async def _ledger(context: Context, row: RequestRow) -> tuple[TransactionRow, list[BroadcastRow]]:
    async with context.sessions() as session:
        transaction = await transaction_of(session, row.id)
        if transaction is None:
            raise ValueError(f"request {row.request_id} is {row.state} without a transaction")
        return transaction, list(await broadcasts(session, transaction))


def _mined(row: RequestRow, transaction: TransactionRow, found: MinedForm, well: Outcome | None = None) -> Settle:
    """Return what writes down where a transaction was mined, with the outcome: `well`, if it settled the request."""
    mined, back = found.mined, before(row)
    confirmed = Outcome(State.CONFIRMED, f"{mined.hash} mined in block {mined.block_number}, {mined.gas_used} gas")

    async def settle(session: AsyncSession) -> Outcome:
        session.add(transaction)
        record(transaction, found)
        if found.form.kind == EMPTY:
            return Outcome(back, f"nonce {transaction.nonce} was given up by {mined.hash}")
        if mined.succeeded:
            return well or confirmed
        failures = await count_failures(session, row.id)
        if failures >= _MOST_FAILURES:
            return Outcome(State.DEAD, f"{failures} transactions were mined and reverted, {mined.hash} last")
        return Outcome(back, f"{mined.hash} was mined in block {mined.block_number} but reverted")

    return settle


async def _passed(
    context: Context, row: RequestRow, transaction: TransactionRow, sent: list[BroadcastRow]
) -> Outcome | Settle:
    """Decide what to make of a nonce that is spent while no node has a receipt of ours, or not yet.

    Behind a balancer the count of transactions is ahead of the receipts; and what a stranger spent at the head, a
    reorganisation may give back: a second transaction too early is one that reverts.
    """
    # Read again: it may have been mined between the two questions.
    found = await mined_form(context.client, sent)
    if found is not None:
        return _mined(row, transaction, found)
    head = context.head
    if head is None:
        return _waits(transaction, "waiting for the chain's head", _pause(context))
    if transaction.passed_block is None or transaction.passed_block > head.number:
        transaction.passed_block = head.number
    seen_for = head.number - transaction.passed_block
    depth = context.chain.confirmations
    known = [form.hash for form in sent if await context.client.knows(form.hash)]
    if seen_for < (depth * _PATIENCE_DEPTHS if known else depth):
        what = f"{known[0]} has no receipt yet" if known else "no node has a receipt or the transaction"
        return _waits(transaction, f"nonce {transaction.nonce} is spent, {what}", _pause(context))
    why = f"nonce {transaction.nonce} was spent by another transaction, {seen_for} blocks deep"
    return _kept(transaction, Outcome(before(row), why))


async def _was_taken_back(context: Context, newest: BroadcastRow) -> bool:
    """Say whether what was sent a while ago is nowhere now: a reorganisation, or a pool that forgot it."""
    return _age(newest) > _ESTIMATE_HOLDS and not await context.client.knows(newest.hash)


async def _in_vain(context: Context, row: RequestRow, transaction: TransactionRow) -> Settle | None:
    """Try again what is to be sent again: what could only revert, for its gas, is not; None where it may go."""
    try:
        await context.oracle.gas_of(Address(transaction.sender), transaction.data)
    except (Reverted, EndpointRefused) as refused:
        if await context.oracle.state_of(int(row.request_id)) is RequestState.NONE:
            # It comes back, or the event source finds it gone.
            return _waits(transaction, "its request is not on the chain at the moment", _pause(context))
        return _kept(transaction, Outcome(before(row), f"not sent again, it would revert: {refused}"))
    return None


async def _replacement(context: Context, transaction: TransactionRow, newest: BroadcastRow) -> Settle | None:
    """Remember a dearer form of a transaction that the chain waits for, for too long; the next look broadcasts it."""
    ordered = transaction.bump_by
    if ordered is None and not _waited(context, transaction, newest):
        return None
    tip = await context.client.suggested_tip_wei()
    fees = context.fees.replacement(await context.client.base_fee_wei(), tip, _fees(newest))
    if fees is None and ordered is not None:
        structlog.get_logger("upkeep").warning("bump_refused", nonce=transaction.nonce, operator=ordered)
        transaction.bump_by = None
    why = "it waited for too long" if ordered is None else f"operator {ordered} asked for it"
    return None if fees is None else _renewed(context, transaction, fees, why)


def _waited(context: Context, transaction: TransactionRow, newest: BroadcastRow) -> bool:
    patience = timedelta(seconds=context.transactions.replace_after_seconds)
    # Behind a gap no fee helps: what is raised there is paid when the gap closes.
    if transaction.next_since is None or datetime.now(UTC) - transaction.next_since < patience:
        return False
    return _age(newest) >= patience


def _renewed(context: Context, transaction: TransactionRow, fees: Fees, why: str) -> Settle:
    call = Call(Address(transaction.to), transaction.data, transaction.gas_limit)
    signed = context.signer.sign_transaction(call, context.chain_id, transaction.nonce, fees)

    async def remember(session: AsyncSession) -> Outcome:
        session.add(transaction)
        await add_broadcast(session, transaction, signed.hash, signed.raw, fees.max_fee_wei, fees.priority_fee_wei)
        return Outcome(State.SUBMITTED, f"replaced by {signed.hash} with {fees.max_fee_wei} wei per gas: {why}")

    return remember


def _waits(transaction: TransactionRow, what: str, after: timedelta = timedelta()) -> Settle:
    return _kept(transaction, Outcome(State.SUBMITTED, what, after))


def _kept(transaction: TransactionRow, outcome: Outcome) -> Settle:
    async def keep(session: AsyncSession) -> Outcome:
        session.add(transaction)
        return outcome

    return keep


def before(row: RequestRow) -> State:
    """Return the state from which a request's transaction is entered."""
    return State.SIGNED if row.decline_reason is None else State.DECLINING


def _fees(form: BroadcastRow) -> Fees:
    return Fees(int(form.max_fee_wei), int(form.priority_fee_wei))


def _age(form: BroadcastRow) -> timedelta:
    return datetime.now(UTC) - form.created_at


def _pause(context: Context) -> timedelta:
    return timedelta(seconds=context.chain.poll_seconds)
