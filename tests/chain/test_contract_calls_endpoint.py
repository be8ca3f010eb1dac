"""The endpoint's faults: away, refusing, talking nonsense. Each is a fault that can pass, and none tells the URL."""

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from oracle.assessment.errors import TransientFault
from oracle.assessment.request import Address
from oracle.chain import rpc
from oracle.chain.contracts import OracleContract
from oracle.chain.rpc import EndpointUnreachable, block_ref, check_chain_id
from oracle.chain.transactions import TransactionClient
from oracle.chain.wakeup import wake_on_logs
from oracle.devnet.machinery.anvil import Anvil
from tests.support.oracle_on_chain import oracle_on

SECRET = "5ec2e75ec2e7"
ORACLE = Address("0x" + "ab" * 20)


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_endpoint__when_nothing_listens__then_unreachable_without_the_url() -> None:
    port = closed_port()
    w3 = rpc.connect(f"http://127.0.0.1:{port}/{SECRET}", 2.0)
    client, contract = TransactionClient(w3), OracleContract(w3, ORACLE, 1)
    calls: list[Awaitable[object]] = [
        check_chain_id(w3, 1),
        block_ref(w3, "latest"),
        client.receipt("0x" + "00" * 32),
        client.broadcast(b"\x02"),
        client.balance_wei(ORACLE),
        contract.signers(),
        contract.gas_of(ORACLE, b""),
    ]
    for call in asyncio.as_completed(calls):
        with pytest.raises(EndpointUnreachable, match=r"the RPC endpoint 127\.0\.0\.1 does not answer") as refused:
            await call
        assert SECRET not in str(refused.value)
        assert str(port) not in str(refused.value)
    await w3.provider.disconnect()


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _text(status: int, text: str, kind: str = "application/json") -> web.Response:
    return web.Response(status=status, text=text, content_type=kind)


async def _silent(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    raise AssertionError("nobody waits this long")


async def _hung_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


FAULTS: dict[str, Answer] = {
    "a web page": lambda _: _text(200, "<html>Welcome</html>", "text/html"),
    "an empty body": lambda _: _text(200, ""),
    "half a JSON": lambda _: _text(200, '{"jsonrpc": "2.0", "id": 1, "resu'),
    "a JSON list": lambda _: _text(200, "[]"),
    "a JSON text": lambda _: _text(200, '"hello"'),
    "neither result nor error": lambda _: _text(200, '{"jsonrpc": "2.0", "id": 1}'),
    "an error without code": lambda _: _text(200, '{"jsonrpc": "2.0", "id": 1, "error": {"message": "x"}}'),
    "an error that is a text": lambda _: _text(200, '{"jsonrpc": "2.0", "id": 1, "error": "too many"}'),
    "rate limit": lambda _: _text(429, "slow down"),
    "a forbidden key": lambda _: _text(401, "no"),
    "a broken gateway": lambda _: _text(502, "bad gateway"),
    "silence": _silent,
    "hang up": _hung_up,
}


@pytest.fixture(params=sorted(FAULTS))
async def bad_url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/{key}", FAULTS[request.param])
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    await runner.cleanup()


async def test_endpoint__when_it_talks_nonsense__then_unreachable_and_the_text_holds_no_url(bad_url: str) -> None:
    w3 = rpc.connect(bad_url, 0.2)
    for call in (block_ref(w3, "latest"), check_chain_id(w3, 1)):
        with pytest.raises(TransientFault) as refused:
            await call
        assert isinstance(refused.value, EndpointUnreachable)
        assert SECRET not in str(refused.value)
        assert "".join(traceback.format_exception(refused.value))  # the log cuts URLs out of traces
    await w3.provider.disconnect()


async def test_wakeup__when_a_request_is_logged__then_woken_and_once_at_the_start(chain: Anvil) -> None:
    async with oracle_on(chain) as oracle:
        woken = asyncio.Event()
        task = asyncio.create_task(wake_on_logs(chain.ws_url, oracle.contract.requested_filter(), woken))
        async with asyncio.timeout(60):
            await woken.wait()
            woken.clear()
            await chain.mine()
            await asyncio.sleep(0.2)
            assert not woken.is_set(), "an empty block is no reason to look"
            await oracle.ask()
            await woken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_wakeup__when_the_endpoint_is_away__then_it_keeps_trying_and_never_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from oracle.chain import wakeup

    monkeypatch.setattr(wakeup, "_RECONNECT_SECONDS", 0.05)
    woken = asyncio.Event()
    port = closed_port()
    task = asyncio.create_task(wake_on_logs(f"ws://127.0.0.1:{port}", {"address": "0x" + "00" * 20}, woken))
    await asyncio.sleep(0.3)
    assert not task.done()
    async with Anvil(port=port):
        async with asyncio.timeout(60):
            await woken.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
