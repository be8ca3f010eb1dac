"""Sees to it that the chain is never left waiting for a nonce that nobody will spend.

Every later answer waits for it. What no stage looks after any more (its request vanished, started anew or died) is
taken back by an empty transaction to oneself: sent as it is, it could only revert, for many times the gas. Nonces that
no transaction of ours holds (a reorganisation removed a stranger's of the same key) are spent likewise.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import TransientFault
from oracle.assessment.states import State
from oracle.chain.fees import Fees
from oracle.chain.signer import Call
from oracle.chain.transactions import Underpriced
from oracle.pipeline.context import Context
from oracle.pipeline.receipts import MinedForm, mined_form, record
from oracle.store import ledger, requests, revisits
from oracle.store.database import LOST
from oracle.store.ledger import EMPTY
from oracle.store.tables import BroadcastRow, RequestRow, TransactionRow

_EMPTY_GAS: Final = 21_000
_MOST_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Looked:
    """What the chain said before the ledger was locked: `found` by the transaction's id, wei per gas."""

    block: int
    spent: int
    first_gap: int
    base_fee_wei: int
    tip_wei: int | None
    found: dict[int, MinedForm | None]


async def hold_nonces(context: Context) -> None:
    """Look once, and send what is needed; endpoint and database faults wait for the next look."""
    try:
        looked = await _look(context)
        if looked is None:
            return
        async with context.sessions.begin() as session:
            to_send = await _decide(context, session, looked)
        for nonce, form in to_send:
            await _send(context, nonce, form)
    except (TransientFault, *LOST):
        return  # the event source reports the endpoint, the worker the database


async def _look(context: Context) -> Looked | None:
    head, client, sender = context.head, context.client, context.signer.address
    if head is None:
        return None
    spent = await client.nonce(sender)
    # What the node holds can be mined, whoever sent it.
    first_gap = max(spent, await client.pending_nonce(sender))
    key = (context.chain_id, sender)
    async with context.sessions() as session:
        idle = await ledger.idle(session, *key, spent, _since(context, head.number), _MOST_AT_ONCE)
        forms = {transaction.id: await ledger.broadcasts(session, transaction) for transaction, _ in idle}
        missing, end = await ledger.gaps(session, *key, first_gap, 1)
        ahead = await ledger.next_nonce(session, *key) > end
    if not (forms or missing or ahead):
        return None
    found = {number: await mined_form(client, sent) for number, sent in forms.items()}
    base_fee_wei, tip_wei = await client.base_fee_wei(), await client.suggested_tip_wei()
    return Looked(head.number, spent, first_gap, base_fee_wei, tip_wei, found)


def _since(context: Context, head: int) -> int:
    return head - context.chain.confirmations


async def _decide(context: Context, session: AsyncSession, looked: Looked) -> list[tuple[int, BroadcastRow]]:
    """Return the forms to broadcast by nonce, after the ledger has them."""
    sender = context.signer.address
    account = await ledger.lock_account(session, context.chain_id, sender, looked.spent)
    since = _since(context, looked.block)
    to_send: list[tuple[int, BroadcastRow]] = []
    for transaction, request in await ledger.idle(
        session, context.chain_id, sender, looked.spent, since, _MOST_AT_ONCE
    ):
        if transaction.id not in looked.found:
            continue  # given up since the look: the next one asks for its receipt first
        found = looked.found[transaction.id]
        if found is not None:
            record(transaction, found)
            continue
        ledger.not_mined(transaction)
        if transaction.nonce < looked.spent:
            transaction.passed_block = transaction.passed_block or looked.block
            continue
        transaction.passed_block = None
        ledger.count_next(transaction, looked.spent)
        if request is not None and request.state in (State.FINAL, State.DECLINED):
            await _reopen(session, request)
            continue
        form = await _form_to_send(context, session, transaction, looked)
        if form is not None:
            to_send.append((transaction.nonce, form))
    missing, end = await ledger.gaps(session, context.chain_id, sender, looked.first_gap, _MOST_AT_ONCE)
    # Ahead of all transactions (a restored backup, rows that were removed): nobody waits there.
    account.next_nonce = min(account.next_nonce, end)
    for nonce in missing:
        to_send.append((nonce, await _fill(context, session, nonce, looked)))
    return to_send


