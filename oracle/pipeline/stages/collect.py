"""Stage 1: is the request still open, and what did the wallet do up to its block?"""

from oracle.assessment import canonical
from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, DeclineReason, InvalidRequest, PermanentFault
from oracle.assessment.states import State
from oracle.chain.contracts import RequestState
from oracle.chain.pool import agreement
from oracle.chain.rpc import block_ref
from oracle.pipeline.context import Context
from oracle.pipeline.private.waiting import is_private
from oracle.pipeline.stages.await_data import not_opened
from oracle.pipeline.stages.stage import Outcome
from oracle.store.requests import to_request
from oracle.store.tables import RequestRow


async def collect(context: Context, row: RequestRow) -> Outcome:
    """Read the history pinned to the request's block and make the features."""
    request = to_request(row)
    # Where it is set so, two endpoints must agree on what decides; the history is checked by its block's hash.
    with agreement():
        state = await context.oracle.state_of(request.request_id)
        block = await block_ref(context.w3, request.block.number)
    if block.hash != request.block.hash:
        raise BlockUnavailable(f"block {block.number} is {block.hash}, the request was logged in {request.block.hash}")
    if state is RequestState.NONE:
        raise BlockUnavailable(f"the contract does not know request {request.request_id} at the chain's head")
    if state is not RequestState.PENDING:
        return Outcome(State.SETTLING, f"the contract says {state.name.lower()}")
    private = is_private(row, context.model.source)
    if private and not context.privacy.waits:
        raise not_opened("this daemon takes no opening and no proof of them")
    row.flags = context.labels.plain(request.user)
    unwanted = [flag for flag in row.flags if flag["label"] in context.declined_labels]
    if unwanted:
        said = ", ".join(f"{flag['label']} by {flag['source']} of {flag['date']}" for flag in unwanted)
        # Not a fault: what was found out stays with the request.
        row.decline_reason = DeclineReason.OPERATOR_POLICY.value
        return Outcome(State.DECLINING, f"{DeclineReason.OPERATOR_POLICY.name.lower()}: {request.user} is {said}")
    reading = await context.histories.read(request.user, request.block)
    history = reading.history
    try:
        vector = engineer(history, request.terms)
    except InvalidRequest as error:
        raise PermanentFault(str(error), DeclineReason.MODEL_NOT_APPLICABLE) from error
    row.history = canonical.plain(history)
    row.history_hash = canonical.history_hash(row.history)
    row.features = {
        "values": {name: None if value is None else str(value) for name, value in vector.values.items()},
        "encoded": list(vector.encoded),
    }
    done = history.transactions
    return Outcome(
        State.AWAITING_PROOF if private else State.COLLECTED,
        f"{done.sent_count} sent and {done.received_count} received transactions, "
        f"{history.lending.event_count} lending events, {history.exchanges.swap_count} swaps, "
        f"{history.term_loans.taken} term loans, "
        f"{reading.rpc_calls} RPC calls, {reading.api_calls} of other APIs"
        + (", what it did inside others' transactions is not read" if done.inner_calls_unread else ""),
    )
