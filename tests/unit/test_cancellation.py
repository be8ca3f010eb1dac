"""A failure in a group of tasks is no cancellation of whoever goes on after it; a real one is never hidden."""

import asyncio

import pytest

from oracle.cancellation import apart, raise_if_cancelled


async def fail() -> None:
    raise ValueError("odd")


async def fail_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())


async def test_apart__when_a_group_failed_in_it__then_the_caller_is_not_cancelled() -> None:
    for _ in range(3):
        with pytest.raises(ExceptionGroup):
            await apart(fail_in_a_group())
        raise_if_cancelled()


async def test_apart__when_the_caller_is_cancelled_and_cleaning_up_raises__then_it_is_known() -> None:
    begun = asyncio.Event()

    async def hides() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError("while cleaning up")

    async def loop() -> None:
        while True:
            try:
                await apart(hides())
            except ValueError:
                raise_if_cancelled()

    task = asyncio.create_task(loop())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
