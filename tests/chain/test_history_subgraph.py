"""Aave V3's history from its subgraph is the one from the node's logs; what the subgraph lacks is an error."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.history import WalletHistory
from oracle.assessment.request import BlockRef
from oracle.history.collect import Services, collect_history
from oracle.history.subgraph import SubgraphClient
from tests.chain.conftest import Played
from tests.chain.subgraph_server import SubgraphServer, Tamper
from tests.chain.test_history import MOMENTS, WALLETS, connected

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(played: Played) -> AsyncIterator[SubgraphServer]:
    async with SubgraphServer(played) as running:
        yield running


async def _read(
    server: SubgraphServer, played: Played, wallet: str, at: BlockRef, tamper: Tamper | None = None, page: int = 1_000
) -> WalletHistory:
    client = SubgraphClient("aave-v3", server.url, page=page, attempts=2)
    before, server.tamper = server.tamper, tamper or server.tamper
    server.queries.clear()
    try:
        async with connected(played.chain.rpc_url) as web3:
            services = Services(subgraphs={"aave-v3": client})
            return await collect_history(web3, played.configuration, played.wallet(wallet), at, services)
    finally:
        server.tamper = before
        await client.close()


async def _from_logs(played: Played, wallet: str, at: BlockRef) -> WalletHistory:
    async with connected(played.chain.rpc_url) as web3:
        return await collect_history(web3, played.configuration, played.wallet(wallet), at)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", WALLETS)
async def test_history__when_from_the_subgraph__then_that_of_the_logs(
    played: Played, server: SubgraphServer, name: str, moment: str
) -> None:
    at = played.blocks[moment]
    assert await _read(server, played, name, at) == await _from_logs(played, name, at)


async def test_pages__when_small__then_same_history(played: Played, server: SubgraphServer) -> None:
    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, page=2) == await _from_logs(played, "edge", at)
    assert server.queries["all"] > 3


async def test_pages__when_the_gateway_cuts_them__then_same_history(played: Played, server: SubgraphServer) -> None:
    def cut(answer: dict[str, Any]) -> dict[str, Any]:
        return {"data": {name: value if name == "_meta" else value[:1] for name, value in answer["data"].items()}}

    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, cut) == await _from_logs(played, "edge", at)


def _data(**changes: Any) -> Tamper:
    return lambda answer: {"data": {**answer["data"], **changes}}


def _meta(**changes: Any) -> Tamper:
    return lambda answer: {"data": {**answer["data"], "_meta": {**answer["data"]["_meta"], **changes}}}


def _errors(text: str) -> Tamper:
    return lambda _: {"errors": [{"message": text}]}


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (_errors("subgraph has only indexed up to block number 3"), BlockUnavailable, "has not indexed"),
        (_meta(block={"number": 1, "hash": "0x" + "77" * 32}), BlockUnavailable, "answered at block 0x7777"),
        (_meta(hasIndexingErrors=True), HistoryIncomplete, "indexing errors"),
        (_data(borrows=[]), HistoryIncomplete, "knows of no borrowing"),
        (_data(borrows=None), HistoryIncomplete, "expected a list"),
        (_data(supplies=[{"id": "2"}, {"id": "1"}]), HistoryIncomplete, "not in order"),
        (_data(supplies=[{"id": "1", "amount": "x"}]), HistoryIncomplete, "came without a number"),
        (_errors("Type `Query` has no field `supplies`"), ConfigurationFault, "another schema"),
        (_errors("bad indexers: unavailable"), TransientFault, "bad indexers"),
        (lambda _: 429, TransientFault, "HTTP 429"),
        (lambda _: 401, ConfigurationFault, "check its URL and key"),
        (lambda _: {}, HistoryIncomplete, "without data"),
    ],
    ids=[
        *("behind", "another block", "indexing errors", "no borrowing", "null", "order"),
        *("no number", "schema", "errors", "busy", "key", "empty"),
    ],
)
async def test_answer__when_wrong__then_an_error(
    played: Played, server: SubgraphServer, tamper: Tamper, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as refused:
        await _read(server, played, "edge", played.blocks["end"], tamper)
    assert "127.0.0.1" not in str(refused.value)


async def test_busy__when_it_passes__then_repeated(played: Played, server: SubgraphServer) -> None:
    asked: list[int] = []

    def once(answer: dict[str, Any]) -> "dict[str, Any] | int":
        asked.append(1)
        return 503 if len(asked) == 1 else answer

    at = played.blocks["end"]
    assert await _read(server, played, "edge", at, once) == await _from_logs(played, "edge", at)
