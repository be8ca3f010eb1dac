"""Nothing is over before it is deep: what one endpoint, the head or a removed block said is looked at again."""

from typing import Any

import pytest
from sqlalchemy import update

from oracle.assessment.states import State
from oracle.chain.rpc import connect
from oracle.pipeline.upkeep.sweep import sweep
from oracle.store.tables import RequestRow
from tests.support.declining import (
    ask,
    ask_and_decline,
    confirm_all,
    declining,
    rollback,
    settle_as_stranger,
    step,
    talk_through,
    transactions,
)
from tests.support.event_source import Ingest
from tests.support.faulty_node import FaultyNode, Given

# RequestNotPending(uint256 requestId, RequestState state), the state none.
_NOT_PENDING = "RequestNotPending(uint256,uint8)"


def behind(times: int) -> Any:
    """Refuse so many estimates as an endpoint does that has not seen the request's block."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    data = "0x" + (keccak(text=_NOT_PENDING)[:4] + encode(["uint256", "uint8"], [1, 0])).hex()
    left = [times]

    def tamper(method: str, params: list[Any], answer: dict[str, Any]) -> Given:
        if method != "eth_estimateGas" or not left[0]:
            return answer
        left[0] -= 1
        return {"error": {"code": 3, "message": "execution reverted", "data": data}}

    return tamper


async def test_request__that_an_endpoint_behind_does_not_know_yet__is_not_taken_for_settled(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    async with FaultyNode(ingest.chain.rpc_url, behind(1)) as node:
        w3 = connect(node.url, 10.0)
        talk_through(ingest, w3)
        await step(ingest, "decline")
        assert (await ingest.row(1)).state == State.SETTLING
        await step(ingest, "settle")
        assert (await ingest.row(1)).state == State.DECLINING
        await step(ingest, "decline")
        await confirm_all(ingest)
        assert (await ingest.row(1)).state == State.CONFIRMED
        await w3.provider.disconnect()


async def test_request__that_another_settled__is_closed_only_when_that_is_deep(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await settle_as_stranger(ingest)
    await step(ingest, "decline")
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.SETTLING
    await ingest.chain.mine(1)
    await ingest.search()
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.CLOSED
    assert not await transactions(ingest)


@pytest.mark.parametrize("closed", [False, True])
async def test_request__whose_settlement_by_another_is_reorganised_away__is_worked_on_again(
    ingest: Ingest, closed: bool
) -> None:
    await ask_and_decline(ingest)
    await ingest.chain.mine(2)
    await settle_as_stranger(ingest)
    await step(ingest, "decline")
    await step(ingest, "settle")
    if closed:
        await ingest.chain.mine(2)
        await ingest.search()
        await step(ingest, "settle")
        assert (await ingest.row(1)).state == State.CLOSED
    await rollback(ingest, 3 if closed else 1, mine=2)
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.DECLINING
    await step(ingest, "decline")
    await confirm_all(ingest)
    assert (await ingest.row(1)).state == State.CONFIRMED


async def test_request__that_is_past_its_deadline__expires_only_when_that_is_deep(ingest: Ingest) -> None:
    await ask(ingest)
    await ingest.chain.warp(4_000)
    await ingest.search()
    await step(ingest, "collect")
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.SETTLING
    await ingest.chain.mine()
    await ingest.search()
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.EXPIRED


async def test_request__answered_long_ago_on_a_new_database__is_not_called_expired(ingest: Ingest) -> None:
    await ask(ingest)
    await settle_as_stranger(ingest)
    await ingest.chain.warp(4_000)
    await ingest.search()
    await step(ingest, "collect")
    await step(ingest, "settle")
    await ingest.chain.mine()
    await ingest.search()
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.CLOSED


async def test_request__that_our_own_earlier_transaction_settled__is_ours(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await step(ingest, "decline")
    await confirm_all(ingest)
    await declining(ingest)
    await step(ingest, "decline")
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.CONFIRMED
    await ingest.chain.mine(3)
    await step(ingest, "finalize")
    assert (await ingest.row(1)).state == State.DECLINED


@pytest.mark.parametrize("state", [State.CLOSED, State.FINAL, State.DECLINED, State.EXPIRED])
async def test_sweep__of_a_request_that_is_over_here_and_pending_on_the_chain__takes_it_up_again(
    ingest: Ingest, state: State
) -> None:
    await ask_and_decline(ingest)
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(RequestRow).values(state=state.value))
    await sweep(ingest.context)
    assert (await ingest.row(1)).state == State.SETTLING
    await step(ingest, "settle")
    assert (await ingest.row(1)).state == State.DECLINING


async def test_sweep__of_many__looks_at_every_id_in_time_and_leaves_what_is_over(ingest: Ingest) -> None:
    await ask_and_decline(ingest)
    await settle_as_stranger(ingest)
    await ask(ingest)
    async with ingest.context.sessions.begin() as session:
        await session.execute(update(RequestRow).values(state=State.CLOSED.value))
    await sweep(ingest.context)
    assert (await ingest.row(1)).state == State.CLOSED
    assert (await ingest.row(2)).state == State.SETTLING
