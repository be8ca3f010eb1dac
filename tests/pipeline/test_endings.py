"""Jobs on the clock: however one ends, the daemon says it in its own words and the next turn tries again."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from structlog.testing import capture_logs
from structlog.typing import EventDict

from oracle.assessment.errors import TransientFault
from oracle.pipeline.health import Health
from oracle.pipeline.upkeep.endings import note_ending
from oracle.store.database import DatabaseUnreachable

Job = Callable[[], Awaitable[None]]


async def turns(health: Health, job: Job, ended: asyncio.Event) -> list[EventDict]:
    """Let a job have its turns until it says that it is done; return what was logged."""
    scheduler = AsyncIOScheduler()
    scheduler.add_listener(partial(note_ending, health, scheduler), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    with capture_logs() as said:
        scheduler.add_job(job, "interval", seconds=0.01, next_run_time=datetime.now(UTC), name="watch")
        scheduler.start()
        await ended.wait()
        scheduler.shutdown(wait=False)
    return said


@pytest.mark.parametrize(
    ("fault", "event", "level", "ill"),
    [
        (ValueError("odd"), "job_failed", "error", "job watch"),
        (TransientFault("away"), "job_failed", "warning", None),
        (DatabaseUnreachable("no answer"), "database_lost", "warning", "database"),
    ],
)
async def test_job__that_raises__is_told_and_has_its_next_turn(
    fault: Exception, event: str, level: str, ill: str | None
) -> None:
    health, ended, seen = Health(), asyncio.Event(), []

    async def job() -> None:
        seen.append({name for name, part in health.parts.items() if not part.ok})
        if len(seen) == 1:
            raise fault
        if len(seen) == 3:
            ended.set()

    said = await turns(health, job, ended)
    assert (said[0]["event"], said[0]["log_level"]) == (event, level)
    assert ("exc_info" in said[0]) == isinstance(fault, ValueError)
    assert seen[1] == ({ill} if ill else set())
    if ill == "job watch":
        assert health.parts[ill].ok, "it ended well at its next turn"
        assert said[-1]["event"] == "job_works_again"
