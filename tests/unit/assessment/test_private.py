"""Encoded private features that no passport encodes to are told apart, without a value in the words."""

import pytest

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.assessment.private import PLACE_OF, STATED, check_consistent

NOTHING = [0] * len(PRIVATE_FEATURES)


def encoded(**values: int) -> list[int]:
    row = list(NOTHING)
    for name, value in values.items():
        row[PLACE_OF[name]] = value
    return row


@pytest.mark.parametrize(
    "row",
    [
        NOTHING,
        [*NOTHING, 2**32 - 1, 1, 2, 3, 4],
        [ENCODED_ONE] * len(PRIVATE_FEATURES),
        encoded(passport_present=ENCODED_ONE, delinquent_accounts=7),
        encoded(passport_present=ENCODED_ONE, employment_stated=ENCODED_ONE, employment_years=7),
        encoded(card_present=ENCODED_ONE, card_limit=512),
    ],
    ids=["nothing", "nothing but salt", "everything", "a home", "a stated field", "a card"],
)
def test_check__what_a_passport_encodes_to__passes(row: list[int]) -> None:
    check_consistent(row)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (NOTHING[1:], "expected 24"),
        (encoded(card_limit=1), "card_limit is set though card_present is not"),
        (encoded(delinquent_accounts=3), "delinquent_accounts is set though passport_present is not"),
        (encoded(employment_stated=ENCODED_ONE), "employment_stated is set though passport_present is not"),
        (encoded(passport_present=493), "passport_present is neither 0 nor 1024"),
        (encoded(card_present=ENCODED_ONE, card_utilisation=1025), "card_utilisation is outside"),
        (encoded(card_present=ENCODED_ONE, card_utilisation=-1), "card_utilisation is outside"),
        *(
            (encoded(passport_present=ENCODED_ONE, **{name: 777}), f"though {flag} is not")
            for name, flag in STATED.items()
        ),
    ],
)
def test_check__what_no_passport_encodes_to__is_refused_without_its_value(row: list[int], words: str) -> None:
    with pytest.raises(InvalidFeature, match=words) as refused:
        check_consistent(row)
    assert "777" not in str(refused.value)
    assert "493" not in str(refused.value)


def test_tables__then_every_flag_of_the_features_is_in_one() -> None:
    flags = {feature.name for feature in PRIVATE_FEATURES if feature.unit == "flag"}
    assert flags == {*STATED.values(), "passport_present", "card_present"}
