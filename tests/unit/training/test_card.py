"""The model card says what was measured: misses as misses, each figure with its own target, nothing by heart."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from oracle.models import registry
from oracle.models.policy import POLICY
from oracle.training.card import write_card
from oracle.training.musts import TARGETS, better_than_base_rate

NO_FLOW = {"rows": 526, "fraud": 526, "distinct": 1, "training": 526, "validation": 0, "test": 0}


@pytest.fixture
def metrics() -> dict[str, Any]:
    found = copy.deepcopy(registry.load().metrics)
    found["fraud"]["without_flow"] = dict(NO_FLOW)
    return found


def card(metrics: dict[str, Any]) -> str:
    return write_card("credit-v1", metrics, POLICY)


def line(text: str, start: str) -> str:
    [found] = [one for one in text.splitlines() if one.startswith(start)]
    return found


@pytest.mark.parametrize(("value", "verdict"), [(0.9299, "**missed**"), (0.93, "reached")])
def test_card__home_owners_auc_near_its_must__is_told_to_four_digits_with_the_right_verdict(
    metrics: dict[str, Any], value: float, verdict: str
) -> None:
    metrics["hmeq"]["quantised"]["auc"] = value
    text = card(metrics)
    assert f"| {value:.4f} | {verdict} |" in line(text, "| home owners (HMEQ): AUC | ≥ 0.93 |")
    assert f"| {value:.4f} (" in line(text, "| home owner's passport")


def test_card__every_row_of_the_musts__is_told(metrics: dict[str, Any]) -> None:
    text = card(metrics)
    for target in TARGETS:
        told = line(text, f"| {target.name} |")
        reached = target.must is None or target.reaches(metrics, target.must)
        assert ("**missed**" in told) is not reached
    for where in ("inference of one wallet", "verifier's runtime code", "proof on 2 cores"):
        assert line(text, f"| {where} | ≤ ")


def test_card__book__keeps_liquidations_and_credit_events_apart(metrics: dict[str, Any]) -> None:
    metrics["book"] |= {"base_rate": 0.222, "liquidation_rate": 0.111}
    metrics["book"]["quantised"] |= {"auc": 0.9111, "event_auc": 0.8222, "brier": 0.0777, "calibration_error": 0.0333}
    text = card(metrics)
    liquidations, events = (
        line(text, f"| {kind} in the book's later period") for kind in ("liquidation", "credit event")
    )
    assert "11.1% | 0.9111" in liquidations
    assert "22.2% | 0.8222" in events
    assert "0.0777" in events
    assert "0.0333" in events
    assert not {"0.0777", "0.0333", "0.8222"} & set(liquidations.split())


def test_card__no_unseen_account_without_flow__says_where_they_are(metrics: dict[str, Any]) -> None:
    text = card(metrics)
    assert "526 of the source's accounts show no flow at all: 526 of them are labelled fraud, with identical" in text
    assert "526 are training rows, 0 validation rows, 0 among the unseen rows" in text
    assert "| unseen accounts |" not in text


def test_card__unseen_accounts_without_flow__are_judged_with_and_without(metrics: dict[str, Any]) -> None:
    metrics["fraud"]["without_flow"] = NO_FLOW | {"training": 0, "test": 526}
    with_flow = copy.deepcopy(metrics["fraud"]["quantised"]) | {"auc": 0.9123, "precision_at_recall_80": 0.8123}
    metrics["fraud"]["populations"]["with_flow"] = {"rows": 597, "quantised": with_flow}
    text = card(metrics)
    assert "526 among the unseen rows" in text
    assert "So all fraud figures here are of accounts with flow" not in text
    assert "| 597 | 0.9123" in line(text, "  | with flow |")
    assert "| 0.8123 |" in line(text, "  | with flow |")
    assert f"| {metrics['fraud']['rows']} |" in line(text, "  | all |")


def test_card__own_policy__is_told_exactly(metrics: dict[str, Any]) -> None:
    text = write_card("own", metrics, replace(POLICY, medium_default=0.125, thin_below=0.455))
    assert "medium from a probability of 12.5% or" in text
    assert "Under 45.5% the wallet is **thin**" in text


def test_better_than_base_rate__by_a_hair__beats_nothing(metrics: dict[str, Any]) -> None:
    task = metrics["rocifi"]
    task["baselines"] = {"base_rate_brier": 0.2, "gradient_boosting_brier": 0.1995, "logistic_regression_brier": 0.21}
    task["quantised"]["brier_shifted_to_base_rate"] = 0.199
    assert list(better_than_base_rate(metrics, "rocifi")) == [("the model", 0.199)]
    task["quantised"]["brier_shifted_to_base_rate"] = 0.1995
    assert list(better_than_base_rate(metrics, "rocifi")) == []


def test_card__nothing_beats_the_base_rate__says_so(metrics: dict[str, Any]) -> None:
    task = metrics["repeat-liquidation"]["by_time"]
    task["baselines"] = {name: 0.25 if name.endswith("_brier") else value for name, value in task["baselines"].items()}
    task["quantised"]["brier_shifted_to_base_rate"] = 0.25
    assert "- repeated liquidation by wallet and time: nothing does." in card(metrics)
