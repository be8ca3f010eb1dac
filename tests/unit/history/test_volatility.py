"""Realised volatility: known numbers, and no dependence on the caller's decimal context."""

import itertools
import math
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.history.market.rounds import realised_volatility_ppm


@pytest.mark.parametrize("prices", [[], [100], [100, 101]])
def test_volatility__when_fewer_than_two_returns__then_absent(prices: list[int]) -> None:
    assert realised_volatility_ppm(prices) is None


def test_volatility__when_price_stands_still__then_zero() -> None:
    assert realised_volatility_ppm([3000] * 31) == 0


def test_volatility__when_price_swings_by_one_percent__then_its_yearly_root() -> None:
    # |ln 1.01| a day, every day: 0.00995033 × √365 = 0.190101.
    assert realised_volatility_ppm([100, 101] * 15 + [100]) == 190_101


@given(st.lists(st.integers(1, 10**12), min_size=3, max_size=31))
def test_volatility__when_prices_are_any__then_equals_floating_point(prices: list[int]) -> None:
    returns = [math.log(after / before) for before, after in itertools.pairwise(prices)]
    expected = math.sqrt(365 * sum(value**2 for value in returns) / len(returns)) * 1e6
    assert realised_volatility_ppm(prices) == pytest.approx(expected, abs=1, rel=1e-9)


def test_volatility__when_caller_has_a_coarse_context__then_unchanged() -> None:
    prices = [3000 + (day * 7919) % 101 for day in range(31)]
    expected = realised_volatility_ppm(prices)
    with localcontext(prec=3):
        assert Decimal(1) / 3 == Decimal("0.333")
        assert realised_volatility_ppm(prices) == expected
