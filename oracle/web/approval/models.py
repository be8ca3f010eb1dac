"""The shipped models as the page tells of them: what each leaves out, and how well it judges."""

import json
from dataclasses import dataclass
from functools import cache

from oracle.approval.model import SHIPPED, CardModel
from oracle.web.approval.questions import left_out, protected_in


@dataclass(frozen=True)
class ShownModel:
    """A model; the titles of what it is not told, and of what it is told though protected; its figures on kept rows."""

    model: CardModel
    left_out: list[str]
    protected: list[str]
    auc: str
    boosting_auc: str


@cache
def shown_models() -> tuple[ShownModel, ...]:
    """Return the shipped models, by their names."""
    found = []
    for file in sorted(SHIPPED.glob("*.json")):
        text = file.read_text(encoding="utf-8")
        model, figures = CardModel.parse(text), json.loads(text).get("figures", {})
        auc, boosting = (_figure(figures, name) for name in ("auc", "boosting_auc"))
        found.append(ShownModel(model, left_out(model), protected_in(model), auc, boosting))
    return tuple(found)


def _figure(figures: dict[str, object], name: str) -> str:
    value, interval = figures.get(name), figures.get(f"{name}_interval")
    if not isinstance(value, float):
        return ""
    if isinstance(interval, list) and len(interval) == 2:
        return f"{value:.3f} ({interval[0]:.2f} to {interval[1]:.2f})"
    return f"{value:.3f}"
