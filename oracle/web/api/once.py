"""Calls that are made again: the same Idempotency-Key and body get the same answer and do nothing twice."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from aiohttp import web

from oracle.store import kept_answers
from oracle.store.kept_answers import InProgress, Kept, OtherBody
from oracle.web.api.calls import Call, headers_of
from oracle.web.api.problems import Kind, Problem, wrong
from oracle.web.api.service import Api

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_FIELD: Final = f"header.{IDEMPOTENCY_KEY}"
_SHAPE: Final = re.compile(r"[\x21-\x7e]{1,255}")
_AGAIN_SECONDS: Final = 1.0
_FIRST_SERVER_FAULT: Final = 500


async def answer_once(
    api: Api, call: Call, once: str, raw: bytes, work: Callable[[], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Return the answer that this call was given already, or do the work and keep its answer for a day.

    Refusals are kept like answers; a fault of the server is not, nor is one that passes: that call may be made again.
    """
    if not _SHAPE.fullmatch(once):
        raise wrong(_FIELD, "expected 1 to 255 visible ASCII characters")
    digest = hashlib.sha256(f"{call.request.method} {call.request.rel_url.raw_path_qs}\n".encode() + raw).digest()
    patience = timedelta(seconds=api.settings.time_limit_seconds * 2)
    async with api.session() as session:
        try:
            kept = await kept_answers.begin(session, call.key, once, digest, patience)
        except OtherBody as refused:
            raise wrong(_FIELD, str(refused)) from None
        except InProgress as refused:
            raise Problem(Kind.CONFLICT, str(refused), retry_seconds=_AGAIN_SECONDS) from None
    if kept is not None:
        headers = headers_of({"Idempotency-Replayed": "true", "Content-Type": kept.content_type})
        return web.Response(status=kept.status, body=kept.body, headers=headers)
    answered = False
    try:
        response = await _answer(call, work)
        if response.status < _FIRST_SERVER_FAULT and "Retry-After" not in response.headers:
            kept = Kept(response.status, response.headers["Content-Type"], _bytes(response))
            async with api.session() as session:
                await kept_answers.keep(session, call.key, once, kept)
            answered = True
        return response
    finally:
        if not answered:
            async with api.session() as session:
                await kept_answers.forget(session, call.key, once)


async def _answer(call: Call, work: Callable[[], Awaitable[web.StreamResponse]]) -> web.Response:
    try:
        response = await work()
    except Problem as problem:
        response = problem.response(call.id)
    if not isinstance(response, web.Response):
        raise TypeError(f"an answer that is kept is a whole one, not {type(response).__name__}")
    return response


def _bytes(response: web.Response) -> bytes:
    if not isinstance(response.body, bytes):
        raise TypeError(f"an answer that is kept has bytes, not {type(response.body).__name__}")
    return response.body
