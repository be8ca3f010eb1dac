"""Several checks at once, so that one start tells everything that is wrong, and not one thing a run."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar, overload

from oracle.assessment.errors import ConfigurationFault

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

# What others still find out after the first refusal is told too; a check that waits for an endpoint may wait for ever.
_OTHERS_SECONDS: Final = 10.0

Check = Coroutine[Any, Any, A]


@overload
async def together(first: Check[A], second: Check[B], /, *, others_seconds: float = ...) -> tuple[A, B]: ...


@overload
async def together(
    first: Check[A], second: Check[B], third: Check[C], /, *, others_seconds: float = ...
) -> tuple[A, B, C]: ...


async def together(*checks: Check[Any], others_seconds: float = _OTHERS_SECONDS) -> tuple[Any, ...]:
    """Return what all checks give.

    Raises ConfigurationFault with every refusal, a line each, those included that come within `others_seconds` of the
    first; any other fault goes before them, as it is.
    """
    tasks = [asyncio.ensure_future(check) for check in checks]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        await asyncio.wait(tasks, timeout=others_seconds)
    finally:
        unfinished = [task for task in tasks if not task.done()]
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
    faults = [fault for task in tasks if not task.cancelled() and (fault := task.exception()) is not None]
    for fault in faults:
        if not isinstance(fault, ConfigurationFault):
            raise fault
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ConfigurationFault("\n".join(dict.fromkeys(map(str, faults))))
    return tuple(task.result() for task in tasks)