async def _reopen(session: AsyncSession, request: RequestRow) -> None:
    locked = await revisits.lock(session, request.id)
    if locked is not None:
        await requests.move(session, locked, State.CONFIRMED, "its nonce is open again: a deep reorganisation")


async def _form_to_send(
    context: Context, session: AsyncSession, transaction: TransactionRow, looked: Looked
) -> BroadcastRow | None:
    sent = await ledger.broadcasts(session, transaction)
    newest = sent[0]
    previous = Fees(int(newest.max_fee_wei), int(newest.priority_fee_wei))
    raised = context.fees.replacement(looked.base_fee_wei, looked.tip_wei, previous)
    if transaction.kind != EMPTY or newest.kind != EMPTY:
        structlog.get_logger("upkeep").warning("transaction_cancelled", nonce=transaction.nonce, was=transaction.kind)
        ledger.renew(transaction, EMPTY, context.signer.address, b"", _EMPTY_GAS)
        # At the limit the same fees must do: a pool that has forgotten the other one takes them.
        return await _sign(context, session, transaction, raised or previous)
    if raised is not None and (transaction.bump_by is not None or _waits_too_long(context, transaction, newest)):
        return await _sign(context, session, transaction, raised)
    if raised is None and transaction.bump_by is not None:
        structlog.get_logger("upkeep").warning("bump_refused", nonce=transaction.nonce, operator=transaction.bump_by)
        transaction.bump_by = None
    return newest


def _waits_too_long(context: Context, transaction: TransactionRow, newest: BroadcastRow) -> bool:
    patience, now = timedelta(seconds=context.transactions.replace_after_seconds), datetime.now(UTC)
    waits = transaction.next_since is not None and now - transaction.next_since >= patience
    return waits and now - newest.created_at >= patience


async def _fill(context: Context, session: AsyncSession, nonce: int, looked: Looked) -> BroadcastRow:
    structlog.get_logger("upkeep").warning("nonce_filled", nonce=nonce)
    transaction = TransactionRow(chain_id=context.chain_id, sender=context.signer.address, nonce=nonce)
    session.add(transaction)
    ledger.renew(transaction, EMPTY, context.signer.address, b"", _EMPTY_GAS)
    limit = context.fees.max_fee_wei
    fees = context.fees.first(looked.base_fee_wei, looked.tip_wei)
    return await _sign(
        context, session, transaction, fees or Fees(limit, min(limit, context.fees.tip_wei(looked.tip_wei)))
    )


async def _sign(context: Context, session: AsyncSession, transaction: TransactionRow, fees: Fees) -> BroadcastRow:
    call = Call(context.signer.address, b"", _EMPTY_GAS)
    signed = context.signer.sign_transaction(call, context.chain_id, transaction.nonce, fees)
    return await ledger.add_broadcast(
        session, transaction, signed.hash, signed.raw, fees.max_fee_wei, fees.priority_fee_wei
    )


async def _send(context: Context, nonce: int, form: BroadcastRow) -> None:
    try:
        await context.client.broadcast(form.raw)
    except Underpriced:
        fees = context.fees.after_refusal(
            await context.client.base_fee_wei(), Fees(int(form.max_fee_wei), int(form.priority_fee_wei))
        )
        if fees is None:
            return
        async with context.sessions.begin() as session:
            await ledger.lock_account(session, context.chain_id, context.signer.address, nonce)
            transaction = await session.get(TransactionRow, form.transaction)
            if transaction is not None and transaction.kind == EMPTY:
                await _sign(context, session, transaction, fees)
