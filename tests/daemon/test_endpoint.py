"""An endpoint that is away is waited for: the daemon says so, is not ready meanwhile, and goes on by itself."""

import asyncio
import time

import aiohttp
import pytest

from oracle.assessment.states import State
from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.stack import Stack
from tests.daemon.conftest import changed
from tests.daemon.watching import ask, until_state

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Wire:
    """A TCP relay in front of the chain that can be cut."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def connect(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in list(self._open):
            writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._open |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(there, writer), return_exceptions=True)
        self._open -= {writer, back}


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


async def readiness(stack: Stack) -> tuple[int, str]:
    url = f"http://127.0.0.1:{stack.settings.web.port}/readyz"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            answer = await response.json()
            return response.status, str(answer["parts"]["chain"]["text"])
    except aiohttp.ClientConnectionError:
        return 0, ""


async def until_status(stack: Stack, status: int, seconds: float = 120) -> str:
    deadline = time.monotonic() + seconds
    while (found := await readiness(stack))[0] != status:
        assert time.monotonic() < deadline, f"still {found}: {stack.daemons[-1].tail()}"
        await asyncio.sleep(0.1)
    return found[1]


async def test_daemon__while_its_endpoint_is_away__waits_is_not_ready_and_loses_nothing(stack: Stack) -> None:
    wire = Wire(int(stack.chain.rpc_url.rsplit(":", 1)[1]))
    original = stack.settings_file
    text = changed(original, "rpc_url", f'"http://127.0.0.1:{wire.port}/?key=secret-api-key"')
    stack.settings_file = original.with_name("wired.toml")
    stack.settings_file.write_text(text.replace(stack.chain.ws_url, f"ws://127.0.0.1:{wire.port}"))
    try:
        daemon = await stack.start_daemon("wired", wait=False)
        said = await until_status(stack, 503)
        assert said, "the page says why"
        await wire.connect()
        await until_status(stack, 200)
        first = await ask(stack, "before the cut")
        await until_state(stack, first.request_id, State.FINAL)

        await wire.cut()
        said = await until_status(stack, 503)
        assert "does not answer" in said
        second = await ask(stack, "during the cut")
        assert daemon.running
        await wire.connect()
        await until_status(stack, 200)
        await until_state(stack, second.request_id, State.FINAL)
        log = daemon.tail(10_000)
        assert "endpoint_lost" in log
        assert "endpoint_reached" in log
        assert "secret-api-key" not in log, "an endpoint's key reached the log"
    finally:
        stack.stop_daemons()
        await wire.cut()
        stack.settings_file = original
