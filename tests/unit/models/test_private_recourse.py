"""Recourse of a passport: what suffices and a step less does not; only what a person can do; nothing for the absent."""

from decimal import Decimal
from itertools import pairwise

import pytest

from oracle.assessment.errors import InvalidFeature
from oracle.assessment.features import FEATURES, PRIVATE_FEATURES
from oracle.assessment.outputs import Category
from oracle.assessment.private import PLACE_OF
from oracle.models import registry
from oracle.models.inference import Model
from oracle.models.private_levers import PRIVATE_LEVERS
from oracle.models.private_recourse import private_recourse

NOTHING = [0] * len(PRIVATE_FEATURES)
PASSPORT = {
    "passport_present": "1",
    "debt_to_income": "0.55",
    "debt_to_income_stated": "1",
    "employment_years": "3",
    "employment_stated": "1",
    "recent_inquiries": "6",
    "delinquent_accounts": "1",
    "oldest_account_years": "8",
    "mortgage_due": "90000",
    "card_present": "1",
    "card_months_behind": "2",
    "card_months_behind_before": "1",
    "card_late_months": "3",
    "card_longest_delay": "2",
    "card_utilisation": "0.95",
    "card_limit": "3000",
}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(registry.load())


def chain(**given: str) -> list[int]:
    typical = {"loan_to_value": "0.5", "collateral_buffer": "1", "loan_duration": "30", "market_volatility": "0.8"}
    return [
        feature.encode(Decimal((typical | given)[feature.name]) if feature.name in typical | given else None)
        for feature in FEATURES
    ]


def private(**given: str) -> list[int]:
    return [feature.encode(Decimal(given.get(feature.name, "0"))) for feature in PRIVATE_FEATURES]


def test_recourse__of_a_passport_that_costs_a_category__suffices_as_the_model_confirms(model: Model) -> None:
    opening = private(**PASSPORT)
    present = model.infer(chain(), opening).scores
    assert present.category > Category.LOW
    options = private_recourse(model, None, {}, chain(), opening)
    assert options
    for option in options:
        assert option.scores.category < present.category
        assert option.scores.category.name.lower() in option.text
        assert {*option.levers} <= {lever.name for lever in PRIVATE_LEVERS}


@pytest.mark.parametrize("lever", PRIVATE_LEVERS, ids=lambda lever: lever.name)
def test_lever__step_by_step__changes_its_own_features_alone_and_stays_in_range(lever: object) -> None:
    [one] = [known for known in PRIVATE_LEVERS if known is lever]
    opening = private(**PASSPORT)
    now = {feature.name: feature.decode(code) for feature, code in zip(PRIVATE_FEATURES, opening, strict=True)}
    pulled = [change for step in range(1, one.steps + 1) if (change := one.pull(now, step)) is not None]
    assert pulled
    for change, _ in pulled:
        assert set(change) <= set(one.features)
        for name, value in change.items():
            feature = PRIVATE_FEATURES[PLACE_OF[name]]
            assert feature.low <= value <= feature.high
    name = one.features[0]
    assert all(later[0][name] <= earlier[0][name] for earlier, later in pairwise(pulled))


def test_levers__then_none_of_what_is_past_age_or_others_decision() -> None:
    moved = {feature for lever in PRIVATE_LEVERS for feature in lever.features}
    fixed = {"delinquent_accounts", "derogatory_reports", "employment_years", "oldest_account_years", "property_value"}
    assert not moved & (fixed | {"card_limit", "open_accounts", "credit_requested"})
    assert not [name for name in moved if name.endswith(("_present", "_stated"))]


def test_recourse__without_a_passport__has_nothing_to_say(model: Model) -> None:
    assert private_recourse(model, None, {}, chain(late_share="1"), NOTHING) == []


def test_recourse__of_an_inconsistent_opening__is_refused(model: Model) -> None:
    row = list(NOTHING)
    row[PLACE_OF["card_limit"]] = 5
    with pytest.raises(InvalidFeature, match="card_present"):
        private_recourse(model, None, {}, chain(), row)


def test_recourse__a_step_less__does_not_suffice(model: Model) -> None:
    opening = private(**PASSPORT)
    for option in private_recourse(model, None, {}, chain(), opening):
        if len(option.levers) > 1:
            continue
        [lever] = [one for one in PRIVATE_LEVERS if one.name == option.levers[0]]
        step = round(option.effort * lever.steps)
        now = {feature.name: feature.decode(code) for feature, code in zip(PRIVATE_FEATURES, opening, strict=True)}
        less = lever.pull(now, step - 1) if step > 1 else None
        if less is None:
            continue
        encoded = list(opening)
        for name, value in less[0].items():
            encoded[PLACE_OF[name]] = PRIVATE_FEATURES[PLACE_OF[name]].encode(value)
        assert model.infer(chain(), encoded).scores.category > option.scores.category
