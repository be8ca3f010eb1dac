"""Explanations: words for every feature, nothing private, nothing protected, and sums that add up."""

import json
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES, SALT_ELEMENTS
from oracle.assessment.history import WAD
from oracle.assessment.outputs import BASIS_POINTS
from oracle.models import registry
from oracle.models.baseline import BASELINE_ENCODED
from oracle.models.explanation import clipped, explain
from oracle.models.inference import Model
from oracle.models.kept_policy import policy_of, save_policy
from oracle.models.levers import LEVERS, Situation
from oracle.models.reasons import TOLD_WITH, Explained, explain_outputs
from oracle.models.telling import describe
from oracle.models.wording import EXPLAINED, WORDING, tell_value
from tests.unit.models.wallets import INDEBTED, SITUATIONS, features, loan, situation

_WORDS = (
    "age aged birth birthday born old young youth sex gender male female man men woman women nationality national "
    "citizen citizenship country race racial ethnic ethnicity skin religion religious faith marital marriage married "
    "unmarried divorced widowed single spouse wife husband children family pregnant pregnancy disability disabled "
    "orientation political"
)
PROTECTED = set(_WORDS.split())
# Of the table's names, these hold such a word but speak of loans and accounts.
OF_LOANS = {"borrowing_age": "days since the first borrow or term loan"}
SALT = [2**31 + number for number in range(SALT_ELEMENTS)]
PASSPORT = {"passport_present": 1, "delinquent_accounts": 5, "derogatory_reports": 3, "mortgage_due": 123_457}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(registry.load())


def private(**given: int) -> list[int]:
    return [feature.encode(Decimal(given.get(feature.name, 0))) for feature in PRIVATE_FEATURES] + SALT


def stored(model: Model, now: Situation, secret: list[int] | tuple[int, ...] = NEUTRAL_PRIVATE) -> str:
    vector = features(now)
    return json.dumps(explain(model, now, vector.values, vector.encoded, secret).plain())


def told(model: Model, now: Situation, secret: list[int] | tuple[int, ...] = NEUTRAL_PRIVATE) -> dict[str, Explained]:
    vector = features(now)
    return {one.output: one for one in explain_outputs(model, vector.encoded, vector.values, secret)}


@pytest.mark.parametrize("name", SITUATIONS)
def test_reasons__any_wallet__add_up_to_the_difference_from_good_standing(model: Model, name: str) -> None:
    scores = model.infer(features(SITUATIONS[name]).encoded).scores
    found = told(model, SITUATIONS[name])
    assert set(found) == set(EXPLAINED)
    for one in found.values():
        total = one.baseline + sum(reason.points for reason in one.reasons) + one.others
        assert total == pytest.approx(one.points)
        told_points = [abs(reason.points) for reason in one.reasons]
        assert told_points == sorted(told_points, reverse=True)
    assert found["score"].points == pytest.approx(scores.score_bps / 100, abs=0.01)
    assert found["confidence"].points == pytest.approx(scores.confidence_bps / 100, abs=0.01)


def test_reasons__indebted_wallet__the_health_factor_comes_first_in_words(model: Model) -> None:
    first = told(model, SITUATIONS["indebted"])["score"].reasons[0]
    assert first.feature == "health_factor"
    assert re.fullmatch(
        r"health factor of the open debt 1\.10 \(good standing: none \(no debt: as safe as can be\)\)"
        r" lowers the score by \d+\.\d points",
        first.text,
    )


def test_reasons__features_that_say_the_same__are_one_reason(model: Model) -> None:
    reasons = told(model, SITUATIONS["high loan to value"])["score"].reasons
    assert reasons[0].feature == "loan_to_value"
    assert not {reason.feature for reason in reasons} & set(TOLD_WITH)


def test_baseline__judged__is_low_risk_and_not_thin(model: Model) -> None:
    scores = model.infer(BASELINE_ENCODED).scores
    assert scores.category == 0
    assert scores.confidence_bps > 8_000
    assert scores.fraud_likelihood_bps < 100


def test_passport__bad__counts_as_one_group_with_its_value_withheld(model: Model) -> None:
    now, secret = SITUATIONS["high loan to value"], private(**PASSPORT)
    chain = features(now).encoded
    with_passport, without = told(model, now, secret)["score"], told(model, now)["score"]
    [reason] = [reason for reason in with_passport.reasons if reason.feature is None]
    assert reason.text.startswith("private credit history (value withheld) lowers the score by ")
    difference = model.infer(chain, secret).scores.score_bps - model.infer(chain).scores.score_bps
    assert reason.points == pytest.approx(difference / 100, abs=0.02)
    # Public features say the same with and without it: nothing private shows through their shares.
    assert [one for one in with_passport.reasons if one.feature] == list(without.reasons)


def test_explanation__with_a_passport__holds_no_private_name_value_or_salt(model: Model) -> None:
    text = stored(model, SITUATIONS["indebted"], private(**PASSPORT))
    for feature in PRIVATE_FEATURES:
        assert feature.name not in text
        assert feature.formula not in text
    assert not re.search(r"mortgage|delinquen|derogatory|income|employ|utilisation|card", text)
    for number in (123_457, "123,457", PRIVATE_FEATURES[9].encode(Decimal(123_457)), *SALT):
        assert str(number) not in text


