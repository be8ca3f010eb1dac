"""What a reorganisation took back is tried again before it is sent again: what could only revert costs nothing."""

from oracle.assessment.states import State
from tests.support.declining import ask_and_decline, confirm_all, forms, make_older, settle_as_stranger, step
from tests.support.event_source import Ingest


async def declined_and_taken_back(ingest: Ingest, blocks: int) -> str:
    """Let a refusal be mined, and a reorganisation take so many blocks; return its transaction's hash."""
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert await ingest.states() == {State.CONFIRMED: 1}
    await ingest.chain.rpc("anvil_rollback", blocks)
    await step(ingest, "finalize")
    assert await ingest.states() == {State.SUBMITTED: 1}
    await make_older(ingest, 5)
    return (await forms(ingest, 0))[0].hash


async def waiting(ingest: Ingest) -> int:
    """Return how many transactions the node holds."""
    return int((await ingest.chain.rpc("txpool_status"))["pending"], 16)


async def test_transaction__whose_request_is_gone_too__is_not_sent_into_a_chain_without_it(ingest: Ingest) -> None:
    await declined_and_taken_back(ingest, 2)
    await ingest.chain.rpc("evm_setAutomine", False)
    await step(ingest, "confirm")
    assert await ingest.states() == {State.SUBMITTED: 1}
    assert await waiting(ingest) == 0


async def test_transaction__whose_request_somebody_settled_meanwhile__is_not_sent_to_revert(ingest: Ingest) -> None:
    sent = await declined_and_taken_back(ingest, 1)
    await settle_as_stranger(ingest)
    await step(ingest, "confirm")
    assert await ingest.states() == {State.DECLINING: 1}
    assert await ingest.chain.rpc("eth_getTransactionByHash", sent) is None
    await step(ingest, "decline")
    assert await ingest.states() == {State.SETTLING: 1}


async def test_transaction__that_still_holds__is_sent_again_as_it_is(ingest: Ingest) -> None:
    sent = await declined_and_taken_back(ingest, 1)
    await confirm_all(ingest)
    assert await ingest.states() == {State.CONFIRMED: 1}
    assert [form.hash for form in await forms(ingest, 0)] == [sent]
