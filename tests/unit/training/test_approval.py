"""The card models' training: a person stays on one side, and what is shipped is what was judged."""

import json

import numpy as np
import pandas as pd
import pytest

from oracle.approval.fields import FIELDS, PROTECTED
from oracle.approval.model import SHIPPED, load_model
from oracle.training.approval import MODELS, answers_of, fit, fold_of, levels_of, people_of


def table() -> pd.DataFrame:
    row = {
        "own_car": 1, "own_property": 0, "mobile_phone": 1, "num_children": 0, "household_size": 2,
        "annual_income": 150_000.0, "age_years": 40.0, "income_type": "Working", "education_type": "Higher education",
        "family_status": "Married", "occupation_type": "Drivers", "housing_type": "With parents",
        "account_months_at_least": 12.0, "employed": 1, "years_employed": 3.0, "rejected": 0,
    }  # fmt: skip
    return pd.DataFrame([row, {**row, "account_months_at_least": 30.0, "rejected": 1}, {**row, "age_years": 41.0}])


def test_people__when_rows_differ_in_account_and_label_alone__then_they_are_one_person() -> None:
    people = people_of(table())
    assert people[0] == people[1] != people[2]


def test_folds__when_made__then_a_person_is_in_one_and_all_are_used() -> None:
    people = np.repeat(np.arange(500), 2)
    folds = fold_of(people)
    assert set(folds) == set(range(5))
    assert (folds[::2] == folds[1::2]).all()


def test_answers__when_the_table_knows_none__then_they_are_the_base_or_unknown() -> None:
    row = {**table().iloc[0].to_dict(), "annual_income": None, "occupation_type": None, "account_months_at_least": None}
    levels, told = load_model("reference").levels_of(answers_of(row))
    assert told == []
    by_name = {field.name: field for field in FIELDS}
    assert levels["annual_income"] == by_name["annual_income"].base
    assert levels["occupation_type"] == by_name["occupation_type"].unknown
    assert levels["account_months"] == by_name["account_months"].unknown


def test_levels__when_of_the_fair_model__then_what_is_protected_is_not_among_them() -> None:
    assert set(MODELS["fair"]) & set(PROTECTED) == set()
    assert list(levels_of(table(), MODELS["fair"]).columns) == list(MODELS["fair"])


@pytest.mark.parametrize("name", list(MODELS))
def test_shipped__when_read__then_its_figures_are_of_this_very_model(name: str) -> None:
    figures = json.loads((SHIPPED / f"{name}.json").read_text())["figures"]
    assert figures["model"] == load_model(name).digest
    assert set(load_model(name).weights) == set(MODELS[name])
    low, high = figures["auc_interval"]
    assert low < figures["auc"] < high


def test_fit__when_one_level_is_rejected_more__then_it_alone_weighs_against_and_as_many_are_denied_as_were() -> None:
    drawn = np.random.default_rng(5)
    names = [field for field in FIELDS if field.name in MODELS["fair"]]
    levels = pd.DataFrame({field.name: drawn.integers(0, len(field.levels), 1_500) for field in names})
    bad = levels["housing_type"] >= 3
    labels = (drawn.random(len(levels)) < np.where(bad, 0.5, 0.05)).astype(np.int64)
    model = fit("fair", levels, labels)
    weights = model.weights["housing_type"]
    assert max(weights[3:]) < -150
    assert min(weights[:3]) > -60
    assert all(model.weights[field.name][field.base] == 0 for field in names)
    assert all(abs(weight) < 100 for name, row in model.weights.items() if name != "housing_type" for weight in row)
    margins = np.array([model.margin(row) for row in levels.to_dict("records")])
    assert abs(float((margins < 0).mean()) - float(labels.mean())) < 0.03
    # Over rows that differ in nothing else, the margin moves by the weight.
    row = levels.iloc[0].to_dict()
    assert model.margin({**row, "housing_type": 4}) - model.margin({**row, "housing_type": 0}) == weights[4]
