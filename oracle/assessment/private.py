"""Which encoded private features a passport can have: no field without its group, none that is not stated."""

from collections.abc import Sequence
from typing import Final

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES

PLACE_OF: Final = {feature.name: place for place, feature in enumerate(PRIVATE_FEATURES)}

STATED: Final[dict[str, str]] = {
    "debt_to_income": "debt_to_income_stated",
    "property_value": "property_value_stated",
    "derogatory_reports": "derogatory_reports_stated",
    "employment_years": "employment_stated",
}
"""A field and the flag that says whether it is known."""

GROUPS: Final[dict[str, str]] = {"passport": "passport_present", "card": "card_present"}
"""A group of PRIVATE_FEATURES and the flag that says whether the borrower has it."""


def check_consistent(encoded: Sequence[int]) -> None:
    """Raise InvalidFeature, naming features and no value, for encoded private features that no passport encodes to.

    The circuit bounds each feature but not their agreement: a half-set flag, or fields of an absent group, are proven
    as they are. Whoever sees an opening checks it; an issuer attests only what it encoded itself.
    """
    if len(encoded) < len(PRIVATE_FEATURES):
        raise InvalidFeature(f"expected {len(PRIVATE_FEATURES)} private features, got {len(encoded)}")
    for feature, value in zip(PRIVATE_FEATURES, encoded, strict=False):
        if not 0 <= value <= ENCODED_ONE:
            raise InvalidFeature(f"private feature {feature.name} is outside 0..{ENCODED_ONE}")
        if feature.unit == "flag" and value not in (0, ENCODED_ONE):
            raise InvalidFeature(f"private flag {feature.name} is neither 0 nor {ENCODED_ONE}: it is set or not")
    for feature, value in zip(PRIVATE_FEATURES, encoded, strict=False):
        present = GROUPS[feature.group]
        if value and not encoded[PLACE_OF[present]]:
            raise InvalidFeature(f"private feature {feature.name} is set though {present} is not")
        stated = STATED.get(feature.name)
        if stated and value and not encoded[PLACE_OF[stated]]:
            raise InvalidFeature(f"private feature {feature.name} is set though {stated} is not")
