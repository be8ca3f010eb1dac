"""Stage 5: the answer (or the refusal) enters the transaction ledger; the next stage broadcasts it.

Nothing is sent here: the signed transaction is committed first, so a crash can repeat the broadcast of
the same bytes but never spend a second nonce on them.
"""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import BlockUnavailable, TransientFault
from oracle.assessment.states import State
from oracle.chain.contracts import ModelState, RequestState
from oracle.chain.fees import Fees
from oracle.chain.reverts import Reverted
from oracle.chain.rpc import EndpointRefused, block_ref
from oracle.chain.signer import Call
from oracle.pipeline.answer import answering_model, calldata_of
from oracle.pipeline.context import Context
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.pipeline.upkeep.follow_registry import follow_registry
from oracle.store.ledger import add_broadcast, broadcasts, lock_account, open_transaction, renew, take_nonce
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow, TransactionRow

# State can change between the estimate and the block: leave a little room.
_GAS_MARGIN_PERCENT = 15
# An endpoint that is behind may not know the change yet: a proof for nothing costs a second or more.
_RESCORE_AFTER = timedelta(seconds=1)


class FeesTooHigh(TransientFault):
    """The base fee is over the operator's limit."""


async def submit(context: Context, row: RequestRow) -> Outcome | Settle:
    """Try the answer with eth_estimateGas, then put the signed transaction into the ledger."""
    if row.proof is None or row.signatures is None:
        raise ValueError(f"request {row.request_id} is {row.state} without proof or signature")
    signatures = [bytes.fromhex(signature[2:]) for signature in row.signatures]
    return await _enter(context, row, "answer", calldata_of(context.oracle, row, signatures))


async def decline(context: Context, row: RequestRow) -> Outcome | Settle:
    """Sign the refusal and put it into the ledger."""
    if row.decline_reason is None:
        raise ValueError(f"request {row.request_id} is {row.state} without a reason")
    request = to_request(row)
    message = context.oracle.decline_message(request, row.decline_reason, context.signer_set_digest)
    signature = context.signer.sign_message(message)
    data = context.oracle.decline(request, row.decline_reason, [signature])
    return await _enter(context, row, "decline", data)


async def _enter(context: Context, row: RequestRow, kind: str, data: bytes) -> Outcome | Settle:
    sender = context.signer.address
    try:
        gas = await context.oracle.gas_of(sender, data)
    except Reverted as refused:
        return await _refused(context, row, refused.name or await _likely_cause(context, row), refused)
    except EndpointRefused as refused:
        return await _refused(context, row, await _likely_cause(context, row), refused)
    base_fee_wei, tip_wei = await context.client.base_fee_wei(), await context.client.suggested_tip_wei()
    mined = await context.client.nonce(sender)
    pending = max(mined, await context.client.pending_nonce(sender))
    call = Call(context.address, data, gas * (100 + _GAS_MARGIN_PERCENT) // 100)
    first = context.fees.first(base_fee_wei, tip_wei)
    if first is None:
        raise FeesTooHigh("the base fee is above transactions.max_fee_gwei: waiting for it to fall")

    async def enter(session: AsyncSession) -> Outcome:
        fees: Fees | None = first
        await lock_account(session, context.chain_id, sender, pending)
        transaction = await open_transaction(session, row.id, mined)
        if transaction is None:
            nonce = await take_nonce(session, context.chain_id, sender, pending)
            transaction = TransactionRow(chain_id=context.chain_id, sender=sender, nonce=nonce, request=row.id)
            session.add(transaction)
        else:
            # Its earlier transaction can still be mined: under another nonce both would be, and one would revert.
            newest = (await broadcasts(session, transaction))[0]
            previous = Fees(int(newest.max_fee_wei), int(newest.priority_fee_wei))
            fees = context.fees.replacement(base_fee_wei, tip_wei, previous)
        if fees is None:
            raise FeesTooHigh("transactions.max_fee_gwei forbids to replace its earlier transaction: waiting for that")
        renew(transaction, kind, call.to, call.data, call.gas_limit)
        signed = context.signer.sign_transaction(call, context.chain_id, transaction.nonce, fees)
        await add_broadcast(session, transaction, signed.hash, signed.raw, fees.max_fee_wei, fees.priority_fee_wei)
        return Outcome(State.SUBMITTED, f"{kind} {signed.hash} with nonce {transaction.nonce}")

    return enter


async def _refused(context: Context, row: RequestRow, name: str, refused: Reverted | EndpointRefused) -> Outcome:
    """Return what follows from a refusal by the error's name; raises it when nothing does."""
    match name:
        case "ModelNotActive":
            await follow_registry(context)
            return Outcome(State.COLLECTED, f"scored again with the model that is active: {refused}", _RESCORE_AFTER)
        case "RequestNotPending" | "RequestExpired" | "NothingToAnswer":
            # At the head, and perhaps at an endpoint that is behind: the next stage looks until it is deep.
            return Outcome(State.SETTLING, f"over at the chain's head: {refused}")
        case "BlockHashMismatch":
            raise BlockUnavailable(f"the request's block was reorganised away: {refused}") from refused
    raise refused


async def _likely_cause(context: Context, row: RequestRow) -> str:
    """Return the error's name that the chain's state speaks for, where the node names none; empty for none."""
    if await context.oracle.state_of(int(row.request_id)) is not RequestState.PENDING:
        return "RequestNotPending"
    head = await block_ref(context.w3, "latest")
    if head.timestamp > row.deadline:
        return "RequestExpired"
    if row.proof is not None:
        registry = await context.oracle.registry()
        if (await registry.model(answering_model(row))).state is not ModelState.ACTIVE:
            return "ModelNotActive"
    request = to_request(row)
    mined = await block_ref(context.w3, request.block.number)
    return "BlockHashMismatch" if mined.hash != request.block.hash else ""
