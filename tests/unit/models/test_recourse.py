"""Recourse: what the model itself confirms, no larger than needed, and only what a person can change."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE
from oracle.assessment.history import USD
from oracle.assessment.outputs import Category
from oracle.models import registry
from oracle.models.inference import Model
from oracle.models.levers import LEVERS, Lever, Situation
from oracle.models.recourse import Option, find_recourse
from tests.unit.models.wallets import HISTORY, INDEBTED, LATE, SITUATIONS, features, loan, situation

LEVER = {lever.name: lever for lever in LEVERS}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.open(registry.load())


def recourse(model: Model, now: Situation, levers: tuple[Lever, ...] = LEVERS) -> list[Option]:
    vector = features(now)
    return find_recourse(model, now, vector.values, vector.encoded, NEUTRAL_PRIVATE, levers)


def category(model: Model, now: Situation) -> Category:
    return model.infer(features(now).encoded).scores.category


def pulled(now: Situation, name: str, step: int) -> Situation | None:
    change = LEVER[name].pull(now, step)
    return None if change is None else change[0]


@pytest.mark.parametrize("name", ["high loan to value", "indebted", "late"])
def test_recourse__one_lever__is_confirmed_and_one_step_less_does_not_suffice(model: Model, name: str) -> None:
    now = SITUATIONS[name]
    present = category(model, now)
    found = recourse(model, now)
    assert {option.scores.category for option in found} == {Category.LOW, Category.MEDIUM} - {present}
    for option in found:
        [lever] = option.levers
        step = round(option.effort * LEVER[lever].steps)
        changed, less = pulled(now, lever, step), pulled(now, lever, step - 1)
        assert changed is not None
        assert model.infer(features(changed).encoded).scores == option.scores
        assert less is None or category(model, less) > option.scores.category


def test_recourse__no_lever_alone_suffices__two_together_are_told(model: Model) -> None:
    found = recourse(model, SITUATIONS["liquidated twice and at the edge"])
    assert found
    for option in found:
        assert len(option.levers) == 2
        assert option.scores.category is Category.MEDIUM
        assert " and " in option.text


def test_recourse__open_debt__says_how_much_to_repay_and_what_health_factor_it_gives(model: Model) -> None:
    now = SITUATIONS["indebted"]
    option = next(option for option in recourse(model, now) if option.levers == ("repay_debt",))
    changed = pulled(now, "repay_debt", round(option.effort * 100))
    assert changed is not None
    amount = Decimal(now.history.lending.debt_usd - changed.history.lending.debt_usd) / USD
    factor = features(changed).values["health_factor"]
    assert f"repay {amount:,.0f} USD of the open debt of 134,000 USD: " in option.text
    assert f"health factor of the open debt {factor:.2f}; then medium risk" in option.text


def test_recourse__two_levers_on_one_feature__the_feature_is_told_once(model: Model) -> None:
    levers = (LEVER["borrow_less"], LEVER["more_collateral"])
    now = Situation(HISTORY, loan(8, 4, 60))
    assert all(option.text.count("loan to value") == 1 for option in recourse(model, now, levers))


@pytest.mark.parametrize("name", ["safe", "unsecured"])
def test_recourse__best_already_or_nothing_to_change__has_nothing_to_say(model: Model, name: str) -> None:
    assert recourse(model, SITUATIONS[name]) == []


def test_recourse__nearest_category_first__and_least_effort_first_within(model: Model) -> None:
    found = recourse(model, SITUATIONS["indebted"])
    order = [(-option.scores.category, option.effort) for option in found]
    assert order == sorted(order)


def test_recourse__many_levers_and_none_alone_helps__asks_the_model_no_more_than_a_few_hundred_times(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    infer_many = Model.infer_many

    def counted(self: Model, chains: Sequence[Sequence[int]], private: Sequence[int] = NEUTRAL_PRIVATE) -> object:
        asked.append(len(chains))
        return infer_many(self, chains, private)

    monkeypatch.setattr(Model, "infer_many", counted)
    lending = replace(INDEBTED, liquidation_count=6)
    found = recourse(model, situation(loan(8, 9, 120), lending=lending, term_loans=LATE))
    assert all(len(option.levers) == 2 for option in found)
    # Scoring waits for it: a candidate costs about a tenth of a millisecond.
    assert sum(asked) < 300


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.name)
def test_lever__pulled_further__moves_its_feature_its_way_and_no_step_back(lever: Lever) -> None:
    moved = 0
    for now in SITUATIONS.values():
        if lever.pull(now, lever.steps) is None:
            continue
        before = encoded(now, lever.feature)
        for step in range(1, lever.steps + 1):
            change = lever.pull(now, step)
            if change is None:
                continue
            after = encoded(change[0], lever.feature)
            assert (after - before) * lever.direction >= 0, change[1]
            before = after
        moved += before != encoded(now, lever.feature)
    assert moved


def encoded(now: Situation, feature: str) -> int:
    return features(now).encoded[[one.name for one in FEATURES].index(feature)]


def test_lever__time_passes__the_first_loan_is_longer_ago() -> None:
    change = LEVER["wait"].pull(SITUATIONS["late"], 2)
    assert change is not None
    assert change[1] == "ask again after 2 more months without liquidation or late payment"
    assert features(change[0]).values["borrowing_age"] == 160
