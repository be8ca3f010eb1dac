"""What only a running daemon knows: its health, its endpoints, its signer's coins, the models that it loaded."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from oracle.chain.pool import PoolProvider
from oracle.web.dashboard.parts import Parts

_FAR_BEHIND_BLOCKS: Final = 5


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that is wrong, or that an operator should look at."""

    name: str
    text: str
    since: datetime
    wrong: bool


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """One endpoint, by its place in the settings: its URL may hold a key."""

    number: int
    state: str
    well: bool
    latency_seconds: float | None
    head: int | None
    lag_blocks: int
    failures: int
    silent_seconds: float
    last_fault: str


def alerts(parts: Parts) -> list[Alert]:
    """Return what is wrong now, then what should be looked at; nothing where no daemon runs."""
    if parts.health is None:
        return []
    wrong = [
        Alert(name, part.text or "not well", datetime.fromtimestamp(part.since, UTC), True)
        for name, part in parts.health.parts.items()
        if not part.ok
    ]
    warned = [
        Alert(name, one.text, datetime.fromtimestamp(one.since, UTC), False)
        for name, one in parts.health.warnings.items()
    ]
    return [*wrong, *warned]


def health_parts(parts: Parts) -> list[dict[str, Any]]:
    """Return every part of the daemon with its condition."""
    if parts.health is None:
        return []
    return [
        {"name": name, "ok": part.ok, "text": part.text, "since": datetime.fromtimestamp(part.since, UTC)}
        for name, part in sorted(parts.health.parts.items())
    ]


def endpoints(parts: Parts) -> list[EndpointFacts]:
    """Return what is known of each endpoint; nothing where no daemon runs."""
    context = parts.context()
    pool = None if context is None else context.w3.provider
    if not isinstance(pool, PoolProvider):
        return []
    found = []
    for one in pool.endpoints:
        lag = pool.lag_of(one)
        well = one.closed and not one.failures
        state = "expelled" if one.expelled else "asked" if well else "doubted" if one.closed else "resting"
        if well and lag > _FAR_BEHIND_BLOCKS:
            state = "behind"
        found.append(
            EndpointFacts(
                number=one.number,
                state=state,
                well=state == "asked",
                latency_seconds=one.latency_seconds,
                head=one.head,
                lag_blocks=lag,
                failures=one.failures,
                silent_seconds=one.silent_seconds,
                # Its text can hold a URL, and a URL a key: what kind of fault it is says enough here.
                last_fault="" if one.last_fault is None else type(one.last_fault).__name__,
            )
        )
    return found


def signer(parts: Parts, week_wei: int) -> dict[str, Any] | None:
    """Return the signer's address, its coins, and for how many days they last at the pace of the last week."""
    context = parts.context()
    if context is None:
        return None
    balance = context.balance_wei
    days = None if balance is None or week_wei <= 0 else balance * 7 / week_wei
    return {"address": context.signer.address, "balance_wei": balance, "days_left": days}


def signer_address(parts: Parts) -> str | None:
    """Return whose transactions the daemon can sign anew, None where none runs."""
    context = parts.context()
    return None if context is None else context.signer.address


def models(parts: Parts) -> dict[str, Any]:
    """Return names and ids of the model that answers and of its shadow, as far as a daemon runs."""
    context = parts.context()
    if context is None:
        return {"primary": None, "shadow": None, "withdrawn": ""}
    return {
        "primary": context.model.source,
        "shadow": None if context.shadow is None else context.shadow.source,
        "withdrawn": context.withdrawn,
    }


def head(parts: Parts) -> int | None:
    """Return the newest block seen."""
    context = parts.context()
    return None if context is None or context.head is None else context.head.number
