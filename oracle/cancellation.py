"""Cancellation that an error can hide: cleaning up after it may raise, and what was raised may then be waited out."""

import asyncio


def raise_if_cancelled() -> None:
    """Raise CancelledError in a task that was told to end; to be called by loops that catch errors and go on."""
    task = asyncio.current_task()
    if task is not None and task.cancelling() > 0:
        raise asyncio.CancelledError
