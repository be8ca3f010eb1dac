"""Fees: what a first try pays, what replaces it, and the operator's limit above all."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from oracle.chain.fees import GWEI, FeePolicy, Fees, Tips, fee_policy, tips_of

POLICY = FeePolicy(max_fee_wei=100 * GWEI, tips=Tips(1 * GWEI, 1 * GWEI, 1 * GWEI))
wei = st.integers(0, 10**14)


def test_first__when_the_base_fee_is_low__then_room_for_it_to_double() -> None:
    assert POLICY.first(20 * GWEI, None) == Fees(41 * GWEI, 1 * GWEI)


def test_first__when_doubling_passes_the_limit__then_the_limit() -> None:
    assert POLICY.first(60 * GWEI, None) == Fees(100 * GWEI, 1 * GWEI)


def test_first__when_the_limit_is_just_reached__then_sent_and_one_wei_more_waits() -> None:
    assert POLICY.first(99 * GWEI, None) == Fees(100 * GWEI, 1 * GWEI)
    assert POLICY.first(99 * GWEI + 1, None) is None


def test_replacement__when_the_base_fee_stayed__then_an_eighth_more_of_both() -> None:
    previous = Fees(41 * GWEI, 1 * GWEI)
    assert POLICY.replacement(20 * GWEI, None, previous) == Fees(41 * GWEI * 9 // 8 + 1, GWEI * 9 // 8 + 1)


def test_replacement__when_the_base_fee_rose__then_fees_for_it() -> None:
    assert POLICY.replacement(45 * GWEI, None, Fees(41 * GWEI, GWEI)) == Fees(91 * GWEI, GWEI * 9 // 8 + 1)


def test_replacement__when_doubling_passes_the_limit__then_the_limit_if_that_is_enough_to_replace() -> None:
    assert POLICY.replacement(60 * GWEI, None, Fees(41 * GWEI, GWEI)) == Fees(100 * GWEI, GWEI * 9 // 8 + 1)


def test_replacement__when_an_eighth_more_passes_the_limit__then_wait() -> None:
    assert POLICY.replacement(1 * GWEI, None, Fees(95 * GWEI, GWEI)) is None


def test_replacement__when_the_base_fee_is_over_the_limit__then_wait() -> None:
    assert POLICY.replacement(100 * GWEI, None, Fees(41 * GWEI, GWEI)) is None


@given(wei, wei, wei)
def test_first__when_given_anything__then_minable_at_once_and_within_the_limit(
    limit: int, priority: int, base: int
) -> None:
    priority = min(priority, limit)
    fees = FeePolicy(limit, Tips(0, 0, limit)).first(base, priority)
    if fees is None:
        assert base + priority > limit
        return
    assert base + priority <= fees.max_fee_wei <= limit
    assert fees.priority_fee_wei == priority


@given(wei, wei, wei, wei)
def test_replacement__when_given_anything__then_nodes_take_it_and_the_limit_holds(
    limit: int, priority: int, before: int, after: int
) -> None:
    policy = FeePolicy(limit, Tips(0, 0, limit))
    priority = min(priority, limit)
    first = policy.first(before, priority)
    if first is None:
        return
    fees = policy.replacement(after, priority, first)
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
    policy = FeePolicy(10**15, Tips(0, 0, 10**15))
    fees = policy.first(base, priority)
    for _ in range(400):
        if fees is None:
            return
        fees = policy.replacement(base, priority, fees)
    raise AssertionError("replacements never reached the limit")


def test_tip__when_the_node_suggests_one__then_that_within_the_networks_bounds() -> None:
    polygon, base = fee_policy(137, Decimal(200)), fee_policy(8453, Decimal(200))
    assert polygon.tip_wei(1 * GWEI) == 30 * GWEI
    assert polygon.tip_wei(45 * GWEI) == 45 * GWEI
    assert base.tip_wei(1 * GWEI) == GWEI // 10
    assert base.tip_wei(10**6) == 10**6


def test_tip__when_nobody_says_how_much__then_what_is_usual_on_the_network() -> None:
    usual = {chain_id: fee_policy(chain_id, Decimal(200)).tip_wei(None) for chain_id in (1, 137, 8453, 31337)}
    assert usual == {1: GWEI, 137: 35 * GWEI, 8453: 10**6, 31337: GWEI}


def test_tip__when_the_operator_sets_bounds__then_they_take_the_place_of_the_networks() -> None:
    policy = fee_policy(137, Decimal(200), least_gwei=Decimal("0.5"), most_gwei=Decimal(2))
    assert [policy.tip_wei(gwei) for gwei in (0, GWEI, 60 * GWEI)] == [GWEI // 2, GWEI, 2 * GWEI]
    assert tips_of(8453, least_wei=GWEI) == Tips(GWEI, GWEI, GWEI)


def test_refusal__when_a_node_wants_more__then_twice_the_tip_until_the_networks_most() -> None:
    policy = FeePolicy(1_000 * GWEI, Tips(GWEI, GWEI, 30 * GWEI))
    fees: Fees | None = Fees(21 * GWEI, GWEI)
    tips = []
    while fees is not None:
        tips.append(fees.priority_fee_wei // GWEI)
        fees = policy.after_refusal(10 * GWEI, fees)
    assert tips == [1, 2, 4, 8, 16, 30]
