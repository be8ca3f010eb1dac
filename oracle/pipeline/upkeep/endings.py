"""How the jobs on the clock end: what a job raises is told in the daemon's own words, and its next turn tries again."""

import asyncio

import structlog
from apscheduler.events import JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from oracle.assessment.errors import TransientFault
from oracle.pipeline.health import Health
from oracle.store import database


def note_ending(health: Health, scheduler: AsyncIOScheduler, event: JobExecutionEvent) -> None:
    """Record a job's end: a fault of ours makes its part unwell until it ends well; what can pass is waited out."""
    job = scheduler.get_job(event.job_id)
    name = event.job_id if job is None else job.name
    error, part = event.exception, f"job {name}"
    log = structlog.get_logger("jobs").bind(job=name)
    if isinstance(error, asyncio.CancelledError):
        return  # the daemon stops
    if error is None:
        if part in health.parts and health.set(part, True):
            log.info("job_works_again")
    elif isinstance(error, database.LOST):
        health.database_lost(error)
    elif isinstance(error, TransientFault):
        log.warning("job_failed", error=str(error))
    else:
        health.set(part, False, f"{type(error).__name__}: {error}; its next turn tries again")
        log.error("job_failed", error=str(error), exc_info=error)
