"""Cancellation that an error can hide: cleaning up after it may raise, and what was raised may then be waited out."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def apart(work: Awaitable[T]) -> T:
    """Do a piece of work in a task of its own, which is cancelled with its caller's.

    Up to Python 3.12 a TaskGroup whose child fails leaves its task counted as cancelled: the caller, who goes on after
    the failure, would take that for its own end.
    """

    async def run() -> T:
        return await work

    return await asyncio.create_task(run())


def raise_if_cancelled() -> None:
    """Raise CancelledError in a task that was told to end; to be called by loops that catch errors and go on.

    What such a loop tries it does `apart`.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling() > 0:
        raise asyncio.CancelledError
