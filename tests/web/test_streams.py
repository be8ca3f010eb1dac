"""An outlet of events whose client left: nothing of it is a fault."""

import contextlib
from typing import Any

import pytest
from aiohttp import ClientConnectionResetError, ClientError, ClientSession, web
from aiohttp.test_utils import TestServer

from oracle.web.streams import Outlet


async def test_outlet__whose_client_left_before_it_began__ends_in_silence(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def left(*_: Any) -> None:
        raise ClientConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(web.StreamResponse, "prepare", left)
    ended = []

    async def stream(request: web.Request) -> web.StreamResponse:
        outlet = Outlet(request, 1.0)
        with contextlib.suppress(ConnectionError):
            await outlet.begin()
        await outlet.end()
        ended.append(outlet)
        return outlet.response

    app = web.Application()
    app.router.add_get("/", stream)
    async with TestServer(app) as server, ClientSession() as client:
        with pytest.raises(ClientError):
            await client.get(server.make_url("/"))
    assert ended, "the handler came to its end"
    assert "Error handling request" not in caplog.text
