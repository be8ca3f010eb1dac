"""Aave's events and prices, one by one: what moves nothing begins nothing, what has no price declines its holder."""

from dataclasses import dataclass
from typing import Any

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import AaveV3Market
from oracle.history.lending.aave import AaveSource
from oracle.history.lending.aave_v3 import BORROW, V3
from oracle.history.lending.aave_v3_prices import A_TOKEN_AT, RESERVE_DATA, MarketPrices
from oracle.history.lending.activity import Activity, check_borrowed
from oracle.history.reading.abi import address_topic
from tests.unit.history.log_of import log_of

WALLET, ASSET = (Address("0x" + digit * 40) for digit in "12")


def counted(amount: int) -> Activity:
    reader: Any = None
    source, activity = AaveSource(reader, reader, V3, span_blocks=1), Activity()
    topics = (address_topic(ASSET), address_topic(WALLET), "0x" + "00" * 32)
    log = log_of(BORROW, *topics, data=(WALLET, amount, 2, 0), block=9)
    source._count(log, V3.moved(log), amount * 10**8, activity)
    return activity


def test_aave__when_nothing_is_borrowed__then_no_debt_comes_of_it() -> None:
    activity = counted(0)
    assert (activity.events, activity.first_borrow) == (1, None)
    with pytest.raises(HistoryIncomplete, match="there is no event of borrowing"):
        check_borrowed(WALLET, "aave-v3", activity, 5 * 10**8, subgraph=False)


def test_aave__when_something_is_borrowed__then_a_debt_is_explained() -> None:
    activity = counted(5)
    assert activity.first_borrow is not None
    check_borrowed(WALLET, "aave-v3", activity, 5 * 10**8, subgraph=False)


@dataclass
class Retired:
    """A market whose oracle says 0 of every asset; a wallet has so much of each of the reserve's tokens."""

    held: int

    async def words(self, calls: list[Any], block_hash: str) -> list[int]:
        return [int(PLACE, 16) if function.name == "getPriceOracle" else 0 for _, function, _ in calls]

    async def call(self, contract: Address, function: Any, *arguments: Any, block_hash: str) -> tuple[Any, ...]:
        if function is RESERVE_DATA:
            return (0,) * A_TOKEN_AT + (TOKEN,) * 3
        return (PLACE,) if function.name == "getPriceOracle" else (self.held,)


PLACE, TOKEN = (Address("0x" + digit * 40) for digit in "34")


@pytest.mark.parametrize("held", [0, 1])
async def test_aave__when_a_feed_was_retired__then_whoever_holds_some_is_declined_and_nobody_else(held: int) -> None:
    reader: Any = Retired(held)
    prices = MarketPrices(reader, AaveV3Market("aave-v3", PLACE, PLACE, 0))
    check = prices.check_held(WALLET, [ASSET], BlockRef(9, f"0x{9:064x}", 9_000))
    if not held:
        await check
        return
    with pytest.raises(HistoryIncomplete, match="has no price of"):
        await check
