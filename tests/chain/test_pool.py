"""Several endpoints as one: the next one answers when one is away, behind, pruned, or of another chain."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientTimeout
from prometheus_client import REGISTRY
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, TransientFault
from oracle.chain import rpc
from oracle.chain.pool import EndpointsDisagree, PoolProvider, agreement
from oracle.chain.rpc import EndpointUnreachable, block_ref, check_chain_id
from oracle.devnet.machinery.anvil import Anvil
from oracle.pipeline.upkeep.endpoints import publish
from tests.support.faulty_node import FaultyNode, Tamper, honest, refuse

Client = AsyncWeb3[AsyncHTTPProvider]

SILENCE = 300.0


@asynccontextmanager
async def pool(*urls: str, timeout_seconds: float = 60.0, **options: Any) -> AsyncIterator[tuple[Client, PoolProvider]]:
    w3 = rpc.connect(urls, timeout_seconds, **options)
    assert isinstance(w3.provider, PoolProvider)
    try:
        yield w3, w3.provider
    finally:
        await w3.provider.disconnect()


def nowhere() -> str:
    # A port that nobody is given: whatever starts meanwhile, nothing listens there.
    return "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "fault",
    [500, 429, 403, SILENCE, refuse(-32005, "daily request count exceeded, request rate limited"), {"neither": 1}],
    ids=["broken", "too many", "forbidden", "silent", "rate limit in words", "nonsense"],
)
async def test_request__when_the_first_fails__then_the_second_answers(chain: Anvil, fault: Any) -> None:
    async with FaultyNode(chain.rpc_url, lambda *_: fault) as bad, FaultyNode(chain.rpc_url, honest) as good:
        async with pool(bad.url, good.url) as (w3, provider):
            if fault == SILENCE:
                # The first one's alone: the second may be as slow as it likes.
                provider.endpoints[0].provider._request_kwargs["timeout"] = ClientTimeout(total=0.3)
            assert await w3.eth.chain_id == chain.chain_id
        assert (bad.calls["eth_chainId"], good.calls["eth_chainId"]) == (1, 1)


async def test_request__when_nothing_listens_at_the_first__then_the_second_answers(chain: Anvil) -> None:
    async with pool(nowhere(), chain.rpc_url) as (w3, _):
        assert await w3.eth.chain_id == chain.chain_id


async def test_request__when_all_are_away__then_unreachable(chain: Anvil) -> None:
    async with pool(nowhere(), nowhere()) as (w3, _):
        with pytest.raises(EndpointUnreachable):
            await block_ref(w3, "latest")


@pytest.mark.parametrize(
    "answer",
    [
        refuse(-32000, "missing trie node 1234 (path )"),
        refuse(-32000, "header not found"),
        refuse(-32602, "block range extends beyond current head block"),
        refuse(-32601, "the method eth_getBalance does not exist"),
    ],
    ids=["pruned", "unknown header", "behind", "unknown method"],
)
async def test_request__when_the_first_does_not_have_it__then_the_second_is_asked_and_the_first_is_not_at_fault(
    chain: Anvil, answer: Any
) -> None:
    account = "0x" + "11" * 20
    await chain.set_balance(account, 7)

    def lacking(method: str, _: Any, true: dict[str, Any]) -> Any:
        return answer if method == "eth_getBalance" else true

    async with FaultyNode(chain.rpc_url, lacking) as poor, pool(poor.url, chain.rpc_url) as (w3, provider):
        for _ in range(4):
            assert await w3.eth.get_balance(w3.to_checksum_address(account)) == 7
        assert provider.endpoints[0].failures == 0
        # A method that is not there will not come; a pruned block may be another one next time.
        assert poor.calls["eth_getBalance"] == (1 if answer["error"]["code"] == -32601 else 4)


async def test_method__when_who_knows_it_rests__then_a_fault_that_passes(chain: Anvil) -> None:
    lacking = refuse(-32601, "the method does not exist")
    async with (
        FaultyNode(chain.rpc_url, lambda *_: lacking) as poor,
        pool(poor.url, nowhere()) as (_, provider),
    ):
        for _ in range(2):
            with pytest.raises(OSError, match="Cannot connect"):
                await provider.make_request(RPCEndpoint("ots_getApiLevel"), [])


async def test_block__when_the_first_does_not_have_it_yet__then_the_second_is_believed(chain: Anvil) -> None:
    await chain.mine(3)

    def behind(method: str, _: Any, true: dict[str, Any]) -> Any:
        return {"result": None} if method == "eth_getBlockByNumber" else true

    async with FaultyNode(chain.rpc_url, behind) as late, pool(late.url, chain.rpc_url) as (w3, _):
        assert (await block_ref(w3, 3)).number == 3
        with pytest.raises(BlockUnavailable):
            await block_ref(w3, 9_999)


async def test_revert__then_no_other_endpoint_is_asked(chain: Anvil) -> None:
    reverted = refuse(3, "execution reverted")
    async with FaultyNode(chain.rpc_url, lambda *_: reverted) as first, FaultyNode(chain.rpc_url, honest) as second:
        async with pool(first.url, second.url) as (_, provider):
            answer = await provider.make_request(RPCEndpoint("eth_call"), [{}, "latest"])
        assert answer["error"]["code"] == 3
        assert second.calls.total() == 0


async def test_breaker__when_open__then_not_asked_until_its_time_then_once_and_closed(chain: Anvil) -> None:
    broken, now = [True], [100.0]
    tamper: Tamper = lambda method, params, true: 500 if broken[0] else true  # noqa: E731
    async with FaultyNode(chain.rpc_url, tamper) as bad, pool(bad.url, chain.rpc_url) as (w3, provider):
        first = provider.endpoints[0]
        first.clock = lambda: now[0]
        for _ in range(10):
            await w3.eth.get_block_number()
        assert bad.calls.total() == 3
        now[0] += 1.9
        await w3.eth.get_block_number()
        assert bad.calls.total() == 3
        now[0] += 0.2
        await w3.eth.get_block_number()
        assert bad.calls.total() == 4, "half open: one request tries"
        broken[0] = False
        now[0] += 3.0
        await w3.eth.get_block_number()
        assert bad.calls.total() == 4, "each failure doubles the rest"
        now[0] += 1.1
        await asyncio.gather(*(w3.eth.get_block_number() for _ in range(5)))
        assert bad.calls.total() == 5, "one at a time until it is known to be back"
        await w3.eth.get_block_number()
        assert bad.calls.total() == 6
        assert first.failures == 0


async def test_retry_after__when_alone__then_waited_for(chain: Anvil) -> None:
    refused: list[float] = []

    def busy(method: str, _: Any, true: dict[str, Any]) -> Any:
        if not refused:
            refused.append(time.monotonic())
            return 429, {"Retry-After": "1"}
        return true

    async with FaultyNode(chain.rpc_url, busy) as node, pool(node.url) as (w3, _):
        assert await w3.eth.chain_id == chain.chain_id
        assert time.monotonic() - refused[0] >= 1


async def test_retry_after__when_alone__then_others_wait_as_well(chain: Anvil) -> None:
    asked: list[float] = []

    def busy(method: str, _: Any, true: dict[str, Any]) -> Any:
        asked.append(time.monotonic())
        return (429, {"Retry-After": "1"}) if len(asked) == 1 else true

    async with FaultyNode(chain.rpc_url, busy) as node, pool(node.url) as (w3, provider):
        first = asyncio.create_task(w3.eth.get_block_number())
        while not provider.endpoints[0].failures:  # noqa: ASYNC110
            await asyncio.sleep(0)
        others = [w3.eth.get_block_number() for _ in range(5)]
        assert await asyncio.gather(first, *others) == [0] * 6
    assert min(asked[1:]) - asked[0] >= 1, "asked again while it wanted to be left alone"


async def test_retry_after__when_another_is_there__then_the_first_rests_so_long(chain: Anvil) -> None:
    async with FaultyNode(chain.rpc_url, lambda *_: (429, {"Retry-After": "9"})) as busy:
        async with pool(busy.url, chain.rpc_url) as (w3, provider):
            provider.endpoints[0].clock = lambda: 100.0
            started = time.monotonic()
            for _ in range(3):
                await w3.eth.get_block_number()
            assert time.monotonic() - started < 9, "nobody waits for one that rests"
        assert busy.calls.total() == 1


async def test_chain_id__when_one_endpoint_serves_another_chain__then_start_is_refused_by_its_place(
    chain: Anvil,
) -> None:
    async with Anvil(chain_id=1337) as other, pool(chain.rpc_url, other.rpc_url) as (w3, _):
        with pytest.raises(
            ConfigurationFault,
            match=r"endpoint 2 \(127\.0\.0\.1\) serves chain 1337, chain.chain_id says 31337",
        ):
            await check_chain_id(w3, chain.chain_id)


async def test_chain_id__when_an_endpoint_comes_back_as_another_chain__then_never_asked(chain: Anvil) -> None:
    async with Anvil(chain_id=1337) as other, FaultyNode(other.rpc_url, honest) as foreign:
        async with pool(foreign.url, chain.rpc_url, chain_id=chain.chain_id) as (w3, provider):
            for _ in range(3):
                assert await w3.eth.get_block_number() == 0
            assert provider.endpoints[0].expelled
        assert foreign.calls == {"eth_chainId": 1}


@pytest.mark.parametrize("noticed", ["after a rest", "by a probe"])
async def test_chain_id__when_an_endpoint_becomes_another_chain__then_no_longer_asked(
    chain: Anvil, noticed: str
) -> None:
    await chain.mine(7)
    broken = [False]
    tamper: Tamper = lambda method, params, true: 500 if broken[0] else true  # noqa: E731
    async with Anvil(chain_id=1337) as other, FaultyNode(chain.rpc_url, tamper) as moving:
        async with pool(moving.url, chain.rpc_url, chain_id=chain.chain_id) as (w3, provider):
            first, now = provider.endpoints[0], [100.0]
            first.clock = lambda: now[0]
            assert await w3.eth.get_block_number() == 7
            assert moving.calls["eth_blockNumber"] == 1
            if noticed == "after a rest":
                broken[0] = True
                for _ in range(3):
                    await w3.eth.get_block_number()
                broken[0] = False
                now[0] += 3.0
            moving.target = other.rpc_url
            if noticed == "by a probe":
                await provider.probe()
            moving.calls.clear()
            for _ in range(3):
                assert await w3.eth.get_block_number() == 7
            assert first.expelled
        assert moving.calls == ({"eth_chainId": 1} if noticed == "after a rest" else {})


async def test_chain_id__when_one_is_away__then_start_goes_on(chain: Anvil) -> None:
    async with pool(nowhere(), chain.rpc_url) as (w3, _):
        await check_chain_id(w3, chain.chain_id)


async def test_lag__when_the_first_is_far_behind__then_asked_last(chain: Anvil) -> None:
    await chain.mine(20)

    def stuck(method: str, _: Any, true: dict[str, Any]) -> Any:
        return {"result": "0x5"} if method == "eth_blockNumber" else true

    async with FaultyNode(chain.rpc_url, stuck) as behind:
        async with pool(behind.url, chain.rpc_url, max_lag_blocks=5) as (w3, provider):
            await provider.probe()
            assert [provider.lag_of(endpoint) for endpoint in provider.endpoints] == [15, 0]
            assert await w3.eth.get_block_number() == 20
            publish(provider)
        async with pool(behind.url, nowhere(), max_lag_blocks=5) as (w3, provider):
            await provider.probe()
            assert await w3.eth.get_block_number() == 5, "better late than nobody"
    assert REGISTRY.get_sample_value("risk_oracle_endpoint_lag_blocks", {"endpoint": "1"}) == 15
    assert REGISTRY.get_sample_value("risk_oracle_endpoint_up", {"endpoint": "2"}) == 1
    latency = REGISTRY.get_sample_value("risk_oracle_endpoint_latency_seconds", {"endpoint": "2"})
    assert latency is not None
    assert 0 < latency < 60


async def test_agreement__when_two_say_the_same__then_answered_and_both_asked(chain: Anvil) -> None:
    await chain.mine(2)
    async with FaultyNode(chain.rpc_url, honest) as one, FaultyNode(chain.rpc_url, honest) as two:
        async with pool(one.url, two.url, ask_two=True) as (w3, _):
            with agreement():
                assert (await block_ref(w3, 2)).number == 2
            await block_ref(w3, 2)
        assert (one.calls["eth_getBlockByNumber"], two.calls["eth_getBlockByNumber"]) == (2, 1)


async def test_agreement__when_one_tells_another_hash__then_a_fault_that_passes(chain: Anvil) -> None:
    def lie(method: str, _: Any, true: dict[str, Any]) -> Any:
        return {"result": {**true["result"], "hash": "0x" + "77" * 32}} if method == "eth_getBlockByNumber" else true

    async with FaultyNode(chain.rpc_url, lie) as liar, pool(chain.rpc_url, liar.url, ask_two=True) as (w3, _):
        with (
            agreement(),
            pytest.raises(EndpointsDisagree, match=r"endpoint 2 \(.* eth_getBlockByNumber differently"),
        ):
            await block_ref(w3, 0)


async def test_agreement__when_the_second_is_away__then_a_fault_that_passes(chain: Anvil) -> None:
    async with pool(chain.rpc_url, nowhere(), ask_two=True) as (w3, _):
        with agreement(), pytest.raises(TransientFault):
            await block_ref(w3, 0)
