"""Measure a finished network on the loan book's later period, and its terms against their rules."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from oracle.assessment.features import FEATURES
from oracle.assessment.outputs import OUTPUTS, Category, decode_outputs
from oracle.models.fixed_point import OUTPUT_BITS
from oracle.models.integer import IntegerNetwork
from oracle.models.network import RiskNetwork
from oracle.models.policy import Policy
from oracle.training.book import Book
from oracle.training.heads import credit_columns
from oracle.training.measure import float_outputs, quantised_outputs
from oracle.training.rules import Terms
from oracle.training.split import TEST, TRAIN
from oracle.training.statistics import Floats, calibration_error, interval
from oracle.training.terms import training_bounds

Codes = npt.NDArray[np.int64]

_COLUMN: Final = {output.name: index for index, output in enumerate(OUTPUTS)}
_FEATURE: Final = {feature.name: index for index, feature in enumerate(FEATURES)}
_PROBABILITY: Final = _COLUMN["probability_of_default"]


def judge_book(integers: IntegerNetwork, floats: RiskNetwork, book: Book, policy: Policy) -> dict[str, Any]:
    """Liquidations, credit events and categories in the book's later period, beside rules and learned baselines.

    `auc` is of liquidations; Brier score and calibration error are of credit events, which is what the probability
    claims; `accuracy` is of the category against `reference_categories`.
    """
    test = book.part == TEST
    chain, private = book.chain[test], book.private[test]
    reference = reference_categories(book, policy)
    given = {
        "float": float_outputs(floats, chain, private),
        "quantised": quantised_outputs(integers, chain, private),
    }
    categories = {name: categories_of(outputs) for name, outputs in given.items()}
    return {
        "data": "semi-synthetic loan book (see the card); loans of a later period, other wallets",
        "rows": int(test.sum()),
        "base_rate": round(float(book.event[test].mean()), 4),
        "liquidation_rate": round(float(book.liquidated[test].mean()), 4),
        **{
            name: _figures(book, test, outputs[:, _PROBABILITY], categories[name], reference)
            for name, outputs in given.items()
        },
        "baselines": _baselines(book, test),
        "categories": _shares(categories["quantised"], reference, book.event[test]),
        "quantisation": _quantisation(given["float"], given["quantised"], categories),
        "notes": ["auc: liquidations; brier and calibration_error: credit events; accuracy: see the card's reference"],
    }


def reference_categories(book: Book, policy: Policy) -> Codes:
    """Return the category (n,) of each later loan by historical simulation of the later period itself.

    The probability is the share of the period's real price paths, scaled to the loan's volatility and duration, on
    which its collateral would have crossed, joined with the known odds of failure and of repeated liquidation.
    """
    test = book.part == TEST
    drops = np.sort(-np.log(book.lowest_ratio[test]) / book.spread[test])
    needed = np.log(np.maximum(book.margin[test], 1e-9)) / book.spread[test]
    crossing = 1 - np.searchsorted(drops, needed, side="left") / len(drops)
    probability = 1 - (1 - book.other[test]) * (1 - crossing)
    limits = [policy.medium_default, policy.high_default]
    return np.asarray(np.digitize(probability, limits), dtype=np.int64)


def categories_of(outputs: Floats) -> Codes:
    """Return the category (n,) of rows of outputs, decoded as the contract does."""
    scales = [OUTPUT_BITS] * len(OUTPUTS)
    rows = np.rint(outputs * 2.0**OUTPUT_BITS).astype(np.int64).tolist()
    return np.array([decode_outputs(row, scales).category for row in rows], dtype=np.int64)


def judge_terms(integers: IntegerNetwork, book: Book, terms: Terms) -> dict[str, Any]:
    """The distilled terms against the rules they stand for, on the later period; mean absolute errors."""
    test = book.part == TEST
    outputs = quantised_outputs(integers, book.chain[test], book.private[test])
    ltv = np.abs(np.clip(outputs[:, _COLUMN["maximum_ltv"]], 0, 1) - terms.maximum_ltv[test])
    days = np.abs(np.clip(outputs[:, _COLUMN["duration"]], 0, 1) - terms.duration[test]) * 365
    return {
        "maximum_ltv_mean_error_points": round(float(ltv.mean()) * 100, 2),
        "maximum_ltv_95th_error_points": round(float(np.quantile(ltv, 0.95)) * 100, 2),
        "duration_mean_error_days": round(float(days.mean()), 1),
        "interest_rate": "exact: base + margin + loss given default x probability of default",
        "confidence": "exact: 1 less the policy's cost of each missing depth and of distance to the training loans",
    }


def judge_confidence(integers: IntegerNetwork, book: Book, policy: Policy) -> dict[str, Any]:
    """How wallets marked thin fare beside the others on the later period, in all and where the category is low.

    `bounds` are the training loans' quantiles, in encoded fractions, beyond which confidence falls.
    """
    test = book.part == TEST
    outputs = quantised_outputs(integers, book.chain[test], book.private[test])
    thin = outputs[:, _COLUMN["confidence"]] < policy.thin_below
    low = categories_of(outputs) == Category.LOW
    event, given = book.event[test], outputs[:, _PROBABILITY]
    found: dict[str, Any] = {"thin_share": round(float(thin.mean()), 4)}
    for name, rows in (("thin", thin), ("deep", ~thin), ("thin_and_low", thin & low), ("deep_and_low", ~thin & low)):
        known = bool(rows.any())
        found[name] = {
            "rows": int(rows.sum()),
            "event_rate": round(float(event[rows].mean()), 4) if known else None,
            "mean_probability": round(float(given[rows].mean()), 4) if known else None,
        }
    bounds = training_bounds(book, policy)
    return found | {"bounds": {f"{name} {side}": round(bound, 4) for (name, side), bound in bounds.items()}}


def _figures(
    book: Book, test: npt.NDArray[np.bool_], probabilities: Floats, given: Codes, reference: Codes
) -> dict[str, Any]:
    liquidated, event, weeks = book.liquidated[test], book.event[test], book.week[test]
    return {
        "auc": round(_auc(liquidated, probabilities), 4),
        "auc_interval": interval(liquidated, probabilities, _auc, weeks),
        "event_auc": round(_auc(event, probabilities), 4),
        "event_auc_interval": interval(event, probabilities, _auc, weeks),
        "brier": round(float(np.mean((probabilities - event) ** 2)), 4),
        "calibration_error": round(calibration_error(event, probabilities), 4),
        "mean_probability": round(float(probabilities.mean()), 4),
        "accuracy": round(float((given == reference).mean()), 4),
    }


def _auc(labels: Codes, values: Floats) -> float:
    return float(roc_auc_score(labels, values))


def _baselines(book: Book, test: npt.NDArray[np.bool_]) -> dict[str, Any]:
    rate = float(book.event[test].mean())
    found: dict[str, Any] = {
        "health_factor_after_the_loan_auc": round(
            float(roc_auc_score(book.liquidated[test], -np.minimum(book.margin[test], 20))), 4
        ),
        "base_rate_brier": round(rate * (1 - rate), 4),
    }
    train = book.part == TRAIN
    if not train.any():
        return found
    columns = credit_columns()
    for name, model in (
        ("logistic_regression", LogisticRegression(max_iter=2000)),
        ("gradient_boosting", HistGradientBoostingClassifier(random_state=0)),
    ):
        model.fit(book.chain[train][:, columns] / 1024, book.liquidated[train])
        values = model.predict_proba(book.chain[test][:, columns] / 1024)[:, 1]
        found[f"{name}_auc"] = round(float(roc_auc_score(book.liquidated[test], values)), 4)
    return found


def _quantisation(exact: Floats, rounded: Floats, categories: dict[str, Codes]) -> dict[str, Any]:
    score = _COLUMN["score"]
    return {
        "probability_mean_error": round(float(np.abs(exact - rounded)[:, _PROBABILITY].mean()), 5),
        "score_mean_error_points": round(float(np.abs(exact - rounded)[:, score].mean()) * 100, 3),
        "category_flips": round(float((categories["float"] != categories["quantised"]).mean()), 5),
        "circuit_against_integers": "exact: the circuit never rescales, and a test compares it with EZKL's witness",
    }


def _shares(given: Codes, reference: Codes, event: Codes) -> dict[str, Any]:
    return {
        category.name.lower(): {
            "share": round(float((given == category).mean()), 4),
            "reference_share": round(float((reference == category).mean()), 4),
            "event_rate": round(float(event[given == category].mean()), 4) if (given == category).any() else None,
        }
        for category in Category
    }
