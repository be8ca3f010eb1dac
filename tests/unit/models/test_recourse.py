"""Recourse: what the model itself confirms, no larger than needed, and only what a person can change."""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from oracle.assessment.features import FEATURES, NEUTRAL_PRIVATE
from oracle.assessment.history import USD
from oracle.assessment.outputs import Category
from oracle.assessment.request import Address
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
    assert all(option.scores.category < present for option in found)
    alone = [option for option in found if len(option.levers) == 1]
    assert alone
    for option in alone:
        [lever] = option.levers
        step = round(option.effort * LEVER[lever].steps)
        changed, less = pulled(now, lever, step), pulled(now, lever, step - 1)
        assert changed is not None
        assert model.infer(features(changed).encoded).scores == option.scores
        assert less is None or category(model, less) > option.scores.category


def test_recourse__no_lever_alone_suffices__two_together_are_told(model: Model) -> None:
    # The more often liquidated, the more it takes: at some count, two things at once.
    for count in range(1, 9):
        lending = replace(INDEBTED, liquidation_count=count)
        found = recourse(model, situation(loan(8, 9, 120), lending=lending))
        if len(found[0].levers) > 1:
            break
    for option in found:
        assert len(option.levers) == 2
        assert option.scores.category is Category.MEDIUM
        assert " and " in option.text


def test_recourse__only_all_together_suffice__are_told_without_what_changes_nothing(model: Model) -> None:
    # Levers that reach a little further each time: when they first suffice, it takes all three.
    for steps in range(1, 30):
        reach = {"borrow_less": steps, "more_collateral": steps, "shorter_loan": 3 * steps}
        short = [replace(LEVER[name], steps=own) for name, own in reach.items()]
        found = recourse(model, SITUATIONS["late"], (LEVER["wait"], *short))
        if found:
            break
    assert found[0].levers == ("borrow_less", "more_collateral", "shorter_loan")
    assert "month" not in found[0].text


def test_recourse__open_debt__says_how_much_to_repay_and_what_health_factor_it_gives(model: Model) -> None:
    now = SITUATIONS["indebted"]
    option = next(option for option in recourse(model, now) if option.levers == ("repay_debt",))
    changed = pulled(now, "repay_debt", round(option.effort * 100))
    assert changed is not None
    amount = Decimal(now.history.lending.debt_usd - changed.history.lending.debt_usd) / USD
    factor = features(changed).values["health_factor"]
    assert f"repay {amount:,.0f} USD of the open debt of 134,000 USD: " in option.text
    assert f"health factor of the open debt {factor:.2f}; then {option.scores.category.name.lower()}" in option.text


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
    assert found
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


@pytest.mark.parametrize("name", ["repay_debt", "back_debt"])
def test_lever__uneven_debt__speaks_in_round_dollars_and_means_what_it_says(name: str) -> None:
    uneven = replace(INDEBTED, debt_usd=13_400_631_000_001, collateral_usd=18_345_678_000_001)
    now = situation(loan(2, 4, 30), lending=uneven)
    for step in (1, 7, 50, 99):
        change = LEVER[name].pull(now, step)
        assert change is not None
        [said] = re.findall(r"^(?:repay|supply) ([\d,.]+) USD", change[1])
        lending = change[0].history.lending
        moved = uneven.debt_usd - lending.debt_usd + lending.collateral_usd - uneven.collateral_usd
        assert Decimal(said.replace(",", "")) == Decimal(moved) / USD
        assert len(said.replace(",", "").strip("0.")) <= 3


def test_lever__debt_repaid_in_full__leaves_no_debt() -> None:
    change = LEVER["repay_debt"].pull(SITUATIONS["indebted"], 100)
    assert change is not None
    values = features(change[0]).values
    assert (values["health_factor"], values["debt_to_collateral"], values["repayment_rate"]) == (None, 0, 1)


def test_lever__token_of_a_loan__counts_in_its_own_decimals() -> None:
    token = Address("0x" + "cc" * 20)
    market = replace(HISTORY.market, token_prices_usd={token: USD}, token_decimals={token: 6})
    terms = replace(loan(1, 4, 30), principal_token=token, principal=2_500 * 10**6)
    change = LEVER["borrow_less"].pull(situation(terms, market=market), 50)
    assert change is not None
    assert change[1] == "borrow 1,250 tokens instead of 2,500 tokens"


def test_lever__time_passes__the_first_loan_is_longer_ago() -> None:
    change = LEVER["wait"].pull(SITUATIONS["late"], 2)
    assert change is not None
    assert change[1] == "ask again after 2 more months without liquidation or late payment"
    assert features(change[0]).values["borrowing_age"] == 160
