"""Keys that were looked up a moment ago: a partner's calls come many at a time, and one look is enough for them."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.store import api_keys

REMEMBERED_SECONDS: Final = 1.0
"""For how long a key that ended may still be taken by this daemon."""

_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is known of a key that may be used."""

    id: str
    scopes: frozenset[str]
    requests_per_minute: int | None


class Keyring:
    """Looks keys up, once for all calls of a moment; refusals are never remembered."""

    def __init__(
        self,
        session: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._clock = clock
        self._known: dict[bytes, tuple[float, Admitted]] = {}
        self._looking: dict[bytes, asyncio.Task[Admitted]] = {}

    async def admit(self, key: str) -> Admitted:
        """Return what is known of a key; raises KeyRefused for one that may not be used."""
        # Not by the key itself, which would stand in the memory of this process for longer than its call.
        digest = hashlib.sha256(key.encode()).digest()
        until, known = self._known.get(digest, (0.0, None))
        if known is not None and until > self._clock():
            return known
        looking = self._looking.get(digest)
        if looking is None:
            looking = self._looking[digest] = asyncio.create_task(self._look(key))
            looking.add_done_callback(lambda task: self._done(digest, task))
        return await asyncio.shield(looking)

    async def _look(self, key: str) -> Admitted:
        async with self._session() as session:
            row = await api_keys.admit(session, key)
            await api_keys.note_use(session, row.id)
        return Admitted(row.id, frozenset(row.scopes), row.requests_per_minute)

    def _done(self, digest: bytes, task: "asyncio.Task[Admitted]") -> None:
        del self._looking[digest]
        self._known.pop(digest, None)
        if task.cancelled() or task.exception() is not None:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (self._clock() + REMEMBERED_SECONDS, task.result())
