"""The one look at the database that all viewers share: taken every few seconds while anybody watches."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.states import STAGE_OF, State
from oracle.store import board_pages, database, drift, tallies
from oracle.store.model_tables import DriftRow
from oracle.store.tallies import GasCount, StateCount, StepCount
from oracle.web.dashboard.figures import RANGES
from oracle.web.dashboard.parts import Parts, now

_WATCHED_SECONDS: Final = 15.0
_WAITING: Final = tuple(STAGE_OF.values())


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found; `steps` by the names of the ranges that somebody watches."""

    number: int
    at: datetime
    states: list[StateCount]
    oldest: dict[State, tuple[int, datetime]]
    gas: list[GasCount]
    drift: DriftRow | None
    steps: dict[str, list[StepCount]]


@dataclass(slots=True)
class Board:
    """The newest look; `fault` says since when, and why, there is no newer one."""

    parts: Parts
    look: Look | None = None
    fault: str = ""
    _watched: dict[str, float] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _rendered: dict[tuple[int, str, str], str] = field(default_factory=dict)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Look again and again while anybody watches, until cancelled."""
        while True:
            await self._wanted.wait()
            if not self._names():
                self._wanted.clear()
                continue
            await self.refresh()
            await asyncio.sleep(self.parts.settings.refresh_seconds)

    def watch(self, name: str) -> None:
        """Note that somebody watches a range now."""
        self._watched[name] = time.monotonic()
        self._wanted.set()

    def _names(self) -> list[str]:
        since = time.monotonic() - _WATCHED_SECONDS
        return [name for name, at in self._watched.items() if at >= since]

    async def newest(self, name: str) -> Look:
        """Return a look that has a range and is not old; raises the database's fault when there has been none."""
        self.watch(name)
        async with self._looking:
            look = self.look
            fresh = timedelta(seconds=2 * self.parts.settings.refresh_seconds)
            if look is None or name not in look.steps or (now() - look.at > fresh and not self.fault):
                try:
                    await self._take()
                except (*database.LOST, database.DatabaseBusy) as fault:
                    self._failed(fault)
                    if self.look is None or name not in self.look.steps:
                        raise
        if self.look is None:
            raise database.DatabaseUnreachable("there was no look at the database yet")
        return self.look

    async def refresh(self) -> None:
        """Take a look, and tell everybody who waits for it; after a fault the earlier one stays."""
        async with self._looking:
            try:
                await self._take()
            except (*database.LOST, database.DatabaseBusy) as fault:
                self._failed(fault)
        async with self._changed:
            self._changed.notify_all()

    def _failed(self, fault: Exception) -> None:
        if not self.fault:
            structlog.get_logger("dashboard").warning("dashboard_stale", error=str(fault))
        self.fault = "the database does not answer"

    async def _take(self) -> None:
        parts, names = self.parts, self._names()
        async with parts.sessions() as session:
            states = await tallies.states(session, parts.chain_id, parts.oracle)
            oldest = await board_pages.oldest(session, parts.chain_id, parts.oracle, _WAITING)
            gas = await tallies.gas(session, parts.chain_id)
            measured = await drift.measurements(session, parts.chain_id, parts.oracle, 1)
            steps = {name: await self._steps(session, name) for name in names}
        number = 0 if self.look is None else self.look.number + 1
        self.look = Look(number, now(), states, oldest, gas, measured[0] if measured else None, steps)
        self.fault = ""
        self._rendered.clear()

    async def _steps(self, session: AsyncSession, name: str) -> list[StepCount]:
        chosen = RANGES[name]
        since = int(now().timestamp()) - chosen.seconds
        aligned = datetime.fromtimestamp(since // chosen.step * chosen.step, UTC)
        return await tallies.steps(session, self.parts.chain_id, self.parts.oracle, aligned, chosen.width)

    async def looks(self, name: str) -> AsyncIterator[None]:
        """Yield whenever there was a look, or one failed, until the caller goes."""
        while True:
            self.watch(name)
            async with self._changed:
                await self._changed.wait()
            yield

    def kept(self, name: str, make: Any) -> str:
        """Return what `make` renders of the newest look, made once for all viewers."""
        key = (-1 if self.look is None else self.look.number, name, self.fault)
        if key not in self._rendered:
            self._rendered[key] = make()
        return self._rendered[key]


BOARD: web.AppKey[Board] = web.AppKey("board", Board)
