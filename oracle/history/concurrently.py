"""Several reads at once: all of them, or the first one's error."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


async def all_of(reads: Iterable[Coroutine[Any, Any, Value]]) -> list[Value]:
    """Return the results in order; when one fails the others are cancelled and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read) for read in reads]
    except BaseExceptionGroup as failures:
        # Callers match on the domain's errors, which a group would hide.
        raise first_error(failures) from None
    return [task.result() for task in tasks]


class Memo(Generic[Key, Value]):
    """Values that are read once each, also when several readers want one at the same time."""

    def __init__(self, read: Callable[[Key], Coroutine[Any, Any, Value]]) -> None:
        self._read = read
        self._tasks: dict[Key, asyncio.Task[Value]] = {}

    def get(self, key: Key) -> Awaitable[Value]:
        """Return the value of a key; an error of its read is raised to every reader."""
        if key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._read(key))
        return self._tasks[key]


def first_error(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first single error of a group."""
    first = failures.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
