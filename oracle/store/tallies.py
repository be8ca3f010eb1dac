"""Reading the counters and adding them up: what pages and metrics show costs the same with ten rows and ten million."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.assessment.states import STATES, State

MINUTE: Final = 60
HOUR: Final = 3_600
UNTIMED: Final = -1_000
"""The bucket of steps that nobody timed."""

TOTAL: Final = "total"
"""The source that stands for the whole way from a request's arrival to its mined answer."""

_GROWTH: Final = 1.2
_SHORTEST_SECONDS: Final = 0.001
_LONGEST_SECONDS: Final = 1_000_000
_MINUTES_KEPT: Final = timedelta(days=2)
_MOST_CHANGES: Final = 50_000
_LOCK: Final = 7_261_902

# One statement: a change is either among the changes or in the counters, for whoever reads meanwhile.
_FOLD: Final = text(f"""
with gone as (
  delete from tally_changes where id in (select id from tally_changes order by id limit {_MOST_CHANGES}) returning *
), folded_states as (
  insert into request_tallies as t (chain_id, oracle, state, reason, count, fees_wei)
  select chain_id, subject, name, reason, sum(count), sum(wei) from gone where what = 'state'
  group by 1, 2, 3, 4 having sum(count) <> 0 or sum(wei) <> 0
  on conflict (chain_id, oracle, state, reason)
  do update set count = t.count + excluded.count, fees_wei = t.fees_wei + excluded.fees_wei
), folded_steps as (
  insert into step_tallies as t (chain_id, oracle, width, starts, source, target, bucket, count)
  select chain_id, subject, width, to_timestamp(floor(extract(epoch from at) / width) * width), name, target,
    case when seconds is null then {UNTIMED}
         else floor(ln(least(greatest(seconds, {_SHORTEST_SECONDS}), {_LONGEST_SECONDS})) / ln({_GROWTH}))::smallint
    end, sum(count)
  from gone cross join (values ({MINUTE}), ({HOUR})) as periods (width) where what = 'step'
  group by 1, 2, 3, 4, 5, 6, 7
  on conflict (chain_id, oracle, width, starts, source, target, bucket) do update set count = t.count + excluded.count
), folded_gas as (
  insert into gas_tallies as t (chain_id, sender, day, kind, count, wei)
  select chain_id, subject, (at at time zone 'UTC')::date, name, sum(count), sum(wei) from gone where what = 'gas'
  group by 1, 2, 3, 4
  on conflict (chain_id, sender, day, kind) do update set count = t.count + excluded.count, wei = t.wei + excluded.wei
)
select count(*) from gone
""")  # noqa: S608

_STATES: Final = text("""
select state, reason, sum(count)::bigint, sum(wei) from (
  select state, reason, count, fees_wei as wei from request_tallies where chain_id = :chain_id and oracle = :oracle
  union all
  select name, reason, count, wei from tally_changes
  where what = 'state' and chain_id = :chain_id and subject = :oracle
) as all_of_them group by 1, 2
""")

_STEPS: Final = text(f"""
select extract(epoch from starts)::bigint, source, target, bucket, sum(count)::bigint from (
  select starts, source, target, bucket, count from step_tallies
  where chain_id = :chain_id and oracle = :oracle and width = :width and starts >= :since
  union all
  select to_timestamp(floor(extract(epoch from at) / :width) * :width), name, target,
    case when seconds is null then {UNTIMED}
         else floor(ln(least(greatest(seconds, {_SHORTEST_SECONDS}), {_LONGEST_SECONDS})) / ln({_GROWTH}))::smallint
    end, count
  from tally_changes where what = 'step' and chain_id = :chain_id and subject = :oracle and at >= :since
) as all_of_them group by 1, 2, 3, 4
""")  # noqa: S608

