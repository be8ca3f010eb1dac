"""One reader of the audit log for all who listen: it never leaves a change out, and never waits for the slow."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from oracle.assessment.request import Address
from oracle.store import event_log
from oracle.store.event_log import Change, Order

LONGEST_QUEUE: Final = 256
_PAGE: Final = 500

Session = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Gives a session in a transaction."""


@dataclass(eq=False)
class Listener:
    """Who listens: `changes` come by its queue; None ends it, as does falling too far behind."""

    queue: asyncio.Queue[Change | None] = field(default_factory=lambda: asyncio.Queue(LONGEST_QUEUE))
    ended: bool = False

    def tell(self, change: Change) -> None:
        """Hand over a change; who does not keep up is ended, and comes back where it was."""
        if self.ended:
            return
        if self.queue.full():
            self.end()
        else:
            self.queue.put_nowait(change)

    def end(self) -> None:
        """Let the listener end."""
        self.ended = True
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Feed:
    """The shared reader; `position` is the id up to which every change was told, None before its first look."""

    def __init__(self, session: Session, chain_id: int, oracle: Address) -> None:
        self._session = session
        self._chain_id = chain_id
        self._oracle = oracle
        self._order = Order()
        self._listeners: set[Listener] = set()
        self._closed = False
        self.position: int | None = None

    def __len__(self) -> int:
        return len(self._listeners)

    def listen(self) -> Listener:
        """Return a listener that hears what comes after the present position; give it back to `leave`."""
        listener = Listener()
        self._listeners.add(listener)
        if self._closed:
            listener.end()
        return listener

    def leave(self, listener: Listener) -> None:
        """End a listener."""
        self._listeners.discard(listener)

    async def look(self) -> bool:
        """Tell what came since the last look; return whether more is known to wait."""
        async with self._session() as session:
            if self.position is None:
                self.position = await event_log.newest(session)
            found = await event_log.look(session, self._chain_id, self._oracle, self.position, _PAGE)
        settled = self._order.settled(self.position, found)
        for change in found.changes:
            if change.id <= settled:
                for listener in self._listeners:
                    listener.tell(change)
        self.position = settled
        return bool(found.ids) and len(found.ids) == _PAGE and settled == found.ids[-1]

    async def page(self, session: AsyncSession, after: int, until: int) -> tuple[tuple[Change, ...], int]:
        """Return what was told before, a page at a time, and where the next one begins."""
        return await event_log.between(session, self._chain_id, self._oracle, after, until, _PAGE)

    def close(self) -> None:
        """End all listeners, and those that still come."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
