"""Several reads at once: all of them, or the first one's error."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any, Final, Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# Twice as many as a reader asks the node for at once.
_AT_ONCE: Final = 64


async def all_of(reads: Iterable[Coroutine[Any, Any, Value]]) -> list[Value]:
    """Return the results in order; when one fails the others are cancelled and its own error is raised.

    A few are under way at a time: each takes kilobytes while it waits, and there may be one for each event of a life.
    """
    waiting = enumerate(reads)
    results: dict[int, Value] = {}

    async def work_from(place: int, read: Coroutine[Any, Any, Value]) -> None:
        results[place] = await read
        for later, following in waiting:
            results[later] = await following

    try:
        async with asyncio.TaskGroup() as group:
            for place, read in islice(waiting, _AT_ONCE):
                group.create_task(work_from(place, read))
    except BaseExceptionGroup as failures:
        # Callers match on the domain's errors, which a group would hide.
        raise first_error(failures) from None
    finally:
        for _, read in waiting:  # those that were not begun, after a failure
            read.close()
    return [results[place] for place in range(len(results))]


async def both(first: Coroutine[Any, Any, Key], second: Coroutine[Any, Any, Value]) -> tuple[Key, Value]:
    """Return what two reads give, made at once; raises as `all_of` does."""
    reads: list[Coroutine[Any, Any, Any]] = [first, second]
    one, other = await all_of(reads)
    return one, other


class Memo(Generic[Key, Value]):
    """Values that are read once each, also when several readers want one at the same time."""

    def __init__(self, read: Callable[[Key], Coroutine[Any, Any, Value]]) -> None:
        self._read = read
        self._values: dict[Key, Value] = {}
        self._reads: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """Return the value of a key; an error of its read is raised to every reader."""
        if key in self._values:
            return self._values[key]
        if key not in self._reads:
            self._reads[key] = asyncio.create_task(self._read(key))
        value = self._values[key] = await self._reads[key]
        # A task that is done takes several times what its value does.
        self._reads.pop(key, None)
        return value


def first_error(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first single error of a group."""
    first = failures.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
