"""The settings of attestations: what cannot mean anything is refused, and says why."""

from typing import Any

import pytest

from oracle.assessment.layouts import LayoutFault, fields_of, normal, values_of
from oracle.config.history import HistorySettings

GOOD: dict[str, Any] = {
    "name": "developer",
    "registry": "0x" + "ea" * 20,
    "schema_uid": "0x" + "5C" * 32,
    "attesters": ["0x" + "AC" * 20],
    "verifies": "developer",
    "layout": "uint64 createdAt,uint32 contributions, bool active",
    "created_field": "createdAt",
    "minimum_age_days": 365,
    "standing_field": "contributions",
    "minimum_standing": 50,
    "flag_field": "active",
}


def _settings(*tables: dict[str, Any]) -> HistorySettings:
    return HistorySettings.model_validate({"coin_price_feed": "0x" + "11" * 20, "attestations": list(tables)})


def test_settings__when_whole__then_they_are_taken_in_their_stored_form() -> None:
    [one] = _settings(GOOD).attestations
    assert one.schema_uid == "0x" + "5c" * 32
    assert one.attesters == ("0x" + "ac" * 20,)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"schema_uid": "0x5c"}, "not a schema's UID"),
        ({"schema_uid": "0x" + "00" * 32}, "not a schema's UID"),
        ({"attesters": []}, "at least 1"),
        ({"attesters": ["0x" + "00" * 20]}, "zero address"),
        ({"verifies": "income"}, "personhood"),
        ({"layout": "uint64"}, "no field"),
        ({"layout": "uint65 createdAt"}, "no field"),
        ({"layout": "uint64 a,uint64 a"}, "two fields"),
        ({"layout": ""}, "no fields"),
        ({"created_field": "created"}, "not in the layout"),
        ({"created_field": "active"}, "expected uint"),
        ({"flag_field": "contributions"}, "expected bool"),
        ({"created_field": ""}, "needs created_field"),
        ({"standing_field": ""}, "needs standing_field"),
        ({"minimum_age_days": -1}, "greater than or equal to 0"),
        ({"atesters": []}, "atesters"),
    ],
)
def test_settings__when_one_cannot_mean_anything__then_the_error_says_why(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        _settings(GOOD | changed)


@pytest.mark.parametrize("other", [{"name": "developer", "schema_uid": "0x" + "77" * 32}, {"name": "other"}])
def test_settings__when_two_tables_are_alike__then_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="each stands once"):
        _settings(GOOD, GOOD | other)


def test_layout__when_written_otherwise__then_it_is_the_same() -> None:
    assert normal(" uint64  createdAt ,bool active") == normal("uint64 createdAt,bool active")
    assert list(fields_of("bytes32[2] a,address[] b,string _c")) == ["a", "b", "_c"]
    with pytest.raises(LayoutFault):
        fields_of("uint64 a,,bool b")


def test_values__when_the_data_are_short_or_no_such_values__then_none() -> None:
    assert values_of("bool a", (1).to_bytes(32, "big")) == {"a": True}
    assert values_of("bool a", b"") is None
    assert values_of("bool a", (2).to_bytes(32, "big")) is None
    assert values_of("string a", b"\xff" * 96) is None
