"""Events of Aave's, counted one by one: what moved nothing begins nothing."""

from typing import Any

import pytest

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.request import Address
from oracle.history.lending.aave import AaveSource
from oracle.history.lending.aave_v3 import BORROW, V3
from oracle.history.lending.activity import Activity, check_borrowed
from oracle.history.reading.abi import address_topic
from tests.unit.history.log_of import log_of

WALLET, ASSET = (Address("0x" + digit * 40) for digit in "12")


def counted(amount: int) -> Activity:
    reader: Any = None
    source, activity = AaveSource(reader, reader, V3, span_blocks=1), Activity()
    topics = (address_topic(ASSET), address_topic(WALLET), "0x" + "00" * 32)
    source._count(log_of(BORROW, *topics, data=(WALLET, amount, 2, 0), block=9), amount * 10**8, activity)
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
