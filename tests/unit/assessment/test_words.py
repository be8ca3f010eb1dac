"""Chain features as a proof's public words, and back; outputs in theirs."""

import random

import pytest

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.request import FIELD_MODULUS
from oracle.assessment.words import DIGIT_BITS, WORD_DIGITS, feature_words, outputs_of


def test_words__of_any_features__give_them_back_and_are_field_elements() -> None:
    draw = random.Random(7)  # noqa: S311 - inputs of a test
    rows = [[draw.choice((0, 1, 513, ENCODED_ONE)) for _ in FEATURES] for _ in range(200)]
    rows += [[ENCODED_ONE] * len(FEATURES), [0] * len(FEATURES)]
    seen = set()
    for row in rows:
        words = feature_words(row)
        assert len(words) == 2
        assert all(0 <= word < FIELD_MODULUS for word in words)
        mask = (1 << DIGIT_BITS) - 1
        assert [(word >> DIGIT_BITS * place) & mask for word in words for place in range(WORD_DIGITS)] == row
        seen.add(words)
    assert len(seen) == len({tuple(row) for row in rows})


def test_words__place_each_feature_in_its_own_15_bits() -> None:
    for place in range(len(FEATURES)):
        one = [int(place == other) for other in range(len(FEATURES))]
        first, second = feature_words(one)
        assert (first, second) == ((1 << 15 * place, 0) if place < 16 else (0, 1 << 15 * (place - 16)))


@pytest.mark.parametrize("value", [-1, ENCODED_ONE + 1])
def test_words__of_a_feature_out_of_range__are_refused_by_its_name(value: int) -> None:
    with pytest.raises(InvalidFeature, match=FEATURES[5].name):
        feature_words([0] * 5 + [value] + [0] * (len(FEATURES) - 6))
    with pytest.raises(InvalidFeature, match="expected 32 chain features, got 31"):
        feature_words([0] * 31)


def test_outputs__packed_or_not__are_the_rows_own() -> None:
    draw = random.Random(11)  # noqa: S311 - inputs of a test
    rows = [[draw.randint(-(2**22) + 1, 2**22 - 1) for _ in range(10)] for _ in range(3)]
    before = [5] * 6
    raw = [*before, *(output % FIELD_MODULUS for row in rows for output in row)]
    packed = [*before, *(sum((output + 2**22) << 23 * place for place, output in enumerate(row)) for row in rows)]
    for place, row in enumerate(rows):
        assert outputs_of(raw, 3, place, packed=False) == tuple(row)
        assert outputs_of(packed, 3, place, packed=True) == tuple(row)


@pytest.mark.parametrize(("count", "row"), [(35, 0), (37, 0), (36, 3), (36, -1)])
def test_outputs__of_another_number_of_words_or_row__are_refused(count: int, row: int) -> None:
    with pytest.raises(ValueError, match="are not those of a proof of 3 requests"):
        outputs_of([0] * count, 3, row, packed=False)
