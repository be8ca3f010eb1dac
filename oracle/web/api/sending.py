"""Requests sent to the chain for a key that may: by an account of their own, so that no answer waits for them.

The answers' account stays the stages' alone. A call is signed once and committed before it is broadcast: made again, it
is the same transaction, whatever happened in between.
"""

import asyncio
from decimal import Decimal
from typing import Final

import structlog
from eth_utils.crypto import keccak

from oracle.assessment.errors import TransientFault
from oracle.assessment.request import Address
from oracle.chain.fees import Fees
from oracle.chain.reverts import Reverted
from oracle.chain.signer import Call as ChainCall
from oracle.chain.signer import Signer
from oracle.chain.transactions import InsufficientFunds
from oracle.pipeline.context import Context
from oracle.store import submissions
from oracle.store.api_tables import SubmissionRow
from oracle.store.database import LOST
from oracle.store.ledger import lock_account, take_nonce
from oracle.store.submissions import WINDOW
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.service import Api

_GAS_MARGIN_PERCENT: Final = 15
_FEES_AGAIN_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0


async def send(api: Api, context: Context, key: str, user: Address, data: bytes, fee_wei: int) -> str:
    """Send a request with its fee, and return the transaction's hash; the same call is never sent twice.

    Raises Problem where the contract would refuse it, the key's budget is spent, or fees are too high for now.
    """
    requester = account(api)
    call_hash = f"0x{keccak(data).hex()}"
    async with api.session() as session:
        known = await submissions.of_call(session, context.chain_id, requester.address, call_hash)
    if known is None:
        known = await _enter(api, context, requester, key, user, data, fee_wei, call_hash)
    if known.key != key:
        raise wrong("body.consent", "was used by another key's request")
    await context.client.broadcast(known.raw)
    return known.hash


def account(api: Api) -> Signer:
    """Return the account that requests are sent from; raises Problem where the operator has none."""
    if api.requester is None:
        raise wrong("body.submit", "this operator sends no requests: send the calldata yourself")
    return api.requester


async def _enter(
    api: Api, context: Context, requester: Signer, key: str, user: Address, data: bytes, fee_wei: int, call_hash: str
) -> SubmissionRow:
    sender, client = requester.address, context.client
    try:
        gas = await context.oracle.gas_of(sender, data, fee_wei)
    except Reverted as refused:
        raise wrong("body", f"the contract would refuse this request: {refused}") from None
    fees = context.fees.first(await client.base_fee_wei(), await client.suggested_tip_wei())
    if fees is None:
        raise Problem(Kind.UNAVAILABLE, "gas costs more than the operator pays", retry_seconds=_FEES_AGAIN_SECONDS)
    # A nonce that waits for lower fees would let all later ones wait: up to the operator's limit it never does.
    fees = Fees(context.fees.max_fee_wei, fees.priority_fee_wei)
    call = ChainCall(context.address, data, gas * (100 + _GAS_MARGIN_PERCENT) // 100, fee_wei)
    if await client.balance_wei(sender) < fee_wei + call.gas_limit * fees.max_fee_wei:
        raise InsufficientFunds(
            f"the account {sender}, which sends requests, cannot pay for this one; send coins to it"
        )
    mined = await client.nonce(sender)
    pending = max(mined, await client.pending_nonce(sender))
    async with api.session() as session:
        # The account's lock makes budget, nonce and row one decision, whichever daemon it is made by.
        await lock_account(session, context.chain_id, sender, pending)
        known = await submissions.of_call(session, context.chain_id, sender, call_hash)
        if known is not None:
            return known
        if await submissions.open_of_user(session, context.chain_id, context.address, user, mined):
            raise Problem(Kind.CONFLICT, "a request about this wallet waits for its block", retry_seconds=_LOOK_SECONDS)
        _check_budget(api, key, fee_wei, await submissions.spent(session, key))
        nonce = await take_nonce(session, context.chain_id, sender, pending)
        signed = requester.sign_transaction(call, context.chain_id, nonce, fees)
        row = SubmissionRow(
            key=key,
            chain_id=context.chain_id,
            oracle=context.address,
            sender=sender,
            nonce=nonce,
            user=user,
            call_hash=call_hash,
            hash=signed.hash,
            raw=signed.raw,
            fee_wei=Decimal(fee_wei),
        )
        session.add(row)
    structlog.get_logger("api").info("api_request_sent", key=key, wallet=user, transaction=row.hash, nonce=nonce)
    return row


def _check_budget(api: Api, key: str, fee_wei: int, spent: submissions.Spent) -> None:
    most, most_wei = api.settings.requester_daily_requests, api.settings.requester_daily_fee_wei
    if spent.requests + 1 > most or spent.fees_wei + fee_wei > most_wei:
        words = f"key {key} had {spent.requests} requests sent within a day, for {spent.fees_wei} wei in fees"
        more = f"the limit is {most} requests and {most_wei} wei; this one's fee is {fee_wei} wei"
        raise Problem(Kind.TOO_MANY, f"{words}; {more}", retry_seconds=WINDOW.total_seconds() / 24)


async def keep_sending(api: Api) -> None:
    """Broadcast again what the chain has not mined, until cancelled: a node may have dropped it, or never had it."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        context = api.context()
        if context is None:
            continue
        try:
            await send_again(api, context)
        except (TransientFault, *LOST) as fault:
            structlog.get_logger("api").warning("api_request_not_sent", error=str(fault))


async def send_again(api: Api, context: Context) -> int:
    """Broadcast every transaction that waits for its block, lowest nonce first; return how many."""
    sender = account(api).address
    mined = await context.client.nonce(sender)
    async with api.session() as session:
        waiting = await submissions.not_mined(session, context.chain_id, sender, mined)
    for row in waiting:
        await context.client.broadcast(row.raw)
    return len(waiting)
