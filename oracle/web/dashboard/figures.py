"""What the overview's numbers and curves are made of: counted steps become rates, shares and percentiles."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from oracle.assessment.states import STATES, State
from oracle.store.tallies import HOUR, MINUTE, TOTAL, UNTIMED, StateCount, StepCount, quantiles

SHARES: Final = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Range:
    """A time range that can be looked at; `step` is a point of its curves, both in seconds."""

    name: str
    title: str
    seconds: int
    width: int
    step: int


RANGES: Final[dict[str, Range]] = {
    one.name: one
    for one in (
        Range("1h", "1 hour", HOUR, MINUTE, MINUTE),
        Range("6h", "6 hours", 6 * HOUR, MINUTE, 5 * MINUTE),
        Range("24h", "24 hours", 24 * HOUR, HOUR, HOUR),
        Range("7d", "7 days", 7 * 24 * HOUR, HOUR, 6 * HOUR),
        Range("30d", "30 days", 30 * 24 * HOUR, HOUR, 24 * HOUR),
    )
}


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a stage took; seconds at the percentiles of SHARES, None where it never ran."""

    name: str
    count: int
    failed: int
    percentiles: tuple[float | None, ...]


def latencies(steps: Iterable[StepCount]) -> list[Latency]:
    """Return the whole way's latency, then each stage's, in the order of the stages."""
    buckets: dict[str, Counter[int]] = defaultdict(Counter)
    failed: Counter[str] = Counter()
    for one in steps:
        if one.source == one.target:
            failed[one.source] += one.count
        elif one.bucket != UNTIMED:
            buckets[one.source][one.bucket] += one.count
    told = [Latency("end to end", buckets[TOTAL].total(), 0, tuple(quantiles(buckets[TOTAL], SHARES)))]
    for state, row in STATES.items():
        if row.stage is not None:
            found = buckets[state.value]
            told.append(Latency(row.stage, found.total(), failed[state.value], tuple(quantiles(found, SHARES))))
    return told


ANSWERED: Final = "answered"
_CURVES: Final = {"asked": "requested", ANSWERED: "", "declined": "declining", "given up": "dead"}


def curves(steps: Sequence[StepCount], chosen: Range, until: int) -> dict[str, Any]:
    """Return the curves of a range that ends at `until` (Unix seconds): events a minute, and how long answers took."""
    first = (until - chosen.seconds) // chosen.step * chosen.step
    times = list(range(first, until + 1, chosen.step))
    place = {start: index for index, start in enumerate(times)}
    happened = {name: [0] * len(times) for name in _CURVES}
    taken: list[Counter[int]] = [Counter() for _ in times]
    names = {target: name for name, target in _CURVES.items()}
    for one in steps:
        index = place.get(one.starts // chosen.step * chosen.step)
        if index is None:
            continue
        if one.source == TOTAL:
            taken[index][one.bucket] += one.count
            happened[ANSWERED][index] += one.count
        elif one.target in names and one.source != one.target and _is_new(one):
            happened[names[one.target]][index] += one.count
    minutes = chosen.step / MINUTE
    rates = {name: [round(value / minutes, 3) for value in values] for name, values in happened.items()}
    return {"times": times, "rates": rates, "latency": [quantiles(one, SHARES) for one in taken]}


def _is_new(one: StepCount) -> bool:
    # What comes back after a reorganisation, or by hand, was asked only once.
    return one.target != "requested" or one.source == "arrival"


def happened(steps: Iterable[StepCount]) -> Counter[str]:
    """Return how often each state was reached from another one; arrivals stand under `arrival`, answers under ANSWERED.

    What is confirmed on the chain can be a decline too.
    """
    found: Counter[str] = Counter()
    for one in steps:
        if one.source == "arrival":
            found["arrival"] += one.count
        elif one.source == TOTAL:
            found[ANSWERED] += one.count
        elif one.source != one.target:
            found[one.target] += one.count
    return found


def by_state(found: Iterable[StateCount]) -> dict[str, int]:
    """Return how many requests are in each state, zeros included."""
    counted = dict.fromkeys((state.value for state in STATES), 0)
    for one in found:
        counted[one.state.value] += one.count
    return counted


def declined_by_reason(found: Iterable[StateCount]) -> list[tuple[int, int]]:
    """Return (reason, number) of what was declined or is about to be, the most frequent first."""
    counted: Counter[int] = Counter()
    for one in found:
        if one.reason and one.state in (State.DECLINED, State.DECLINING, State.SUBMITTED, State.CONFIRMED):
            counted[one.reason] += one.count
    return counted.most_common()


def fees_earned_wei(found: Iterable[StateCount]) -> int:
    """Return the fees of the requests that were answered: a decline gives the fee back."""
    answered = (State.CONFIRMED, State.FINAL)
    return sum(one.fees_wei for one in found if one.state in answered and not one.reason)
