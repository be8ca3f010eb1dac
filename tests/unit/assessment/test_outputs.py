"""Decoding the circuit's outputs, at the edges where Solidity and Python could part."""

from dataclasses import astuple, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.assessment.outputs import OUTPUTS, Category, Scores, decode_outputs

SCALES = (7, 7, 7, 10, 10, 10, 10, 10, 10, 10)
ONE = 1 << 10


def outputs(*margins: int, rest: int = 0, **named: int) -> list[int]:
    names = [output.name for output in OUTPUTS[3:]]
    return [*margins, *(named.get(name, rest) for name in names)]


def decoded(values: list[int]) -> Scores:
    return decode_outputs(values, SCALES)


def test_decode__when_all_is_full__then_full_scales() -> None:
    full = decoded(outputs(1, 0, 0, rest=ONE))
    assert astuple(full) == (Category.LOW, 10_000, 10_000, 10_000, 10_000, 365, 10_000, 10_000)


def test_decode__when_half__then_half_rounded_down() -> None:
    half = decoded(outputs(1, 0, 0, rest=ONE // 2))
    assert (half.score_bps, half.duration_days) == (5_000, 182)


def test_decode__when_each_output_differs__then_each_lands_in_its_own_field() -> None:
    names = [output.name for output in OUTPUTS[3:]]
    answer = decoded(outputs(1, 0, 0, **{name: 100 * (index + 1) for index, name in enumerate(names)}))
    bps = [100 * (index + 1) * 10_000 // ONE for index in range(7)]
    bps[4] = 500 * 365 // ONE
    assert list(astuple(answer))[1:] == bps


@pytest.mark.parametrize(("value", "bps"), [(-1, 0), (-(1 << 100), 0), (ONE + 1, 10_000), (1 << 100, 10_000)])
def test_decode__when_outside_the_scale__then_clamped(value: int, bps: int) -> None:
    assert decoded(outputs(1, 0, 0, rest=value)) == replace(
        decoded(outputs(1, 0, 0, rest=0 if bps == 0 else ONE)), category=Category.LOW
    )


@pytest.mark.parametrize(
    ("margins", "category"),
    [
        ((3, 2, 1), Category.LOW),
        ((1, 3, 2), Category.MEDIUM),
        ((1, 2, 3), Category.HIGH),
        ((5, 5, 1), Category.MEDIUM),
        ((5, 1, 5), Category.HIGH),
        ((1, 5, 5), Category.HIGH),
        ((0, 0, 0), Category.HIGH),
        ((-1, -2, -3), Category.LOW),
        ((-1, -1, -1), Category.HIGH),
    ],
)
def test_category__when_margins_compete__then_the_largest_and_ties_to_the_riskier(
    margins: tuple[int, int, int], category: Category
) -> None:
    assert decoded(outputs(*margins)).category is category


def test_category__when_margins_differ_in_scale__then_compared_by_value() -> None:
    # 3/8 < 1/2, though 3 > 1; and 4/8 ties with 1/2.
    assert decode_outputs(outputs(3, 1, 0), (3, 1, 1, *SCALES[3:])).category is Category.MEDIUM
    assert decode_outputs(outputs(1, 4, 0), (1, 3, 1, *SCALES[3:])).category is Category.MEDIUM
    assert decode_outputs(outputs(4, 1, 3), (3, 0, 3, *SCALES[3:])).category is Category.MEDIUM


def test_fraction__when_scales_differ__then_each_is_read_at_its_own() -> None:
    scales = list(SCALES)
    scales[3], scales[4] = 1, 20
    answer = decode_outputs(outputs(1, 0, 0, score=1, probability_of_default=1 << 19), scales)
    assert (answer.score_bps, answer.probability_of_default_bps) == (5_000, 5_000)


@given(
    st.lists(st.integers(-(2**127) + 1, 2**127 - 1), min_size=10, max_size=10),
    st.lists(st.integers(0, 126), min_size=10, max_size=10),
)
def test_decode__when_anything_the_contract_accepts__then_exact_arithmetic_agrees(
    values: list[int], scales: list[int]
) -> None:
    from fractions import Fraction
    from math import floor

    answer = decode_outputs(values, scales)
    shares = [Fraction(value, 1 << scale) for value, scale in zip(values, scales, strict=True)]
    riskiest_best = max(range(3), key=lambda index: (shares[index], index))
    full = (10_000, 10_000, 10_000, 10_000, 365, 10_000, 10_000)
    expected = [min(max(floor(share * scale), 0), scale) for share, scale in zip(shares[3:], full, strict=True)]
    assert list(astuple(answer)) == [riskiest_best, *expected]


@pytest.mark.parametrize(("count", "scales"), [(9, 10), (11, 10), (10, 9), (0, 0)])
def test_decode__when_a_length_is_wrong__then_refused_with_both_lengths(count: int, scales: int) -> None:
    with pytest.raises(ValueError, match=f"expected 10 outputs and scales, got {count} and {scales}"):
        decode_outputs([0] * count, [7] * scales)
