"""A borrower's side of private data: the features of a request, an opening or a proof for it, the model's keys."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urljoin

import aiohttp
from pydantic import BaseModel, ValidationError

from oracle.client.answers import Features, KeyFile, ModelKeys, SealingKey, Taken
from oracle.client.calls import TIMEOUT_SECONDS, TRIES, AnswerUnreadable, ApiRefused, Calls, checked

M = TypeVar("M", bound=BaseModel)

_PAUSE_SECONDS: Final = 1.0
_RANGE_TAKEN: Final = 206
_RANGE_BEYOND: Final = 416


class Borrower(Calls):
    """A client of one daemon for a borrower, who needs no key: what is sent proves itself by the commitment.

    Enter it. Each method raises ApiRefused, and AnswerUnreadable for an answer that lacks what it must have.
    """

    def __init__(self, url: str, *, tries: int = TRIES) -> None:
        super().__init__(url, {}, tries)

    async def sealing_key(self) -> SealingKey:
        """Return what an opening is sealed to."""
        return _read(SealingKey, await self._call("GET", "/passports/key"))

    async def features(self, request_id: int, *, seconds: float = 0.0) -> Features:
        """Return what the daemon collected for a request, waiting so long for a request that it did not read yet.

        After that, raises what the daemon said last: ApiRefused with 404 (not seen) or 409 (not read).
        """
        until = time.monotonic() + seconds
        while True:
            try:
                return _read(Features, await self._call("GET", f"/requests/{request_id}/features"))
            except ApiRefused as refused:
                pause = refused.retry_seconds or _PAUSE_SECONDS
                if not refused.is_not_yet or time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)

    async def open(self, request_id: int, sealed: bytes) -> Taken:
        """Hand over a sealed opening."""
        text = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")
        return _read(Taken, await self._call("POST", f"/passports/{request_id}/opening", {"sealed": text}))

    async def prove(self, request_id: int, proof: bytes, outputs: Sequence[int]) -> Taken:
        """Hand over a proof and its signed fixed-point outputs."""
        body = {"proof": f"0x{proof.hex()}", "outputs": [str(output) for output in outputs]}
        return _read(Taken, await self._call("POST", f"/passports/{request_id}/proof", body))

    async def model_keys(self, model_id: str) -> ModelKeys:
        """Return which files it takes to prove with a model, `model_id` in hex with 0x."""
        return _read(ModelKeys, await self._call("GET", f"/models/{model_id}/keys"))

    @asynccontextmanager
    async def download(self, file: KeyFile, start: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Give a file's bytes in parts, and where they begin: at `start`, or at 0 where the server sends all of it."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_SECONDS)
        url = urljoin(f"{self._url}/", file.url)
        async with self._open().get(url, headers=headers, timeout=timeout) as response:
            if response.status == _RANGE_BEYOND:
                raise ApiRefused(_RANGE_BEYOND, {"detail": f"{url} has no bytes from {start} on"}, None)
            await checked(response)
            begins = start if response.status == _RANGE_TAKEN else 0
            yield begins, response.content.iter_chunked(1 << 16)


def _read(kind: type[M], answer: Any) -> M:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        where = ", ".join(sorted({".".join(map(str, one["loc"])) or "all of it" for one in error.errors()}))
        raise AnswerUnreadable(f"the answer is not what this release reads: {where}") from None
