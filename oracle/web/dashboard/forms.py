"""What a browser sends: a form that is small, whole in time and plain, and cookies that are tokens."""

import asyncio
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from oracle.web.dashboard.faults import BadForm

LARGEST_BYTES: Final = 64 << 10
PATIENCE_SECONDS: Final = 10.0
_MOST_FIELDS: Final = 50
_MEDIA: Final = "application/x-www-form-urlencoded"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_FORM: web.RequestKey[dict[str, str]] = web.RequestKey("form", dict[str, str])


async def form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a posted form, of each name the first; raises BadForm for what no page of ours sends."""
    known = request.get(_FORM)
    if known is None:
        known = {}
        for name, value in _parsed(await _body(request)):
            known.setdefault(name, value)
        request[_FORM] = known
    return known


async def _body(request: web.Request) -> bytes:
    if request.content_type != _MEDIA:
        raise BadForm(415, f"the form came as another thing than {_MEDIA}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadForm(415, "the form came encoded")
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > LARGEST_BYTES:
                    raise BadForm(413, f"the form is larger than {LARGEST_BYTES} bytes")
    except TimeoutError:
        raise BadForm(408, f"the form was not here after {PATIENCE_SECONDS:g} s") from None
    except web.RequestPayloadError:
        raise BadForm(400, "the form is not what its headers say") from None
    return bytes(body)


def _parsed(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise BadForm(400, "the form cannot be read") from None


def token(text: str | None) -> str | None:
    """Return a cookie or a header that may be one of our tokens, None for any other."""
    return text if text is not None and _TOKEN.fullmatch(text) else None
