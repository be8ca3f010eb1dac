"""A stored explanation as lines for people; nothing here needs the model."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from oracle.assessment.outputs import Category
from oracle.models.wording import EXPLAINED

WITHHELD: Final = (
    "not told here: it depends on private data that only the borrower has; their own machine finds it, or a new request"
)
_SMALLEST_TOLD: Final = 0.05


def describe(stored: Mapping[str, Any], *, thin: bool, anomaly_score: float | None) -> Iterator[str]:
    """Yield a stored explanation as lines for people."""
    for output, name in EXPLAINED.items():
        yield from output_lines(name, stored["outputs"][output])
    if anomaly_score is not None:
        yield f"anomaly: the flow of coin is more unusual than that of {anomaly_score:.0f} % of honest accounts"
    if thin:
        yield "thin: too little is known of this wallet, or nothing like it was met in training: its score says little"
    yield from (f"clipped: {one['text']}" for one in stored["clipped"])
    yield from recourse_lines(stored)


def output_lines(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    """Yield one output's points and its reasons."""
    yield f"{name} {one['points']:.1f} of 100, against {one['baseline']:.1f} of a borrower in good standing" + (
        ":" if one["reasons"] else ""
    )
    yield from (f"  {reason['text']}" for reason in one["reasons"])
    if abs(one["others"]) >= _SMALLEST_TOLD:
        yield f"  everything else: {one['others']:+.1f} points"


def recourse_lines(stored: Mapping[str, Any]) -> Iterator[str]:
    """Yield what would lead to a better category, or why nothing is told."""
    if stored["category"] == Category.LOW.name.lower():
        yield "recourse: none, the category is the best already; a lender may have limits of its own"
    elif stored.get("recourse_withheld"):
        # What was stored before there was such a case has no word of it.
        yield f"recourse: {WITHHELD}"
    elif not stored["recourse"]:
        yield "recourse: nothing that the borrower can change leads to a better category"
    yield from (f"recourse: {option['text']}" for option in stored["recourse"])
