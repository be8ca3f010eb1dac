"""Fees: what a first try pays, what replaces it, and the operator's limit above all."""

from hypothesis import given
from hypothesis import strategies as st

from oracle.chain.fees import GWEI, FeePolicy, Fees

POLICY = FeePolicy(max_fee_wei=100 * GWEI, priority_fee_wei=1 * GWEI)
wei = st.integers(0, 10**14)


def test_first__when_the_base_fee_is_low__then_room_for_it_to_double() -> None:
    assert POLICY.first(20 * GWEI) == Fees(41 * GWEI, 1 * GWEI)


def test_first__when_doubling_passes_the_limit__then_the_limit() -> None:
    assert POLICY.first(60 * GWEI) == Fees(100 * GWEI, 1 * GWEI)


def test_first__when_the_limit_is_just_reached__then_sent_and_one_wei_more_waits() -> None:
    assert POLICY.first(99 * GWEI) == Fees(100 * GWEI, 1 * GWEI)
    assert POLICY.first(99 * GWEI + 1) is None


def test_replacement__when_the_base_fee_stayed__then_an_eighth_more_of_both() -> None:
    previous = Fees(41 * GWEI, 1 * GWEI)
    assert POLICY.replacement(20 * GWEI, previous) == Fees(41 * GWEI * 9 // 8 + 1, GWEI * 9 // 8 + 1)


def test_replacement__when_the_base_fee_rose__then_fees_for_it() -> None:
    assert POLICY.replacement(45 * GWEI, Fees(41 * GWEI, GWEI)) == Fees(91 * GWEI, GWEI * 9 // 8 + 1)


def test_replacement__when_doubling_passes_the_limit__then_the_limit_if_that_is_enough_to_replace() -> None:
    assert POLICY.replacement(60 * GWEI, Fees(41 * GWEI, GWEI)) == Fees(100 * GWEI, GWEI * 9 // 8 + 1)


def test_replacement__when_an_eighth_more_passes_the_limit__then_wait() -> None:
    assert POLICY.replacement(1 * GWEI, Fees(95 * GWEI, GWEI)) is None


def test_replacement__when_the_base_fee_is_over_the_limit__then_wait() -> None:
    assert POLICY.replacement(100 * GWEI, Fees(41 * GWEI, GWEI)) is None


@given(wei, wei, wei)
def test_first__when_given_anything__then_minable_at_once_and_within_the_limit(
    limit: int, priority: int, base: int
) -> None:
    fees = FeePolicy(limit, priority).first(base)
    if fees is None:
        assert base + priority > limit
        return
    assert base + priority <= fees.max_fee_wei <= limit
    assert fees.priority_fee_wei == priority


@given(wei, wei, wei, wei)
def test_replacement__when_given_anything__then_nodes_take_it_and_the_limit_holds(
    limit: int, priority: int, before: int, after: int
) -> None:
    policy = FeePolicy(limit, priority)
    first = policy.first(before)
    if first is None:
        return
    fees = policy.replacement(after, first)
    if fees is None:
        # Only the limit may forbid it: the market's price or an eighth more would pass it.
        assert after + priority > limit or first.max_fee_wei * 9 // 8 + 1 > limit
        return
    assert after + fees.priority_fee_wei <= limit or fees.priority_fee_wei > priority
    assert fees.max_fee_wei <= limit
    assert fees.priority_fee_wei <= fees.max_fee_wei
    # geth: both at least 10 % more.
    assert fees.max_fee_wei * 10 >= first.max_fee_wei * 11
    assert fees.priority_fee_wei * 10 >= first.priority_fee_wei * 11
    assert fees.max_fee_wei > first.max_fee_wei
    assert fees.priority_fee_wei > first.priority_fee_wei


@given(wei, wei)
def test_replacement__when_repeated__then_the_limit_ends_it(priority: int, base: int) -> None:
    policy = FeePolicy(10**15, priority)
    fees = policy.first(base)
    for _ in range(400):
        if fees is None:
            return
        fees = policy.replacement(base, fees)
    raise AssertionError("replacements never reached the limit")