_GAS: Final = text("""
select sender, kind, sum(count)::bigint, sum(wei), coalesce(sum(wei) filter (where day > current_date - 7), 0) from (
  select sender, day, kind, count, wei from gas_tallies where chain_id = :chain_id
  union all
  select subject, (at at time zone 'UTC')::date, name, count, wei from tally_changes
  where what = 'gas' and chain_id = :chain_id
) as all_of_them group by 1, 2 order by 1, 2
""")


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many requests are in a state for a reason of decline (0: none), and the fees that they brought."""

    state: State
    reason: int
    count: int
    fees_wei: int


@dataclass(frozen=True, slots=True)
class StepCount:
    """How often a step was made in the period that begins at `starts` (Unix seconds), in one bucket of durations."""

    starts: int
    source: str
    target: str
    bucket: int
    count: int


@dataclass(frozen=True, slots=True)
class GasCount:
    """What a key's transactions of a kind cost altogether, and in the last seven days."""

    sender: str
    kind: str
    count: int
    wei: int
    week_wei: int


async def fold(session: AsyncSession) -> int:
    """Add what changed to the counters and forget minutes that no page shows; return how many changes there were.

    One does it at a time: whoever comes second finds nothing to do.
    """
    if not await session.scalar(text(f"select pg_try_advisory_xact_lock({_LOCK})")):
        return 0
    folded = await session.scalar(_FOLD)
    forget = text("delete from step_tallies where width = :minute and starts < clock_timestamp() - :kept")
    await session.execute(forget, {"minute": MINUTE, "kept": _MINUTES_KEPT})
    return int(folded or 0)


async def states(session: AsyncSession, chain_id: int, oracle: Address) -> list[StateCount]:
    """Return how many requests are in each state, by the reason of their decline; only what there is."""
    found = await session.execute(_STATES, {"chain_id": chain_id, "oracle": oracle})
    return [StateCount(State(state), reason, count, int(wei)) for state, reason, count, wei in found if count]


async def counts(session: AsyncSession, chain_id: int, oracle: Address) -> dict[State, int]:
    """Return how many requests are in each state, zeros included."""
    found = dict.fromkeys(STATES, 0)
    for one in await states(session, chain_id, oracle):
        found[one.state] += one.count
    return found


async def steps(session: AsyncSession, chain_id: int, oracle: Address, since: datetime, width: int) -> list[StepCount]:
    """Return the steps since a moment, by periods of `width` seconds (MINUTE or HOUR)."""
    values = {"chain_id": chain_id, "oracle": oracle, "since": since, "width": width}
    return [StepCount(*row) for row in await session.execute(_STEPS, values)]


async def gas(session: AsyncSession, chain_id: int) -> list[GasCount]:
    """Return what the keys' mined transactions cost, in wei."""
    found = await session.execute(_GAS, {"chain_id": chain_id})
    return [GasCount(sender, kind, count, int(wei), int(week)) for sender, kind, count, wei, week in found if count]


def bucket_of(seconds: float) -> int:
    """Return the bucket of a duration: each is a fifth longer than the one before."""
    return math.floor(math.log(min(max(seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS)) / math.log(_GROWTH))


def quantiles(buckets: Mapping[int, int] | Iterable[tuple[int, int]], wanted: Iterable[float]) -> list[float | None]:
    """Return durations in seconds that such shares of the steps fall below, at most a tenth off; None without steps."""
    known = sorted((bucket, count) for bucket, count in dict(buckets).items() if bucket != UNTIMED and count > 0)
    total = sum(count for _, count in known)
    return [_quantile(known, total * share) if total else None for share in wanted]


def _quantile(known: list[tuple[int, int]], rank: float) -> float:
    passed = 0
    for bucket, count in known:
        if passed + count >= rank:
            inside = (rank - passed) / count
            return float(_GROWTH ** (bucket + inside))
        passed += count
    return float(_GROWTH ** (known[-1][0] + 1))


def as_coins(wei: int) -> Decimal:
    """Return wei as whole coins."""
    return Decimal(wei).scaleb(-18)
