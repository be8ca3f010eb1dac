"""What a model must reach and what it aims at, in one place: the card tells it, a test holds the shipped model to it.

Every figure is of the quantised circuit's outputs, from the metrics that training measured.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Metrics = dict[str, Any]

FRAUD_PRECISION: Final = 0.93

_BEATS = 0.001
"""A Brier score less than this under another does not beat it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure with what it must reach and what it aims at, either of which may be absent."""

    name: str
    value: Callable[[Metrics], float]
    must: Callable[[Metrics], float] | None = None
    aim: Callable[[Metrics], float] | None = None
    at_least: bool = True

    def reaches(self, metrics: Metrics, limit: Callable[[Metrics], float]) -> bool:
        """Whether the figure is on the right side of `limit`, which is one of its own."""
        value, wanted = self.value(metrics), limit(metrics)
        return value >= wanted if self.at_least else value <= wanted


def _figure(*path: str) -> Callable[[Metrics], float]:
    def of(metrics: Metrics) -> float:
        found: Any = metrics
        for key in path:
            found = found[key]
        return float(found)

    return of


def _just(limit: float) -> Callable[[Metrics], float]:
    return lambda _: limit


def _lead_over_health_factor(metrics: Metrics) -> float:
    book = metrics["book"]
    return round(float(book["quantised"]["auc"] - book["baselines"]["health_factor_after_the_loan_auc"]), 4)


def _under_base_rate(*path: str) -> Callable[[Metrics], float]:
    base = _figure(*path, "baselines", "base_rate_brier")
    return lambda metrics: round(base(metrics) - _BEATS, 4)


def _brier(name: str, *path: str) -> Target:
    return Target(
        f"{name}: Brier score, under the base rate's by {_BEATS}",
        _figure(*path, "quantised", "brier_shifted_to_base_rate"),
        _under_base_rate(*path),
        at_least=False,
    )


BRIER: Final[dict[str, tuple[str, ...]]] = {
    "RociFi by wallet": ("rocifi",),
    "RociFi by wallet and time": ("rocifi", "by_time"),
    "repeated liquidation by wallet and time": ("repeat-liquidation", "by_time"),
}
"""Judgements on what is wholly real: the base rate is beaten, or the card says what does, or that nothing does."""

TARGETS: Final[tuple[Target, ...]] = (
    Target("fraud: AUC", _figure("fraud", "quantised", "auc"), _just(0.975), _just(0.987)),
    Target(
        "fraud: precision at recall 0.8",
        _figure("fraud", "quantised", "precision_at_recall_80"),
        _just(FRAUD_PRECISION),
        _just(0.95),
    ),
    Target(
        "fraud of another collection: recall at 1 % false positives, against gradient boosting",
        _figure("fraud-extra", "quantised", "recall_at_fpr_1"),
        aim=_figure("fraud-extra", "baselines", "gradient_boosting_recall_at_fpr_1"),
    ),
    Target("book: category accuracy", _figure("book", "quantised", "accuracy"), _just(0.85), _just(0.90)),
    Target("book: AUC of liquidations", _figure("book", "quantised", "auc"), _just(0.90)),
    Target("book: that AUC above the health factor's", _lead_over_health_factor, aim=_just(0.02)),
    Target(
        "book: calibration error",
        _figure("book", "quantised", "calibration_error"),
        aim=_just(0.02),
        at_least=False,
    ),
    *(_brier(name, *path) for name, path in BRIER.items()),
    Target("card holders (UCI): AUC", _figure("uci", "quantised", "auc"), _just(0.77), _just(0.784)),
    Target("home owners (HMEQ): AUC", _figure("hmeq", "quantised", "auc"), _just(0.93), _just(0.955)),
    Target(
        "rounding: mean score error, points",
        _figure("book", "quantisation", "score_mean_error_points"),
        _just(0.2),
        at_least=False,
    ),
    Target(
        "rounding: share of flipped categories",
        _figure("book", "quantisation", "category_flips"),
        _just(0.002),
        at_least=False,
    ),
    Target("circuit: k", _figure("circuit", "logrows"), _just(12), _just(11), at_least=False),
)

ELSEWHERE: Final[tuple[tuple[str, str, str], ...]] = (
    ("inference of one wallet", "5 ms", "a time: asserted by `tests/unit/models/test_shipped_model.py`"),
    (
        "verifier's runtime code",
        "24,575 bytes",
        "made after this card, with the keys: asserted by `tests/proving/test_shipped_model.py`",
    ),
    (
        "proof on 2 cores",
        "1.5 s",
        "a time: a running daemon measures its own (`risk_oracle_stage_seconds`), each proof tells its seconds",
    ),
)
"""What must hold at most, and where it is measured: no card that is the same bytes everywhere can hold a time."""


def better_than_base_rate(metrics: Metrics, *path: str) -> Iterator[tuple[str, float]]:
    """Yield the names and Brier scores of what beats the base rate's, learned baselines included."""
    task = metrics
    for key in path:
        task = task[key]
    baselines = task["baselines"]
    scores = {"the model": task["quantised"]["brier_shifted_to_base_rate"]} | {
        name.removesuffix("_brier").replace("_", " "): value
        for name, value in baselines.items()
        if name.endswith("_brier") and name != "base_rate_brier"
    }
    for name, score in scores.items():
        if score <= round(baselines["base_rate_brier"] - _BEATS, 4):
            yield name, float(score)


def target_lines(metrics: Metrics) -> list[str]:
    """Return the card's table of what is required, reached and missed, in Markdown."""
    lines = ["| figure | must | reached | | aim | |", "|---|---|---|---|---|---|"]
    for target in TARGETS:
        must, must_said = _wanted(target, metrics, target.must, "**missed**")
        aim, aim_said = _wanted(target, metrics, target.aim, "missed")
        reached = f"{target.value(metrics):.4f}".removesuffix(".0000")
        lines.append(f"| {target.name} | {must} | {reached} | {must_said} | {aim} | {aim_said} |")
    lines += [f"| {name} | ≤ {limit} | {where} | | – | |" for name, limit, where in ELSEWHERE]
    beaten = {name: list(better_than_base_rate(metrics, *path)) for name, path in BRIER.items()}
    lines += ["", "What beats the base rate's Brier score by 0.001 or more, where all is real:", ""]
    for name, winners in beaten.items():
        said = ", ".join(f"{winner} ({score:.4f})" for winner, score in winners) or "nothing does"
        lines.append(f"- {name}: {said}.")
    return lines


def _wanted(target: Target, metrics: Metrics, limit: Callable[[Metrics], float] | None, missed: str) -> tuple[str, str]:
    if limit is None:
        return "–", ""
    sign = "≥" if target.at_least else "≤"
    return f"{sign} {limit(metrics):.4g}", "reached" if target.reaches(metrics, limit) else missed
