"""Pages of requests: each request once, however many were asked in one second; words of faults as they stand."""

from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from oracle.assessment.errors import DeclineReason, InvalidRequest
from oracle.assessment.states import State
from oracle.store import board_pages, requests
from oracle.store.board_pages import Filter, Place
from tests.store.test_requests import CHAIN, ORACLE, OTHER_ORACLE, log_of, moved, request, row_of, stored

Sessions = async_sessionmaker[AsyncSession]


async def test_lines__of_one_second__are_paged_by_id_and_none_is_lost(sessions: Sessions) -> None:
    await stored(sessions, *(request(number) for number in range(1, 12)))
    await stored(sessions, request(12), oracle=OTHER_ORACLE)
    seen: list[int] = []
    before: Place | None = None
    while True:
        async with sessions() as session:
            page = await board_pages.lines(session, CHAIN, ORACLE, Filter(), before, 3)
        if not page:
            break
        seen += [int(line.request_id) for line in page]
        before = (page[-1].requested_at, Decimal(page[-1].request_id))
    assert seen == list(range(11, 0, -1))


@pytest.mark.parametrize(
    ("words", "found"), [("", [2, 1]), ("100%", [1]), ("100", [2, 1]), ("PROVER_", [2]), ("x", [])]
)
async def test_dead__by_words__takes_them_as_they_stand(sessions: Sessions, words: str, found: list[int]) -> None:
    await stored(sessions, request(1), request(2), request(3))
    for number, fault in ((1, "disk 100% full"), (2, "prover_died 1000 times"), (3, "100% alive")):
        await moved(sessions, number, State.SCORED if number == 3 else State.DEAD)
        async with sessions.begin() as session:
            (await requests.find(session, CHAIN, ORACLE, number, lock=True)).fault = fault
    async with sessions() as session:
        lines = await board_pages.dead(session, CHAIN, ORACLE, words, None, 10)
    assert [int(line.request_id) for line in lines] == found


async def test_give_back_fee__of_a_dead_request__has_it_declined_for_the_reason(sessions: Sessions) -> None:
    await stored(sessions, request(1))
    await moved(sessions, 1, State.DEAD)
    async with sessions.begin() as session:
        await requests.give_back_fee(session, CHAIN, ORACLE, 1, DeclineReason.OPERATOR_POLICY, by="operator ada")
    row = await row_of(sessions, 1)
    assert (row.state, row.decline_reason, row.claim) == (State.DECLINING, DeclineReason.OPERATOR_POLICY, None)
    assert (await log_of(sessions, 1))[-1] == ("dead", "declining")
    async with sessions.begin() as session:
        with pytest.raises(InvalidRequest, match="request 1 is declining: only dead requests can be declined by hand"):
            await requests.give_back_fee(session, CHAIN, ORACLE, 1, DeclineReason.OPERATOR_POLICY, by="operator ada")
