"""Debts at several markets: the worst one counts, and a debt more never looks safer."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.assessment.debts import SAFE_HEALTH_FACTOR_WAD, highest_debt_to_collateral, lowest_health_factor
from oracle.assessment.history import USD, WAD, Debt, LendingHistory
from oracle.history.merge import merge_lending

DOLLARS = st.integers(0, 10**7 * USD)


@st.composite
def markets(draw: st.DrawFn) -> LendingHistory:
    """A market with its own threshold; its debt may be dust, and its collateral nothing."""
    debt, collateral = draw(st.one_of(DOLLARS, st.integers(0, 2 * USD))), draw(DOLLARS)
    return _market(debt, collateral, draw(st.integers(1, 99)))


def _market(debt: int, collateral: int, threshold: int) -> LendingHistory:
    factor = collateral * threshold * WAD // (100 * debt) if debt else None
    return LendingHistory(debt_usd=debt, collateral_usd=collateral, health_factor_wad=factor)


def _safety(factor: int | None) -> int:
    return SAFE_HEALTH_FACTOR_WAD if factor is None else min(factor, SAFE_HEALTH_FACTOR_WAD)


@given(st.lists(markets(), max_size=5))
def test_merged_health__of_any_markets__is_never_above_the_worst_that_bears_debt(parts: list[LendingHistory]) -> None:
    found = merge_lending(parts).health_factor_wad
    for part in parts:
        if part.debt_usd >= USD:
            assert found is not None
            assert part.health_factor_wad is not None
            assert found <= part.health_factor_wad


@given(st.lists(markets(), min_size=1, max_size=5), st.data())
def test_merged_health__with_more_debt_at_one_market__never_looks_safer(
    parts: list[LendingHistory], data: st.DataObject
) -> None:
    place, more = data.draw(st.integers(0, len(parts) - 1)), data.draw(st.one_of(DOLLARS, st.integers(0, 2 * USD)))
    threshold = data.draw(st.integers(1, 99))
    parts[place] = _market(parts[place].debt_usd, parts[place].collateral_usd, threshold)
    deeper = list(parts)
    deeper[place] = _market(parts[place].debt_usd + more, parts[place].collateral_usd, threshold)
    before, after = merge_lending(parts), merge_lending(deeper)
    assert _safety(after.health_factor_wad) <= _safety(before.health_factor_wad)
    leverage = [highest_debt_to_collateral(one.debts) or Decimal(0) for one in (before, after)]
    if len(parts) > 1:
        assert leverage[0] <= leverage[1]


def test_merged_health__one_dollar_borrowed_at_a_safe_market__hides_no_liquidation_elsewhere() -> None:
    edge = LendingHistory(debt_usd=24_000 * USD, collateral_usd=27_000 * USD, health_factor_wad=926 * WAD // 1_000)
    idle = LendingHistory(collateral_usd=90_000 * USD)
    borrowed = replace(idle, debt_usd=USD, health_factor_wad=75_900 * WAD)
    assert merge_lending([edge, idle]).health_factor_wad == edge.health_factor_wad
    assert merge_lending([edge, borrowed]).health_factor_wad == edge.health_factor_wad


def test_merged_health__a_cent_left_by_a_liquidation__condemns_nobody() -> None:
    left = LendingHistory(debt_usd=USD // 100, health_factor_wad=0)
    assert merge_lending([left]).health_factor_wad == SAFE_HEALTH_FACTOR_WAD
    sound = LendingHistory(debt_usd=50 * USD, collateral_usd=100 * USD, health_factor_wad=8 * WAD // 5)
    assert merge_lending([left, sound]).health_factor_wad == sound.health_factor_wad


@pytest.mark.parametrize("debt", [USD // 2, USD])
def test_debt_to_collateral__of_several__is_the_worst_that_is_worth_naming(debt: int) -> None:
    debts = [Debt("a", 30 * USD, 100 * USD, WAD), Debt("b", debt, 0, 0)]
    expected = Decimal("0.3") if debt < USD else Decimal("Infinity")
    assert highest_debt_to_collateral(debts) == expected
    assert lowest_health_factor(debts) == (WAD if debt < USD else 0)