def test_explanations__of_all_kinds__name_no_protected_attribute(model: Model) -> None:
    words: set[str] = set()
    for now in SITUATIONS.values():
        vector = features(now)
        found = explain(model, now, vector.values, vector.encoded, private(**PASSPORT))
        told_lines = describe(found.plain(), thin=True, anomaly_score=50.0)
        words |= set(re.findall(r"[a-z]+", "\n".join(told_lines).lower()))
    for wording in WORDING.values():
        words |= set(re.findall(r"[a-z]+", wording.name.lower()))
    for lever in LEVERS:
        words |= {lever.name, *lever.name.split("_")}
    assert not words & PROTECTED


def test_features__public_and_private__are_no_protected_attributes() -> None:
    for feature in (*FEATURES, *PRIVATE_FEATURES):
        if feature.name in OF_LOANS:
            assert feature.formula == OF_LOANS[feature.name]
            continue
        assert not set(feature.name.split("_")) & PROTECTED, feature.name


def test_wording__every_public_feature__has_a_name_and_tells_both_ends_and_absence() -> None:
    assert list(WORDING) == [feature.name for feature in FEATURES]
    assert len({wording.name for wording in WORDING.values()}) == len(FEATURES)
    for feature in FEATURES:
        for value in (feature.low, feature.high, Decimal("Infinity"), None):
            assert tell_value(feature.name, value)
        assert feature.absent in tell_value(feature.name, None)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("liquidation_risk", Decimal(2) / 3, "2 times"),
        ("supplied_value", Decimal("1234567.8"), "1,234,568 USD"),
        ("balance", Decimal("0.00001234"), "0.000012 coins"),
        ("balance", Decimal("12.5"), "12.5 coins"),
        ("late_share", Decimal(1) / 3, "33.3 %"),
        ("loan_to_value", Decimal("0.9"), "0.90"),
        ("loan_duration", Decimal(30), "30 days"),
        ("loan_duration", Decimal(1), "1 day"),
    ],
)
def test_wording__a_value__has_its_unit(name: str, value: Decimal, text: str) -> None:
    assert tell_value(name, value) == text


def test_clipped__values_beyond_their_range__are_told_with_the_range() -> None:
    now = situation(loan(12, 4, 30), lending=replace(INDEBTED, health_factor_wad=30 * WAD))
    found = {one.feature: one.text for one in clipped(features(now).values)}
    assert found == {
        "health_factor": "health factor of the open debt 30.00 is outside 0.00 to 10.00: the model saw 10.00",
        "loan_to_value": "loan to value of this loan 3.00 is outside 0.00 to 2.00: the model saw 2.00",
    }


def test_clipped__debt_without_collateral__is_told_as_without_limit() -> None:
    now = situation(loan(2, 4, 30), lending=replace(INDEBTED, collateral_usd=0))
    [one] = clipped(features(now).values)
    assert one.text == "open debt over its collateral without limit is outside 0 % to 125 %: the model saw 125 %"


def test_explanation__wallet_without_history__is_thin_and_says_why(model: Model) -> None:
    now = SITUATIONS["new"]
    vector = features(now)
    found = explain(model, now, vector.values, vector.encoded, NEUTRAL_PRIVATE)
    assert found.thin
    lines = list(describe(found.plain(), thin=found.thin, anomaly_score=found.anomaly_score))
    assert any(line.startswith("thin: ") for line in lines)
    assert any("transactions sent 0" in line and "lowers the confidence" in line for line in lines)


def test_explanation__active_wallet__is_not_thin_and_its_anomaly_is_the_models(model: Model) -> None:
    now = SITUATIONS["indebted"]
    vector = features(now)
    found = explain(model, now, vector.values, vector.encoded, NEUTRAL_PRIVATE)
    assert not found.thin
    assert model.anomaly is not None
    assert found.anomaly_score == model.anomaly.score(vector.encoded)
    assert (
        explain(replace(model, anomaly=None), now, vector.values, vector.encoded, NEUTRAL_PRIVATE).anomaly_score is None
    )


def test_explanation__policy_of_the_models_own_folder__marks_the_wallet_thin(model: Model, tmp_path: Path) -> None:
    now = SITUATIONS["indebted"]
    vector = features(now)
    copied = tmp_path / "model"
    shutil.copytree(model.source.directory, copied)
    confidence = model.infer(vector.encoded).scores.confidence_bps / BASIS_POINTS
    policy = replace(policy_of(model.source.directory, model.exact), thin_below=min(confidence + 0.01, 1.0))
    save_policy(policy, copied)
    own = replace(model, source=registry.load(copied))
    assert explain(own, now, vector.values, vector.encoded, NEUTRAL_PRIVATE).thin
    assert not explain(model, now, vector.values, vector.encoded, NEUTRAL_PRIVATE).thin


def test_explanation__nothing_helps__says_so(model: Model) -> None:
    now = SITUATIONS["unsecured"]
    vector = features(now)
    lines = describe(
        explain(model, now, vector.values, vector.encoded, NEUTRAL_PRIVATE).plain(), thin=False, anomaly_score=None
    )
    assert list(lines)[-1] == "recourse: nothing that the borrower can change leads to a better category"


def test_explanation__extreme_wallets__is_plain_json(model: Model) -> None:
    for code in (0, ENCODED_ONE):
        values = {feature.name: feature.decode(code) for feature in FEATURES}
        now = SITUATIONS["indebted"]
        assert json.loads(json.dumps(explain(model, now, values, [code] * len(FEATURES), NEUTRAL_PRIVATE).plain()))
