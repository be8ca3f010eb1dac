"""One request as its page tells it: its way with the time in each state, features with clips, reasons as bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from oracle.assessment.features import ENCODED_ONE, FEATURES
from oracle.assessment.states import STATES, State
from oracle.models.wording import EXPLAINED, WORDING, tell_value
from oracle.store.tables import RequestRow, TransitionRow

_ASIDE: Final = frozenset(
    {State.DECLINING, State.DECLINED, State.SETTLING, State.CLOSED, State.EXPIRED, State.VANISHED, State.DEAD}
)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the audit log: `lasted` is how long the request then stayed, `branch` that it left the main way."""

    at: datetime
    source: str | None
    target: str
    reason: str
    worked_seconds: float | None
    lasted_seconds: float | None
    failed: bool
    branch: bool


def steps(log: Sequence[TransitionRow], now: datetime) -> list[Step]:
    """Return a request's way; the last entry lasts until now where the request is not over."""
    told = []
    for place, one in enumerate(log):
        following = log[place + 1].at if place + 1 < len(log) else None
        over = following is None and STATES[State(one.target)].stage is None
        until = None if over else following or now
        told.append(
            Step(
                at=one.at,
                source=one.source,
                target=one.target,
                reason=one.reason,
                worked_seconds=one.seconds,
                lasted_seconds=None if until is None else max((until - one.at).total_seconds(), 0.0),
                failed=one.source == one.target and one.notice is None,
                branch=one.source == one.target or State(one.target) in _ASIDE,
            )
        )
    return told


def time_in_states(way: Sequence[Step]) -> list[tuple[str, float, float]]:
    """Return (state, seconds, share) of each state that the request was in, in the order of its way."""
    spent: dict[str, float] = {}
    for one in way:
        if one.lasted_seconds is not None:
            spent[one.target] = spent.get(one.target, 0.0) + one.lasted_seconds
    total = sum(spent.values())
    return [(state, seconds, seconds / total if total else 0.0) for state, seconds in spent.items()]


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """One feature of the wallet: in words, its place in its range (0 to 1), and whether it was clipped."""

    name: str
    title: str
    group: str
    value: str
    place: float | None
    clipped: str


def features(row: RequestRow) -> list[FeatureLine]:
    """Return the features that the model saw, in the order of the table; nothing before they were made."""
    found = row.features or {}
    values, encoded = found.get("values") or {}, found.get("encoded") or []
    told = []
    for index, feature in enumerate(FEATURES):
        if feature.name not in values:
            continue
        number = _decimal(values[feature.name])
        clipped = ""
        if number is not None and number < feature.low:
            clipped = f"below its range: the model saw {tell_value(feature.name, feature.low)}"
        elif number is not None and number > feature.high:
            clipped = f"above its range: the model saw {tell_value(feature.name, feature.high)}"
        place = encoded[index] / ENCODED_ONE if index < len(encoded) else None
        title, said = WORDING[feature.name].name, tell_value(feature.name, number)
        told.append(FeatureLine(feature.name, title, feature.group, said, place, clipped))
    return told


def _decimal(text: Any) -> Decimal | None:
    try:
        return None if text is None else Decimal(str(text))
    except InvalidOperation:
        return None


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason: `points` of 100 by which it moves the output, `width` its share of the longest bar."""

    text: str
    points: float
    width: float
    good: bool


def bars(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each explained output with its reasons as bars, which share one scale."""
    outputs = content.get("outputs") or {}
    longest = max((abs(r["points"]) for one in outputs.values() for r in one.get("reasons", ())), default=0.0)
    told = []
    for name, title in EXPLAINED.items():
        if (one := outputs.get(name)) is None:
            continue
        sign = -1 if name == "fraud_likelihood" else 1
        reasons = [
            Bar(r["text"], r["points"], abs(r["points"]) / longest if longest else 0.0, sign * r["points"] > 0)
            for r in one.get("reasons", ())
        ]
        told.append({"title": title, "reasons": reasons, **{k: one.get(k) for k in ("points", "baseline", "others")}})
    return told


def history_summary(history: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return what the history holds, a line a part: how many entries of each list, and each plain number."""
    lines = []
    for part, content in (history or {}).items():
        if isinstance(content, Mapping):
            said = [f"{name.replace('_', ' ')} {_told(value)}" for name, value in content.items() if _is_told(value)]
            lines.append((part.replace("_", " "), ", ".join(said[:14]) or "nothing"))
        elif _is_told(content):
            lines.append((part.replace("_", " "), _told(content)))
    return lines


def _is_told(value: Any) -> bool:
    return isinstance(value, int | float | str | list) and not (isinstance(value, str) and len(value) > 66)


def _told(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} entries"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
