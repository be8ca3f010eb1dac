"""The batch model's card: both models side by side on the same unseen rows."""

# ruff: noqa: E501 - a page of text, line by line

from collections.abc import Callable
from typing import Any, Final

from oracle.training.table_judging import BATCH, PRIVATE, SINGLE

BARS: Final[tuple[tuple[str, tuple[str, ...], float], ...]] = (
    ("fraud: AUC", ("fraud", BATCH, "auc"), 0.970),
    ("fraud: precision at recall 0.8", ("fraud", BATCH, "precision_at_recall_80"), 0.80),
    ("book: AUC of liquidations", ("book", "liquidation", BATCH, "auc"), 0.90),
    ("book: category accuracy", ("book", "category", BATCH, "accuracy"), 0.85),
)
"""What the batch model must reach on unseen rows, by its circuit's integers."""


def figure(metrics: dict[str, Any], path: tuple[str, ...]) -> float:
    """Return one figure of the metrics by its path."""
    found: Any = metrics
    for key in path:
        found = found[key]
    return float(found)


def write_batch_card(name: str, metrics: dict[str, Any]) -> str:
    """Return the card in Markdown from the metrics that training measured."""
    circuit, fraud, book = metrics["circuit"], metrics["fraud"], metrics["book"]
    lines = [
        f"# Model card: {name}",
        "",
        f"Model id `{metrics['model_id']}`. One proof answers {circuit['batch_size']} wallets: k = {circuit['logrows']}, {circuit['rows']} rows, {circuit['rows_an_answer']} an answer.",
        "Chain features alone: a request with private data is answered by the single model. Figures are of the circuit's",
        "integers, on data that training never saw, with 95 % bootstrap intervals; those of `"
        + metrics["single"]
        + "` are of the same rows.",
        "",
        "## What was measured",
        "| figure | must | reached | |",
        "|---|---|---|---|",
    ]
    for label, path, bar in BARS:
        value = figure(metrics, path)
        lines.append(f"| {label} | ≥ {bar:g} | {value:.4f} | {'reached' if value >= bar else '**missed**'} |")
    lines += [
        "",
        f"| figure (unseen rows) | this model | {SINGLE} | {PRIVATE} | lead over the second (paired) |",
        "|---|---|---|---|---|",
        _line(f"fraud: AUC ({fraud['rows']})", fraud, "auc"),
        _line("fraud: precision at recall 0.8", fraud, "precision_at_recall_80"),
        _line("fraud: recall at 1 % false positives", fraud, "recall_at_fpr_1"),
        _plain("fraud: the same threshold, another collection", fraud, "other_collection_recall_at_fpr_1"),
        _plain("fraud: Brier score", fraud, "brier"),
        _plain("fraud: calibration error", fraud, "calibration_error"),
        _line(f"book: AUC of liquidations ({book['rows']})", book["liquidation"], "auc"),
        _line("book: AUC of credit events", book["event"], "auc"),
        _plain("book: Brier score of credit events", book["event"], "brier"),
        _plain("book: calibration error of credit events", book["event"], "calibration_error"),
        _line("book: category accuracy", book["category"], "accuracy"),
        "",
        "The book's failures to repay are foretold by passports alone, which a batch request does not bring: so the third",
        "column is for comparison, and the second is what this model stands in for.",
        "",
        "| same category as the single model | rows | share |",
        "|---|---|---|",
        *_shares(metrics["agreement"]),
        "",
        "| features inside the tables, so that a batch can prove them | rows | share |",
        "|---|---|---|",
        *_shares(metrics["fits"]),
        "",
        "A wallet outside is told before anything is proven, and answered alone; the figures above count it so.",
        "",
        "## What it is",
        f"Integers everywhere: first layers of {metrics['shape']['fraud'][0]} and {metrics['shape']['credit'][0]} units, second ones of {metrics['shape']['fraud'][1]} and {metrics['shape']['credit'][1]}, behind lookup tables that are",
        "activation, rescaling and range check in one. Weights are rounded in training too. The fraud trunk learns from labels and",
        "from boosted trees of three sizes and extra trees, fitted on the single model's rows; the credit trunk from the book's odds and the single model's",
        "answers, monotone by construction in the same features: a better value never raises the probability, all else equal.",
        "Curves are exact sums of hinges: score and probability move strictly against each other, at every integer.",
        f"Of {metrics['starts']} starts of the fraud trunk, validation rows chose.",
        "",
        "What the single model's card says of data, splits and limits holds here: the book is semi-synthetic, the fraud labels are",
        "of one public collection, and no large set of real borrowers with later outcomes exists among the sources.",
        "",
    ]
    return "\n".join(lines)


def _line(label: str, figures: dict[str, Any], name: str) -> str:
    def told(model: str) -> str:
        if model not in figures:
            return "–"
        low, high = figures[model][f"{name}_interval"]
        return f"{figures[model][name]:.4f} ({low:.4f} to {high:.4f})"

    return _row(label, told)


def _plain(label: str, figures: dict[str, Any], name: str) -> str:
    return _row(label, lambda model: f"{figures[model][name]:.4f}" if name in figures.get(model, {}) else "–")


def _row(label: str, told: Callable[[str], str]) -> str:
    return f"| {label} | " + " | ".join(told(model) for model in (BATCH, SINGLE, PRIVATE, "lead")) + " |"


def _shares(found: dict[str, Any]) -> list[str]:
    return [f"| {name} | {entry['rows']} | {entry['share']:.2%} |" for name, entry in found.items()]
