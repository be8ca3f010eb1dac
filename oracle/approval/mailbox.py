"""A party's end of the wire: it sends, waits for what the others send, and believes no head that it did not check.

Heads come first, and bind the parts; a message's parts are fetched when they are needed, and let go of after.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Annotated, Final, TypeVar

import aiohttp
from pydantic import BaseModel, Field, ValidationError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from oracle.approval.errors import Refused, Silent
from oracle.approval.identity import Identity, PublicIdentity
from oracle.approval.messages import MOST_BYTES, Head, Kind, Message, Sender, compose, read, read_opening
from oracle.approval.transcript import SERVER, Transcript

T = TypeVar("T")

_WAIT_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 3.0


_MOST_LIST_BYTES: Final = 32 << 20
_MOST_WHY_BYTES: Final = 1 << 16
_PIECE_BYTES: Final = 1 << 16


class _Entry(BaseModel):
    opening: str

    def raw(self) -> bytes:
        try:
            return base64.b64decode(self.opening, validate=True)
        except ValueError as error:
            raise Refused(SERVER, "list", "it lists what is no message") from error


class _Listed(BaseModel):
    messages: list[_Entry]
    total: Annotated[int, Field(ge=0)]


class _Why(BaseModel):
    party: str
    kind: str
    why: str


class _Away(Exception):
    """The server did not answer, or not now."""


class Mailbox:
    """What a party sends to the server and gets from it. `patience_seconds` is for one message, or for the server."""

    def __init__(
        self,
        name: Sender,
        transcript: Transcript,
        roster: Mapping[str, PublicIdentity],
        identity: Identity,
        server: str,
        patience_seconds: float,
    ) -> None:
        self._name = name
        self._transcript = transcript
        self._roster = roster
        self._identity = identity
        self._url = f"{server}/v1/messages"
        self._server = server
        self._headers = {"Authorization": f"Bearer {identity.token(roster[SERVER], transcript.session)}"}
        self._patience = patience_seconds
        self._seen = 0
        self._sent: dict[str, Message] = {}

    async def catch_up(self, http: aiohttp.ClientSession, wait: float = 0.0) -> None:
        """Take up the heads of all messages since, waiting up to `wait` seconds for one; raises Refused, Silent."""
        while True:
            told = await self._asked(partial(self._list, http, wait))
            if told.total < self._seen:
                raise Refused(
                    SERVER, "list", f"it has {told.total} messages and showed {self._seen} before: it lost its folder"
                )
            for entry in told.messages:
                message = read_opening(entry.raw(), self._roster, SERVER)
                self._transcript.accept(self._sent.pop(message.digest, message))
                self._seen += 1
            if self._seen >= told.total:
                return
            if not told.messages:
                raise Refused(SERVER, "list", f"it says that it has {told.total} messages, and shows {self._seen}")
            wait = 0.0

    async def send(
        self,
        http: aiohttp.ClientSession,
        number: int,
        kind: Kind,
        *,
        parts: Mapping[str, bytes] | None = None,
        about: str | None = None,
        said: str = "",
    ) -> None:
        """Send a message. One that was accepted before, sent by this party just before it was ended, stands for it."""
        transcript = self._transcript
        about = transcript.basis(number, kind, self._name) if about is None else about
        head = Head(
            session=transcript.session, application=number, kind=kind, party=self._name, model=transcript.model,
            about=about, said=said,
        )  # fmt: skip
        message = compose(self._identity, head, parts)
        self._sent = {message.digest: message}
        try:
            await self._asked(partial(self._post, http, message))
        except Refused:
            await self.catch_up(http)
            self._sent.clear()
            if transcript.get(number, kind, self._name) is None:
                raise

    async def until(
        self, http: aiohttp.ClientSession, number: int, kind: Kind, party: str, *, whole: bool = True
    ) -> Message:
        """Return a message, `whole` or its head at least, once it is there; raises Silent when it does not come."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while (found := self._transcript.get(number, kind, party)) is None:
            if (end := self._transcript.ended(number)) is not None:
                raise Refused(end.head.party, "abort", end.head.said)
            left = deadline - loop.time()
            if left <= 0:
                raise Silent(
                    f"{party} has not sent its {kind} message in {self._patience:g} s; nothing is lost and the session "
                    "stays open: try again when it is there"
                )
            await self.catch_up(http, min(left, _WAIT_SECONDS))
        if whole and not found.whole:
            found = await self._asked(partial(self._fetch, http, found))
            self._transcript.hold(found)
        return found

    async def _list(self, http: aiohttp.ClientSession, wait: float) -> "_Listed":
        params = {"after": str(self._seen), "wait": f"{wait:.1f}"}
        async with http.get(self._url, params=params, headers=self._headers) as answer:
            await _judge(answer)
            raw = await _body(answer, _MOST_LIST_BYTES)
        try:
            return _Listed.model_validate_json(raw)
        except ValidationError as error:
            raise Refused(SERVER, "list", f"{self._url} lists no messages: is it the server of an approval?") from error

    async def _post(self, http: aiohttp.ClientSession, message: Message) -> None:
        async with http.post(self._url, data=message.raw, headers=self._headers) as answer:
            await _judge(answer)

    async def _fetch(self, http: aiohttp.ClientSession, wanted: Message) -> Message:
        async with http.get(f"{self._url}/{wanted.digest}", headers=self._headers) as answer:
            await _judge(answer)
            raw = await _body(answer, MOST_BYTES)
        party, kind = wanted.head.party, wanted.head.kind
        try:
            found = await asyncio.to_thread(read, raw, self._roster, SERVER)
        except Refused as refusal:
            raise Refused(SERVER, kind, f"what it hands out as {party}'s is not: {refusal.why}") from refusal
        if found.digest != wanted.digest:
            raise Refused(SERVER, kind, f"it hands out another message than {party}'s")
        return found

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((_Away, aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError)),
            stop=stop_after_delay(self._patience),
            wait=wait_exponential(multiplier=0.1, max=_LONGEST_PAUSE_SECONDS),
            reraise=True,
        )
        try:
            return await retrying(ask)
        except (_Away, aiohttp.ClientError, OSError) as error:
            raise Silent(
                f"the server at {self._server} has not answered in {self._patience:g} s; nothing is lost: try again "
                f"when it is there ({str(error) or type(error).__name__})"
            ) from error


async def _body(answer: aiohttp.ClientResponse, most: int, *, cut: bool = False) -> bytes:
    """Return an answer's bytes, up to `most`; raises Refused for more, unless it is `cut` there."""
    found = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE_BYTES):
        found += piece
        if len(found) > most:
            if cut:
                break
            raise Refused(SERVER, "answer", f"it has more than {most} bytes: no answer of this protocol is so long")
    return bytes(found)


async def _judge(answer: aiohttp.ClientResponse) -> None:
    if answer.status < 400:
        return
    if answer.status == 409:
        try:
            told = _Why.model_validate_json(await _body(answer, _MOST_WHY_BYTES))
        except ValidationError as error:
            raise Refused(SERVER, "answer", "it refuses a message and does not say why") from error
        raise Refused(told.party, told.kind, told.why)
    text = (await _body(answer, _MOST_WHY_BYTES, cut=True)).decode(errors="replace")[:200].strip()
    if answer.status >= 500:
        raise _Away(f"{answer.status}: {text}")
    raise Refused(SERVER, "answer", f"{answer.status}: {text}")
