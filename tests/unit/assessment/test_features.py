"""The feature table: clipping, spreading, absence, and that nothing outside can change an encoding."""

import json
import subprocess
import sys
from dataclasses import fields, replace
from decimal import ROUND_UP, Decimal, Inexact, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import (
    ENCODED_ONE,
    FEATURES,
    NEUTRAL_PRIVATE,
    PRIVATE_FEATURES,
    Feature,
    Scale,
    encode_all,
    feature_spec_hash,
)

ALL = (*FEATURES, *PRIVATE_FEATURES)
BY_NAME = {feature.name: feature for feature in ALL}

LINEAR = Feature("x", "g", "u", "f", Decimal(-1), Decimal(3), "s", "a", Decimal(0))
LOG = replace(LINEAR, low=Decimal(0), high=Decimal(999), scale=Scale.LOG, log_unit=Decimal(1))


def test_tables__when_read__then_names_are_unique_and_counts_are_the_circuits() -> None:
    assert (len(FEATURES), len(PRIVATE_FEATURES), len(NEUTRAL_PRIVATE)) == (32, 24, 29)
    assert len(BY_NAME) == 56
    assert not any(NEUTRAL_PRIVATE)


@pytest.mark.parametrize("feature", ALL, ids=lambda feature: feature.name)
def test_row__when_checked__then_range_is_not_empty_and_absence_lies_inside(feature: Feature) -> None:
    assert feature.low < feature.high
    assert feature.low <= feature.absent_value <= feature.high
    assert feature.log_unit > 0
    assert feature.encode(feature.low) == 0
    assert feature.encode(feature.high) == ENCODED_ONE
    assert feature.encode(None) == feature.encode(feature.absent_value)


def test_private_row__when_absent__then_it_encodes_to_the_neutral_zero() -> None:
    assert [feature.encode(None) for feature in PRIVATE_FEATURES] == [0] * len(PRIVATE_FEATURES)


def test_encode__when_outside_the_range__then_clipped() -> None:
    assert LINEAR.encode(Decimal(-100)) == 0
    assert LINEAR.encode(Decimal("3.0001")) == ENCODED_ONE


def test_encode__when_infinite__then_clipped_to_that_end() -> None:
    assert LINEAR.encode(Decimal("Infinity")) == ENCODED_ONE
    assert LINEAR.encode(Decimal("-Infinity")) == 0
    assert LOG.encode(Decimal("Infinity")) == ENCODED_ONE


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-NaN"])
def test_encode__when_not_a_number__then_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidFeature, match="feature x: the value is not a number"):
        LINEAR.encode(Decimal(text))


def test_encode__when_linear__then_spread_evenly_from_low() -> None:
    assert LINEAR.encode(Decimal(1)) == 512
    assert LINEAR.encode(Decimal(0)) == 256


def test_encode__when_log__then_each_tenfold_is_a_third() -> None:
    # log10(1 + v) of 9, 99 and 999 is 1, 2 and 3.
    assert [LOG.encode(Decimal(v)) for v in (0, 9, 99, 999)] == [0, 341, 683, 1024]


def test_encode__when_log_unit_is_small__then_it_spreads_the_small_values() -> None:
    fine = replace(LOG, log_unit=Decimal("0.001"))
    assert fine.encode(Decimal("0.009")) > 3 * LOG.encode(Decimal("0.009"))
    assert fine.encode(Decimal("0.009")) == round(1024 / 5.999999565)


def test_encode__when_half_way__then_rounded_to_even() -> None:
    half_step = Decimal(4) / ENCODED_ONE / 2
    assert LINEAR.encode(Decimal(-1) + half_step) == 0
    assert LINEAR.encode(Decimal(-1) + 3 * half_step) == 2


@pytest.mark.parametrize("encoded", [-1, ENCODED_ONE + 1])
def test_decode__when_outside__then_refused(encoded: int) -> None:
    with pytest.raises(InvalidFeature, match=f"feature x: encoded {encoded} is outside 0..1024"):
        LINEAR.decode(encoded)


@given(st.sampled_from(ALL), st.integers(0, ENCODED_ONE))
def test_decode__when_encoded_again__then_the_same_integer(feature: Feature, encoded: int) -> None:
    assert feature.encode(feature.decode(encoded)) == encoded


@given(st.sampled_from(ALL), st.decimals(allow_nan=False), st.decimals(allow_nan=False))
def test_encode__when_values_grow__then_it_never_falls(feature: Feature, one: Decimal, other: Decimal) -> None:
    assert feature.encode(min(one, other)) <= feature.encode(max(one, other))


@given(st.sampled_from(ALL), st.decimals(min_value=-10, max_value=10**7, places=9))
def test_encode__when_the_caller_has_another_decimal_context__then_the_same(feature: Feature, value: Decimal) -> None:
    here = feature.encode(value)
    with localcontext(prec=2, rounding=ROUND_UP, Emax=9, Emin=-9) as context:
        context.traps[Inexact] = True
        there = feature.encode(value)
        back = feature.decode(here)
    assert there == here
    assert back == feature.decode(here)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"extra": Decimal(1)}, "unknown ['extra']"), ({"balance": ...}, "missing ['balance']")],
)
def test_encode_all__when_names_differ__then_refused_with_the_names(change: dict[str, object], said: str) -> None:
    values = dict.fromkeys((feature.name for feature in FEATURES), None) | change
    with pytest.raises(InvalidFeature) as refused:
        encode_all(FEATURES, {name: value for name, value in values.items() if value is not ...})  # type: ignore[misc]
    assert said in str(refused.value)


def test_encode_all__when_values_come_in_another_order__then_the_tables_order_is_kept() -> None:
    values = {feature.name: feature.high if index == 5 else feature.low for index, feature in enumerate(FEATURES)}
    backwards = dict(reversed(values.items()))
    expected = tuple(ENCODED_ONE if index == 5 else 0 for index in range(len(FEATURES)))
    assert encode_all(FEATURES, backwards) == expected


def test_spec_hash__when_the_table_is_known__then_it_is_the_known_hash() -> None:
    # Written by hand from the rule: a change of the rule would orphan every registered model.
    spec = (
        '{"encoded_one":1024,"salt":[5,32],"tables":[[{"absent":"a","absent_value":"0","formula":"f","group":"g",'
        '"high":"3","log_unit":"1","low":"-1","name":"x","scale":"linear","source":"s","unit":"u"}]]}'
    )
    assert json.loads(spec)
    assert feature_spec_hash([[LINEAR]]).hex() == _sha256(spec)


def test_spec_hash__when_computed_in_another_process__then_the_same() -> None:
    program = "from oracle.assessment.features import feature_spec_hash; print(feature_spec_hash().hex())"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == feature_spec_hash().hex()


@pytest.mark.parametrize("field", [field.name for field in fields(Feature)])
def test_spec_hash__when_any_cell_changes__then_it_changes(field: str) -> None:
    changed = {"scale": Scale.LOG}.get(field, "other" if isinstance(getattr(LINEAR, field), str) else Decimal(7))
    assert feature_spec_hash([[replace(LINEAR, **{field: changed})]]) != feature_spec_hash([[LINEAR]])


def test_spec_hash__when_rows_are_swapped_or_moved_to_the_other_table__then_it_changes() -> None:
    hashes = {feature_spec_hash(tables) for tables in ([[LINEAR, LOG]], [[LOG, LINEAR]], [[LINEAR], [LOG]])}
    assert len(hashes) == 3


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
