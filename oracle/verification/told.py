"""Scores as the HTTP API tells them."""

from typing import Any

from oracle.assessment.outputs import BASIS_POINTS, Category, Scores


def told_scores(scores: Scores) -> dict[str, Any]:
    """Return scores as the API tells them."""
    return {
        "risk_category": Category(scores.category).name.lower(),
        "risk_score": scores.score_bps / 100,
        "default_probability": scores.probability_of_default_bps / 100,
        "fraud_likelihood": scores.fraud_likelihood_bps / 100,
        "recommended_terms": {
            "interest_rate": scores.interest_rate_bps / 100,
            "duration_days": scores.duration_days,
            "max_ltv": scores.maximum_ltv_bps / BASIS_POINTS,
        },
        "confidence": scores.confidence_bps / 100,
        "basis_points": {
            "score": scores.score_bps,
            "probability_of_default": scores.probability_of_default_bps,
            "fraud_likelihood": scores.fraud_likelihood_bps,
            "interest_rate": scores.interest_rate_bps,
            "maximum_ltv": scores.maximum_ltv_bps,
            "confidence": scores.confidence_bps,
        },
    }
