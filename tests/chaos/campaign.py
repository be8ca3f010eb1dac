"""A campaign: when who asks and what goes wrong, from a seed; then quiet, so that it can be judged."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from oracle.devnet.stack import Stack
from oracle.processes import Child
from tests.chaos.crowd import Crowd, gather_crowd
from tests.chaos.faults import BLOCK_SECONDS, Faults
from tests.chaos.judge import Ledger, read_ledger

CONFIRMATIONS: Final = 13
"""So that reorganisations of up to twelve blocks are inside of what the daemon promises."""

_DEEPEST: Final = 12
_REPLACE_AFTER_SECONDS: Final = 15
# As the default of four seconds has on a chain of twelve.
_LOOKS_A_BLOCK: Final = 3
_QUIET_LOOK_SECONDS: Final = 1.0

Say = Callable[[str], None]
Deed = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True)
class Plan:
    """How much of what happens in how many seconds; `patience_seconds` without any change afterwards means stuck.

    `private` of the requests commit to data that the daemon has no opening of: they are declined, without a proof.
    """

    seconds: float
    requests: int
    private: int
    giving_up: int
    kills: int
    prover_kills: int
    reorganisations: int
    database_deaths: int
    foreign: int
    patience_seconds: float = 90.0


PLANS: Final = {
    "short": Plan(150, 48, 10, 3, 11, 9, 18, 3, 5),
    "long": Plan(1_500, 300, 40, 20, 80, 60, 120, 15, 30),
    # Transactions alone, without a proof: what reorganisations do to the ledger, in a minute and on any machine.
    "ledger": Plan(90, 48, 48, 3, 2, 0, 18, 1, 8),
}


@dataclass(frozen=True)
class Run:
    """What a campaign leaves for its judge; `recoveries` in seconds."""

    faults: Faults
    recoveries: list[float]
    stop_code: int
    quiet: bool


async def run(stack: Stack, plan: Plan, seed: int, say: Say) -> Run:
    """Let everything happen, wait for quiet, and stop the daemon."""
    dice = random.Random(seed)  # noqa: S311
    settings = _settings(stack)
    crowd = await gather_crowd(stack, plan.requests, plan.private, plan.giving_up)
    await stack.chain.mine_every(BLOCK_SECONDS)
    faults = Faults(stack, dice, settings)
    supervisor = asyncio.create_task(faults.supervise())
    asking = asyncio.create_task(crowd.keep_asking())
    await stack.wait_ready(await _started(faults))
    await faults.until_serving()
    started = before = time.monotonic()
    planned = 0.0
    for moment, name, deed in _timeline(plan, dice, faults, crowd):
        # On a slow machine everything comes later: faults that pile up would leave no time to be survived in.
        await asyncio.sleep(before + (moment - planned) * faults.slow[-1] - time.monotonic())
        before, planned = time.monotonic(), moment
        for task in (supervisor, asking):
            if task.done():
                await task
        if name:
            say(f"{time.monotonic() - started:6.1f} s  {name}")
        done = deed()
        if done is not None:
            await done
    await faults.kill_second()
    say(f"{time.monotonic() - started:6.1f} s  waiting for quiet")
    quiet = await _until_quiet(stack, crowd, plan.patience_seconds)
    for task in (asking, supervisor):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    ledger = await read_ledger(stack)
    return Run(faults, _recoveries(faults, ledger), await faults.stop(), quiet)


def _settings(stack: Stack) -> Path:
    original = stack.settings_file.read_text()
    text = original
    for name, value in (("confirmations", CONFIRMATIONS), ("poll_seconds", BLOCK_SECONDS / _LOOKS_A_BLOCK)):
        text, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        assert count == 1
    file = stack.folder / "chaos.toml"
    file.write_text(f"{text}\n[transactions]\nreplace_after_seconds = {_REPLACE_AFTER_SECONDS}\n")
    return file


async def _started(faults: Faults) -> Child:
    while faults.daemon is None:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return faults.daemon


def _timeline(plan: Plan, dice: random.Random, faults: Faults, crowd: Crowd) -> list[tuple[float, str, Deed]]:
    """Return (second, name, deed) in order: everything spread over the time, each with some luck."""
    events: list[tuple[float, str, Deed]] = []

    def spread(count: int, first: float, last: float, name: str, make: Callable[[int], Deed]) -> None:
        width = (last - first) * plan.seconds / max(count, 1)
        for number in range(count):
            at = first * plan.seconds + (number + dice.random()) * width
            events.append((at, name, make(number)))

    depths = [*range(1, _DEEPEST + 1), *(dice.randint(1, _DEEPEST) for _ in range(plan.reorganisations))]
    depths = depths[: plan.reorganisations]
    dice.shuffle(depths)
    spread(plan.requests, 0.0, 0.9, "", lambda _: crowd.ask)
    spread(plan.kills, 0.05, 0.97, "kill -9 of the daemon", lambda _: faults.kill)
    spread(plan.prover_kills, 0.06, 0.95, "kill -9 of the prover", lambda _: faults.kill_prover)
    spread(plan.database_deaths, 0.1, 0.9, "kill -9 of Postgres", lambda _: faults.kill_database)
    spread(plan.foreign, 0.1, 0.9, "a transaction of the key from outside", lambda _: faults.send_foreign)
    spread(
        plan.reorganisations,
        0.1,
        0.98,
        "a reorganisation",
        lambda number: lambda: faults.reorganise(depths[number]),
    )
    events.append((0.4 * plan.seconds, "a second daemon", faults.start_second))
    events.append((0.6 * plan.seconds, "the second daemon is killed", faults.kill_second))
    # The nonce of a stranger is what a reorganisation leaves to nobody.
    events.append((0.7 * plan.seconds, "a transaction of the key from outside", faults.send_foreign))
    events.append((0.7 * plan.seconds + 3, "a reorganisation of it", lambda: faults.reorganise(6)))
    return sorted(events, key=lambda event: event[0])


async def _until_quiet(stack: Stack, crowd: Crowd, patience_seconds: float) -> bool:
    """Wait until nothing is open, and return True; or until nothing has changed for a while."""
    changed, before = time.monotonic(), (-1, -1)
    while time.monotonic() - changed < patience_seconds:
        await asyncio.sleep(_QUIET_LOOK_SECONDS)
        try:
            ledger = await read_ledger(stack)
        except DBAPIError:
            continue  # it may just be coming up
        if await crowd.settled() and await ledger.is_quiet(stack):
            return True
        now = (len(ledger.transitions), len(ledger.forms))
        if now != before:
            changed, before = time.monotonic(), now
    return False


def _recoveries(faults: Faults, ledger: Ledger) -> list[float]:
    """Return how long it took from each start to the first change of state, where work was open and no other daemon."""
    found = []
    ends = [*faults.starts[1:], float("inf")]
    for start, end, alone in zip(faults.starts, ends, faults.alone, strict=True):
        if not alone or not ledger.work_was_open(start):
            continue
        first = next((at for at in ledger.transitions if at >= start), None)
        if first is not None and first < end:
            found.append(first - start)
    return found
