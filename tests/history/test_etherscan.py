"""Transactions from an Etherscan-style API are those of the node; what the API leaves out is an error."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from web3 import AsyncWeb3

from oracle.assessment.engineering import engineer
from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.history import TransactionHistory
from oracle.assessment.request import NATIVE_COIN, LoanTerms
from oracle.history.collect import Services, build_sources, collect_history
from oracle.history.reading.reader import ChainReader
from oracle.history.transactions.etherscan import EtherscanTransactionSource
from oracle.history.transactions.etherscan_client import EtherscanClient
from tests.history.etherscan_server import KEY, EtherscanServer, Tamper
from tests.history.test_wallets import MOMENTS, WALLETS, connected
from tests.support.played import Played

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(played: Played) -> AsyncIterator[EtherscanServer]:
    async with EtherscanServer(played.chain) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web3(played: Played) -> AsyncIterator[AsyncWeb3[Any]]:
    async with connected(played.chain.rpc_url) as client:
        yield client


def _client(server: EtherscanServer, played: Played, **options: Any) -> EtherscanClient:
    return EtherscanClient(
        server.url, played.chain.chain_id, **{"key": KEY, "requests_per_second": 1_000, "attempts": 3} | options
    )


async def _read(
    server: EtherscanServer,
    played: Played,
    tamper: Tamper | None = None,
    *,
    wallet: str = "edge",
    page_size: int = 1_000,
    **options: Any,
) -> TransactionHistory:
    server.calls.clear()
    before, server.tamper = server.tamper, tamper or server.tamper
    try:
        async with _client(server, played, **options) as client, connected(played.chain.rpc_url) as web3:
            source = EtherscanTransactionSource(ChainReader(web3), client, page_size=page_size)
            return await source.read(played.wallet(wallet), played.blocks["end"])
    finally:
        server.tamper = before


async def _from_the_node(played: Played, wallet: str = "edge") -> TransactionHistory:
    async with connected(played.chain.rpc_url) as web3:
        source = build_sources(ChainReader(web3), played.configuration).transactions
        return await source.read(played.wallet(wallet), played.blocks["end"])


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", WALLETS)
async def test_features__when_transactions_come_from_the_api__then_those_of_the_node(
    played: Played, server: EtherscanServer, web3: AsyncWeb3[Any], name: str, moment: str
) -> None:
    loan = LoanTerms(NATIVE_COIN, 10**18, NATIVE_COIN, 2 * 10**18, 30 * 86_400)
    wallet, at = played.wallet(name), played.blocks[moment]
    async with _client(server, played) as client:
        configuration = replace(played.configuration, api_page=7)
        history = await collect_history(web3, configuration, wallet, at, Services(transactions_api=client))
    expected = await collect_history(web3, played.configuration, wallet, at)
    assert history == expected
    assert engineer(history, loan).encoded == engineer(expected, loan).encoded


@pytest.mark.parametrize("page_size", [1, 3, 10_000])
async def test_pages__when_of_any_size__then_same_history(
    played: Played, server: EtherscanServer, page_size: int
) -> None:
    assert await _read(server, played, page_size=page_size) == await _from_the_node(played)


async def test_pages__when_the_api_cuts_them_silently__then_same_history(
    played: Played, server: EtherscanServer
) -> None:
    server.largest_page = 10
    try:
        assert await _read(server, played) == await _from_the_node(played)
    finally:
        server.largest_page = 10_000
    assert server.calls["txlist"] > 10


async def test_pages__when_a_wide_one_times_out__then_narrower(played: Played, server: EtherscanServer) -> None:
    def slow(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        if action == "txlist" and len(answer["result"]) > 20:
            text = "Query Timeout occured. Please select a smaller result dataset"
            return {"status": "0", "message": text, "result": None}
        return answer

    assert await _read(server, played, slow) == await _from_the_node(played)


async def test_block__when_it_holds_more_than_a_page__then_all_are_read(played: Played) -> None:
    chain = played.chain
    before = await chain.snapshot()
    sender, receiver = played.wallet("trader"), played.wallet("newcomer")
    try:
        await chain.rpc("anvil_impersonateAccount", sender)
        await chain.rpc("evm_setAutomine", False)
        for _ in range(30):
            call = {"from": sender, "to": receiver, "value": "0x1", "gas": "0x5208"}
            await chain.rpc("eth_sendTransaction", call)
        await chain.mine()
        at = await played.block(await chain.block_number())
        async with (
            EtherscanServer(chain) as server,
            _client(server, played) as client,
            connected(chain.rpc_url) as web3,
        ):
            for wallet in (sender, receiver):
                source = EtherscanTransactionSource(ChainReader(web3), client, page_size=8)
                expected = build_sources(ChainReader(web3), played.configuration).transactions
                assert await source.read(wallet, at) == await expected.read(wallet, at)
    finally:
        await chain.rpc("evm_setAutomine", True)
        await chain.revert(before)


def _without(position: int) -> Tamper:
    def tamper(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": answer["result"][:position]} if action == "txlist" else answer

    return tamper


def _rows(change: Any) -> Tamper:
    return lambda action, answer: (
        {**answer, "result": [change(row) for row in answer["result"]]} if action == "txlist" else answer
    )


@pytest.mark.parametrize(
    ("tamper", "error", "words"),
    [
        (_without(0), HistoryIncomplete, "its index has a gap"),
        (_rows(lambda row: {**row, "blockNumber": "99999999"}), HistoryIncomplete, "got later ones"),
        (_rows(lambda row: {**row, "blockHash": "0x" + "77" * 32}), BlockUnavailable, "reorganised away"),
        (
            _rows(lambda row: {key: row[key] for key in row if key != "gasUsed"}),
            HistoryIncomplete,
            "without 'gasUsed'",
        ),
        (_rows(lambda row: {**row, "nonce": ""}), HistoryIncomplete, "came without"),
    ],
    ids=["nothing", "later blocks", "another chain's block", "a field left out", "an empty number"],
)
async def test_answer__when_wrong__then_an_error(
    played: Played, server: EtherscanServer, tamper: Tamper, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await _read(server, played, tamper)


async def test_index__when_behind_the_block__then_unavailable(played: Played, server: EtherscanServer) -> None:
    def behind(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        return {**answer, "result": "0x5"} if action == "eth_blockNumber" else answer

    with pytest.raises(BlockUnavailable, match="has indexed block 5"):
        await _read(server, played, behind)


async def test_head__when_the_api_is_blockscout__then_asked_in_its_words(
    played: Played, server: EtherscanServer
) -> None:
    server.has_proxy = False
    try:
        assert await _read(server, played) == await _from_the_node(played)
        assert server.calls["eth_block_number"] == 1
    finally:
        server.has_proxy = True


async def test_429__when_it_names_a_pause__then_waited_for(played: Played, server: EtherscanServer) -> None:
    refused: list[float] = []

    def busy(action: str, answer: dict[str, Any]) -> dict[str, Any] | tuple[int, dict[str, str]]:
        if len(refused) < 1:
            refused.append(time.monotonic())
            return 429, {"Retry-After": "1"}
        return answer

    assert await _read(server, played, busy) == await _from_the_node(played)
    assert time.monotonic() - refused[0] >= 1


@pytest.mark.parametrize("text", ["Max rate limit reached", "Max calls per sec rate limit reached (5/sec)"])
async def test_rate__when_refused_in_words__then_repeated(played: Played, server: EtherscanServer, text: str) -> None:
    asked: list[str] = []

    def busy(action: str, answer: dict[str, Any]) -> dict[str, Any]:
        asked.append(action)
        return answer if len(asked) % 2 == 0 else {"status": "0", "message": "NOTOK", "result": text}

    assert await _read(server, played, busy) == await _from_the_node(played)


async def test_rate__when_busy_for_good__then_transient(played: Played, server: EtherscanServer) -> None:
    with pytest.raises(TransientFault, match="answers eth_blockNumber with HTTP 503"):
        await _read(server, played, lambda *_: (503, {}))
    assert server.calls["eth_blockNumber"] == 3


async def test_rate__when_configured__then_calls_are_spaced(played: Played, server: EtherscanServer) -> None:
    async with _client(server, played, requests_per_second=20) as client:
        started = time.monotonic()
        await asyncio.gather(*(client.get("proxy", "eth_blockNumber") for _ in range(7)))
        assert time.monotonic() - started >= 6 / 20


async def test_day__when_its_calls_are_used_up__then_not_repeated(played: Played, server: EtherscanServer) -> None:
    spent = {"status": "0", "message": "NOTOK", "result": "Max daily rate limit reached. 110000 (100%) of 100000"}
    with pytest.raises(TransientFault, match="Max daily rate limit"):
        await _read(server, played, lambda *_: spent)
    assert server.calls["eth_blockNumber"] == 1


async def test_key__when_refused__then_configuration_fault_without_it(played: Played, server: EtherscanServer) -> None:
    with pytest.raises(ConfigurationFault, match="Invalid API Key") as refused:
        await _read(server, played, key="ANOTHERKEY")
    assert "ANOTHERKEY" not in str(refused.value)


async def test_key__when_the_api_is_away__then_in_no_text_of_the_error(played: Played) -> None:
    async with EtherscanClient("http://127.0.0.1:9/v2/api", 1, key=KEY, attempts=1) as client:
        with pytest.raises(TransientFault, match="does not answer txlist") as away:
            await client.get("account", "txlist")
    shown: BaseException | None = away.value
    while shown is not None:
        assert KEY not in f"{shown!r}{shown}"
        assert "127.0.0.1" not in str(shown)
        shown = shown.__cause__
    assert away.value.__suppress_context__


async def test_chain__when_the_api_does_not_serve_it__then_configuration_fault(
    played: Played, server: EtherscanServer
) -> None:
    async with EtherscanClient(server.url, 424242, key=KEY) as client:
        with pytest.raises(ConfigurationFault, match="chainid"):
            await client.get("account", "txlist", address=played.wallet("edge"))
