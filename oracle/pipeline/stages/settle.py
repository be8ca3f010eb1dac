"""Beside the stages: a request that is over at the chain's head without us is watched until that is deep."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import BlockUnavailable
from oracle.assessment.states import State
from oracle.chain.contracts import RequestState
from oracle.chain.rpc import block_ref
from oracle.pipeline.context import Context
from oracle.pipeline.receipts import MinedForm, mined_form, record
from oracle.pipeline.stages.stage import Outcome, Settle
from oracle.store.ledger import EMPTY, broadcasts, transactions_of
from oracle.store.tables import RequestRow, TransactionRow


async def settle(context: Context, row: RequestRow) -> Outcome | Settle:
    """Close a request once the block in which it was seen to be over is deep; take it up again where it is not over.

    What a lagging endpoint or the middle of a reorganisation says of it is believed for as long as it is said.
    """
    pause = timedelta(seconds=context.chain.poll_seconds)
    head = context.head
    if head is None:
        return Outcome(State.SETTLING, "waiting for the chain's head", pause)
    state = await context.oracle.state_of(int(row.request_id), head.hash)
    if state is RequestState.NONE:
        raise BlockUnavailable(f"the contract does not know request {row.request_id} at block {head.number}")
    pending = state is RequestState.PENDING
    if pending and head.timestamp <= row.deadline:
        row.settled_block = row.settled_block_hash = None
        return Outcome(_where_it_was(row), f"the contract says pending at block {head.number}: not over after all")
    ours = None if pending else await _our_own(context, row)
    if ours is not None:
        row.settled_block = row.settled_block_hash = None
        return ours
    if not await _still_there(context, row):
        row.settled_block, row.settled_block_hash = head.number, head.hash
    since = row.settled_block
    if since is None or head.number < since + context.chain.confirmations - 1:
        return Outcome(State.SETTLING, f"{state.name.lower()}, not deep enough yet", pause)
    if pending:
        return Outcome(State.EXPIRED, f"its deadline {row.deadline} passed")
    return Outcome(State.CLOSED, f"settled without us: the contract says {state.name.lower()}")


def _where_it_was(row: RequestRow) -> State:
    if row.decline_reason is not None:
        return State.DECLINING
    return State.SIGNED if row.proof is not None and row.signatures is not None else State.REQUESTED


async def _still_there(context: Context, row: RequestRow) -> bool:
    """Say whether the block in which the request was first seen to be over is the chain's."""
    if row.settled_block is None:
        return False
    try:
        return (await block_ref(context.w3, row.settled_block)).hash == row.settled_block_hash
    except BlockUnavailable:
        return False


async def _our_own(context: Context, row: RequestRow) -> Settle | None:
    """Look for a receipt of any transaction that was ever sent for the request; return what writes it down."""
    async with context.sessions() as session:
        sent = [(one, await broadcasts(session, one)) for one in await transactions_of(session, row.id)]
    for transaction, forms in sent:
        found = await mined_form(context.client, forms)
        if found is None or not found.mined.succeeded or found.form.kind == EMPTY:
            continue

        async def write(session: AsyncSession, ours: TransactionRow = transaction, mined: MinedForm = found) -> Outcome:
            session.add(ours)
            record(ours, mined)
            return Outcome(State.CONFIRMED, f"our own transaction {mined.mined.hash} settled it")

        return write
    return None
