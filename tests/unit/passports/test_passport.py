"""A passport: schema and table agree, what is wrong is named without its value, and the encoding is training's."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from oracle.assessment.features import ENCODED_ONE, PRIVATE_FEATURES
from oracle.passports.errors import InvalidPassport, WrongSchema
from oracle.passports.passport import Passport
from oracle.passports.schema import GROUPS, SCHEMA, SCHEMA_HASH, SCHEMA_ID, Field, Group
from oracle.training.passports import HOME_COLUMN_OF, card_passports, home_passports
from oracle.training.tables import read_table
from tests.support.passports import CARD, HOME, content_of

DATA = Path(__file__).parents[3].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data folder at {DATA}")
FIELDS = [field for group in GROUPS.values() for field in group.fields]


def test_schema__as_shipped__is_json_schema_and_has_the_published_hash() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    # Contracts and credentials name it by this hash: another content is another version, in another file.
    assert SCHEMA_HASH.hex() == "a37f39fc09207e9bb62058d72d0a43b19c1b4bfaec3ef97138c9b4dc8c66953a"


def test_schema__each_private_feature__stands_in_it_once_with_its_unit_and_range() -> None:
    told = {field.name: SCHEMA["properties"][field.group]["properties"][field.name] for field in FIELDS}
    for field in FIELDS:
        feature, entry = field.feature, told[field.name]
        assert feature.name == field.name
        assert (entry["unit"], Decimal(str(entry["minimum"])), Decimal(str(entry["maximum"]))) == (
            feature.unit,
            feature.low,
            feature.high,
        )
        assert entry["encoding"]["scale"] == feature.scale
        assert Decimal(entry["encoding"].get("log_unit", 1)) == feature.log_unit
        assert all(entry[word] for word in ("title", "description", "unknown"))
    flags = [field.stated.name for field in FIELDS if field.stated is not None]
    present = [group.present.name for group in GROUPS.values()]
    names = [field.name for field in FIELDS] + flags + present
    assert sorted(names) == sorted(feature.name for feature in PRIVATE_FEATURES)


def test_encoded__both_groups__flags_follow_from_what_is_there() -> None:
    codes = _named(Passport.of(content_of(HOME | {"employment_years": None, "debt_to_income": None}, CARD)).encoded())
    assert codes["passport_present"] == codes["card_present"] == ENCODED_ONE
    assert (codes["employment_stated"], codes["employment_years"]) == (0, 0)
    assert (codes["debt_to_income_stated"], codes["debt_to_income"]) == (0, 0)
    assert codes["property_value_stated"] == codes["derogatory_reports_stated"] == ENCODED_ONE
    assert codes["card_months_behind_before"] == ENCODED_ONE // 8


@pytest.mark.parametrize(("home", "card"), [(HOME, None), (None, CARD)])
def test_encoded__one_group_unknown__is_zero_throughout(home: Any, card: Any) -> None:
    codes = Passport.of(content_of(home, card)).encoded()
    for group, values in zip(GROUPS.values(), (home, card), strict=True):
        assert any(codes[group.block]) is (values is not None)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_passport__value_outside_its_range__is_refused_with_field_unit_and_range(field: Field) -> None:
    for value in (field.feature.low - Decimal("0.25"), field.feature.high + Decimal("0.25")):
        with pytest.raises(InvalidPassport) as caught:
            Passport.parse(_with(field, str(value)))
        text = str(caught.value)
        assert field.path in text
        assert f"{field.feature.low}..{field.feature.high} ({field.feature.unit})" in text
        assert str(value) not in text
    for value in (field.feature.low, field.feature.high):
        assert Passport.parse(_with(field, str(value))).values(field.group)[field.name] == value  # type: ignore[index]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (content_of() | {"schema": "urn:risk-oracle:passport:2"}, "follows 'urn:risk-oracle:passport:2'"),
        ({"home": HOME, "card": CARD}, "names no schema"),
    ],
)
def test_passport__another_schema__is_refused_naming_both(content: Any, said: str) -> None:
    with pytest.raises(WrongSchema, match=re.escape(said)) as caught:
        Passport.of(content)
    assert SCHEMA_ID in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "must be JSON"),
        ("[]", "is a JSON object"),
        ("[" * 100_000, "must be JSON"),
        (json.dumps(content_of() | {"note": 1}), "'note' is no part of a passport"),
        (json.dumps({"schema": SCHEMA_ID, "home": HOME}), "card is missing"),
        (json.dumps(content_of(None, None)), "the passport states nothing"),
        (json.dumps(content_of([], None)), "home must be an object"),
        (json.dumps(content_of(HOME | {"salary": 987654}, None)), "home.'salary' is no field of"),
        (json.dumps(content_of(dict(list(HOME.items())[1:]), None)), "home.employment_years is missing"),
        (json.dumps(content_of(HOME | {"open_accounts": 17.5}, None)), "home.open_accounts is not of its kind"),
        (json.dumps(content_of(HOME | {"open_accounts": "secret"}, None)), "home.open_accounts is not of its kind"),
        (json.dumps(content_of(HOME | {"open_accounts": True}, None)), "home.open_accounts is not of its kind"),
        (json.dumps(content_of(HOME)).replace("0.31", "NaN"), "NaN is no JSON number"),
        (json.dumps(content_of(HOME)).replace("0.31", "0.3100000000000000000001"), "more digits than a number carries"),
        (json.dumps(content_of(HOME))[:-1] + ', "card": null}', "a name is given twice"),
    ],
)  # fmt: skip
def test_passport__malformed__is_refused_by_name_and_without_values(text: str, said: str) -> None:
    with pytest.raises(InvalidPassport, match=re.escape(said)) as caught:
        Passport.parse(text.encode())
    for value in ("987654", "17.5", "secret", "True", "123456.78"):
        assert value not in str(caught.value)


def test_passport__several_faults__are_all_told_one_a_line() -> None:
    with pytest.raises(InvalidPassport) as caught:
        Passport.of(content_of(HOME | {"debt_to_income": 31, "open_accounts": -1}, {**CARD, "card_limit": "x"}))
    assert len(str(caught.value).splitlines()) == 3


def test_passport__text_form__holds_no_value() -> None:
    assert repr(Passport.of(content_of())) == "Passport()"


def test_passport__written_and_read_again__is_the_same_to_the_digit() -> None:
    exact = Passport.parse(json.dumps(content_of()).replace("0.31", "0.3").encode())
    assert Passport.parse(json.dumps(exact.as_json()).encode()) == exact
    assert exact.values("home")["debt_to_income"] == Decimal("0.3")  # type: ignore[index]


@needs_data
def test_encoded__real_applicants__are_what_training_encodes() -> None:
    home, card = read_table(DATA, "home")[::40], read_table(DATA, "card")[::200]
    columns = {name: home[column] / divisor for name, (column, divisor) in HOME_COLUMN_OF.items()}
    compared = _compare(GROUPS["home"], pd.DataFrame(columns), home_passports(home, 0).encoded.tolist())
    delays = card[["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]]
    columns = {
        "card_months_behind": delays["PAY_0"].clip(lower=0),
        "card_months_behind_before": delays["PAY_2"].clip(lower=0),
        "card_late_months": (delays > 0).sum(axis=1),
        "card_longest_delay": delays.clip(lower=0).max(axis=1),
        "card_full_payments": (delays == -1).sum(axis=1),
        "card_utilisation": card["BILL_AMT1"] / card["LIMIT_BAL"],
        "card_payments": card[[f"PAY_AMT{month}" for month in range(1, 7)]].sum(axis=1) / card["LIMIT_BAL"],
        "card_limit": card["LIMIT_BAL"] / 32,
    }
    compared += _compare(GROUPS["card"], pd.DataFrame(columns), card_passports(card, 0).encoded.tolist())
    assert compared > 200


def _compare(group: Group, rows: pd.DataFrame, trained: list[list[int]]) -> int:
    compared = 0
    for (_, row), codes in zip(rows.iterrows(), trained, strict=True):
        values = {
            field.name: None if pd.isna(row[field.name]) else Decimal(repr(float(row[field.name])))
            for field in group.fields
        }
        # Training clips what an applicant may be beyond; a passport is refused there.
        if any(
            value is not None and not field.takes(value)
            for field, value in zip(group.fields, values.values(), strict=True)
        ):
            with pytest.raises(InvalidPassport):
                Passport.of(content_of(**{"home": None, "card": None, group.name: values}))
            continue
        passport = Passport.of(content_of(**{"home": None, "card": None, group.name: values}))
        assert list(passport.encoded()[group.block]) == codes
        compared += 1
    return compared


def _named(codes: tuple[int, ...]) -> dict[str, int]:
    return {feature.name: code for feature, code in zip(PRIVATE_FEATURES, codes, strict=True)}


def _with(field: Field, number: str) -> bytes:
    content = content_of()
    content[field.group] = content[field.group] | {field.name: 424242}
    return json.dumps(content).replace("424242", number).encode()
