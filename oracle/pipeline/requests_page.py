"""A page of requests for people: where each stands, and above it how many there are in each state."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.errors import DeclineReason
from oracle.assessment.outputs import Category
from oracle.assessment.request import Address
from oracle.assessment.states import State
from oracle.store import request_pages, tallies
from oracle.store.request_pages import Listed

_LONGEST_CAUSE: Final = 100


async def page(
    session: AsyncSession,
    chain_id: int,
    oracle: Address,
    *,
    states: Sequence[State] = (),
    wallet: Address | None = None,
    since: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> dict[str, Any]:
    """Return requests as plain values, the newest first, with `next_before`, the `before` of the next page.

    See `request_pages.page` for the options; `counts` are of all requests, whatever was asked for.
    """
    counts = await tallies.counts(session, chain_id, oracle)
    # One more than is shown: so it is known whether a page follows.
    rows = await request_pages.page(
        session, chain_id, oracle, states=states, wallet=wallet, since=since, before=before, limit=limit + 1
    )
    shown = [_plain(row) for row in rows[:limit]]
    return {
        "counts": {state.value: number for state, number in counts.items()},
        "requests": shown,
        "next_before": shown[-1]["request_id"] if len(rows) > limit else None,
    }


def describe(found: Mapping[str, Any]) -> str:
    """Return what `page` gave as lines."""
    return "\n".join(_lines(found))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    counts = {state: number for state, number in found["counts"].items() if number}
    told = ", ".join(f"{number} {state}" for state, number in counts.items())
    yield f"{sum(counts.values())} requests" + (f": {told}" if told else "")
    if found["requests"]:
        yield f"{'id':>8}  {'state':14} {'asked (UTC)':17} {'tries':>5}  {'wallet':42}  answer or cause"
    for one in found["requests"]:
        asked = datetime.fromisoformat(one["requested_at"])
        yield (
            f"{one['request_id']:>8}  {one['state']:14} {asked:%Y-%m-%d %H:%M}  {one['attempts']:>5}  {one['user']}  "
            f"{_cause(one)}"
        ).rstrip()
    if found["next_before"] is not None:
        yield f"older ones: --before {found['next_before']}"


def _cause(one: Mapping[str, Any]) -> str:
    if one["fault"]:
        first, *_ = one["fault"].splitlines()
        return str(first) if len(first) <= _LONGEST_CAUSE else f"{first[: _LONGEST_CAUSE - 1]}…"
    if one["decline_reason"]:
        return f"declined: {one['decline_reason']}"
    return f"{one['category']} risk, score {one['score_bps'] / 100:.1f}" if one["category"] else ""


def _plain(row: Listed) -> dict[str, Any]:
    scores = row.scores or {}
    return {
        "request_id": int(row.request_id),
        "state": row.state,
        "user": row.user,
        "requester": row.requester,
        "requested_at": datetime.fromtimestamp(row.requested_at, UTC).isoformat(),
        "deadline": datetime.fromtimestamp(row.deadline, UTC).isoformat(),
        "updated_at": row.updated_at.astimezone(UTC).isoformat(),
        "attempts": row.attempts,
        "category": Category(scores["category"]).name.lower() if scores else None,
        "score_bps": scores.get("score_bps"),
        "decline_reason": None if row.decline_reason is None else DeclineReason(row.decline_reason).name.lower(),
        "fault": row.fault or None,
    }
