"""Parts that run for as long as the daemon: what breaks out of one is told, and the part starts again after a pause."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from oracle.assessment.errors import TransientFault
from oracle.cancellation import apart, raise_if_cancelled
from oracle.pipeline.health import Health

_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 60.0
# Broken no more when it lasted for so long.
_STEADY_SECONDS: Final = 5.0

Run = Callable[[], Awaitable[None]]
"""A part's own loop, which never returns."""


async def supervise(health: Health, part: str, run: Run) -> None:
    """Run a part until cancelled, whatever it raises; it is unwell from its fall until it has run for a while.

    A fault that can pass is a line; anything else is a fault of ours, with its trace.
    """
    log = structlog.get_logger("supervision").bind(part=part)
    pause = _FIRST_PAUSE_SECONDS

    def steady() -> None:
        nonlocal pause
        pause = _FIRST_PAUSE_SECONDS
        if part in health.parts and health.set(part, True):
            log.info("part_works_again")

    while True:
        lasting = asyncio.get_running_loop().call_later(_STEADY_SECONDS, steady)
        try:
            await apart(run())
            raise RuntimeError("it ended by itself")
        except Exception as error:  # the part's boundary: one that falls must not take the others with it
            raise_if_cancelled()
            said = f"{type(error).__name__}: {error}"
            health.set(part, False, f"{said}; starting again in {pause:g} s")
            if isinstance(error, TransientFault):
                log.warning("part_fell", error=said, retry_seconds=pause)
            else:
                log.error("part_fell", error=said, retry_seconds=pause, exc_info=True)
        finally:
            lasting.cancel()
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
