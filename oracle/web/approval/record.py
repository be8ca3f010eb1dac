"""What the server accepted, with the moment and the size of each message: what the page shows is taken from here."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from oracle.approval.fields import PARTIES
from oracle.approval.local_lane import LocalLane
from oracle.approval.messages import Kind, Message
from oracle.approval.transcript import SERVER

_WAIT_SECONDS: Final = 25
_SHOWN_BYTES: Final = 8


@dataclass(frozen=True)
class Piece:
    """A part of a message: its name and size, and its bytes in hexadecimal with their middle left out."""

    name: str
    size: int
    sha256: str
    shown: str


@dataclass(frozen=True)
class Seen:
    """An accepted message: who sent what when (seconds since 1970), its bytes, and what it says and rests on."""

    application: int
    kind: Kind
    party: str
    at: float
    size: int
    digest: str
    about: str | None
    said: str
    pieces: tuple[Piece, ...]


class Changes:
    """Says that something changed, to all who wait for it."""

    def __init__(self) -> None:
        self.version = 0
        self._next = asyncio.Event()

    def tell(self) -> None:
        """Wake all who wait."""
        self.version += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, version: int) -> int:
        """Return the newest version once it is another than `version`."""
        while self.version == version:
            await self._next.wait()
        return self.version


@dataclass
class Record:
    """The accepted messages in the order of their coming."""

    changes: Changes
    seen: list[Seen] = field(default_factory=list)

    def find(self, application: int, kind: Kind, party: str) -> Seen | None:
        """Return a message, None where it has not come."""
        wanted = (application, kind, party)
        return next((one for one in self.seen if (one.application, one.kind, one.party) == wanted), None)

    def of(self, application: int, *kinds: Kind) -> list[Seen]:
        """Return an application's messages of these kinds, in the order of their coming."""
        return [one for one in self.seen if one.application == application and one.kind in kinds]

    async def watch(self, lane: LocalLane, http: aiohttp.ClientSession) -> None:
        """Look on until cancelled: by the server's own door, with a party's token for it."""
        url = f"{lane.url}/v1/messages"
        token = lane.identities[PARTIES[0]].token(lane.roster[SERVER], lane.session)
        while True:
            messages = lane.board.transcript.messages
            if len(messages) > len(self.seen):
                now = time.time()
                self.seen += [_seen(message, now) for message in messages[len(self.seen) :]]
                self.changes.tell()
                continue
            asked = {"after": str(len(self.seen)), "wait": str(_WAIT_SECONDS)}
            async with http.get(url, params=asked, headers={"Authorization": f"Bearer {token}"}) as answer:
                answer.raise_for_status()
                await answer.read()


def shortened(raw: bytes) -> str:
    """Return bytes in hexadecimal, of many the first and the last few."""
    if len(raw) <= 2 * _SHOWN_BYTES:
        return raw.hex(" ", 2)
    return f"{raw[:_SHOWN_BYTES].hex(' ', 2)} … {raw[-_SHOWN_BYTES // 2 :].hex(' ', 2)}"


def _seen(message: Message, at: float) -> Seen:
    head = message.head
    pieces = tuple(Piece(part.name, part.size, part.sha256, shortened(message.parts[part.name])) for part in head.parts)
    return Seen(
        application=head.application,
        kind=head.kind,
        party=head.party,
        at=at,
        size=len(message.raw),
        digest=message.digest,
        about=head.about,
        said=head.said,
        pieces=pieces,
    )
