"""How long a wallet's history takes to read, from a local chain with the real Aave V3: one JSON object at the end.

Three wallets with ten times as many transactions and DeFi events each, read cold (nothing kept) and warm (kept in
Postgres, at the same block; the median of five); then a thousand wallets with short histories at one block, whose
answers are recorded and read again from a node that answers from memory: what is measured is the reader, not anvil.
`wallets_per_s` is the best of three such readings, each into an empty database, and `wallet_cpu_ms` the time that this
process computed for a wallet in it. With the argument `wallets` the three wallets before are left out.

`peak_mb` is the most that Python holds during a cold read with the store, as the daemon does it, from an empty
database. What grows with a wallet is what the store is given at the end of the read: every log and every answer about
an earlier block, as they are kept, and once more as they are written. All else is added up as it comes.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import aiohttp
from sqlalchemy.ext.asyncio import async_sessionmaker
from web3 import AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.request import Address, BlockRef, to_address
from oracle.chain.rpc import connect, endpoint_faults
from oracle.devnet.machinery.accounts import ETHER, GWEI, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.protocols.aave import Aave, deploy_aave
from oracle.history.collect import Markets, Reading, Services, collect_counted
from oracle.history.configuration import AaveV3Market, CoinPriceFeed, HistoryConfiguration
from oracle.pipeline.history_stores import PostgresHistoryStore
from oracle.store import database
from oracle.store.embedded import EmbeddedPostgres, create_database
from tests.benchmarks.memory_node import COUNTS, key_of

SIZES: Final = ((100, 10), (1_000, 100), (10_000, 1_000))
"""Transactions and, among them, DeFi events of each wallet."""

SHORT_WALLETS: Final = 1_000
AT_ONCE: Final = 16
_PRICES: Final = 40
_WARM_READS: Final = 5
_TURNS: Final = 3
_STATES: Final = 4_000
_TRANSFERS_A_BLOCK: Final = 25
_FEES: Final = {"maxFeePerGas": hex(100 * GWEI), "maxPriorityFeePerGas": hex(GWEI)}


@dataclass(frozen=True)
class Bench:
    """A chain with Aave, on which any account may send without a signature."""

    chain: Anvil
    market: Aave
    session: aiohttp.ClientSession

    async def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Return the results of many calls in one request."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        async with self.session.post(self.chain.rpc_url, json=body) as response:
            answers = sorted(await response.json(), key=lambda answer: answer["id"])
        for answer in answers:
            if "error" in answer:
                raise RuntimeError(str(answer["error"]))
        return [answer["result"] for answer in answers]

    async def send(self, sender: str, calls: Sequence[tuple[str, str, int]], *, a_block: int) -> None:
        """Mine an account's calls (to, data, value), `a_block` in each block."""
        nonce = int(await self.chain.rpc("eth_getTransactionCount", sender, "latest"), 16)
        for start in range(0, len(calls), a_block):
            sends: list[tuple[str, list[Any]]] = []
            for number, (to, data, value) in enumerate(calls[start : start + a_block], start):
                fields = {"from": sender, "to": to, "data": data, "value": hex(value), "nonce": hex(nonce + number)}
                gas = hex(21_000 if data == "0x" else 600_000)
                sends.append(("eth_sendTransaction", [{**fields, **_FEES, "gas": gas}]))
            # The calls of one request run side by side: the block comes after all of them.
            await self.batch(sends)
            await self.chain.rpc("evm_mine")


async def main() -> None:
    """Print progress to standard error, and the figures as the last line of standard output."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "postgres") as url:
        async with _bench() as bench:
            print(json.dumps(await _measure(bench, partial(create_database, url))))


@asynccontextmanager
async def _bench() -> AsyncIterator[Bench]:
    async with Anvil(states_in_memory=_STATES) as chain, aiohttp.ClientSession() as session:
        transactor, owner = Transactor(chain), named_account("owner")
        await chain.set_balance(owner.address, 100_000 * ETHER)
        market = await deploy_aave(transactor, owner)
        for day in range(_PRICES):
            await chain.warp(86_400)
            await market.feeds.publish(transactor, "WETH", Decimal(3_000 + day % 7))
        await chain.rpc("anvil_autoImpersonateAccount", True)
        await chain.rpc("evm_setAutomine", False)
        yield Bench(chain, market, session)


async def _measure(bench: Bench, new_database: Callable[[str], str]) -> dict[str, Any]:
    wallets = {}
    for transactions, events in () if sys.argv[1:] == ["wallets"] else SIZES:
        _say(f"a wallet of {transactions} transactions, {events} of them with Aave")
        wallets[transactions, events] = await _live(bench, f"wallet {transactions}", transactions, events)
    _say(f"{SHORT_WALLETS} wallets of a few transactions")
    short = await _short_lives(bench)
    block = await bench.chain.rpc("eth_getBlockByNumber", "latest", False)
    at = BlockRef(int(block["number"], 16), block["hash"], int(block["timestamp"], 16))
    _say(f"reading at block {at.number}")
    async with _client(bench.chain.rpc_url) as w3, _store(new_database("bench")) as store:
        figures = await _growth(_Reader(w3, bench, at, store), wallets, new_database) if wallets else {}
    return figures | await _throughput(bench, at, short, new_database)


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[AsyncWeb3[Any]]:
    w3 = connect(url, 30.0)
    try:
        yield w3
    finally:
        await w3.provider.disconnect()


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[PostgresHistoryStore]:
    """Yield a store that holds nothing."""
    engine = database.connect(url, pool_size=AT_ONCE)
    try:
        await database.migrate(engine)
        yield PostgresHistoryStore(async_sessionmaker(engine))
    finally:
        await engine.dispose()


async def _growth(
    reader: "_Reader",
    wallets: Mapping[tuple[int, int], Address],
    new_database: Callable[[str], str],
) -> dict[str, Any]:
    growth = []
    for (transactions, events), wallet in wallets.items():
        cold, cold_s = await reader.timed(wallet)
        found = cold.history
        assert (found.transactions.sent_count, found.lending.event_count) == (transactions, events), found
        warmed = [await reader.timed(wallet) for _ in range(_WARM_READS)]
        assert all(warm.history == found for warm, _ in warmed)
        warm, warm_s = warmed[0][0], median(seconds for _, seconds in warmed)
        async with _store(new_database(f"cold_{transactions}")) as empty:
            peak_mb = await reader.peak_mb(wallet, empty)
        growth.append({"transactions": transactions, "events": events, "cold_s": cold_s, "peak_mb": peak_mb})
        _say(f"{growth[-1]}, warm {warm_s} s, {cold.rpc_calls} and {warm.rpc_calls} calls")
    return {
        "cold_s": cold_s,
        "warm_s": warm_s,
        "rpc_calls_cold": cold.rpc_calls,
        "rpc_calls_warm": warm.rpc_calls,
        "growth": growth,
    }


async def _throughput(
    bench: Bench, at: BlockRef, short: Sequence[Address], new_database: Callable[[str], str]
) -> dict[str, Any]:
    """Read the short histories from the chain, and then from a node that answers as it did."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as answers:
        async with _client(bench.chain.rpc_url) as w3, _store(new_database("recorded")) as store:
            endpoint: Any = w3.provider.endpoints[0]  # type: ignore[attr-defined]
            true, recorded = endpoint.provider.make_request, set[str]()

            async def record(method: str, params: Any) -> Any:
                answer = await true(method, params)
                if (key := key_of(method, params)) not in recorded:
                    recorded.add(key)
                    told = {name: answer[name] for name in ("result", "error") if name in answer}
                    answers.write(json.dumps([method, params, told]) + "\n")
                return answer

            endpoint.provider.make_request = record
            chain_per_s, _ = await _Reader(w3, bench, at, store).wallets_per_s(short)
        answers.flush()
        _say(f"from the chain {chain_per_s} wallets a second, {len(recorded)} answers recorded")
        best: tuple[float, float] = (0.0, 0.0)
        counts = [0, 0]
        for turn in range(_TURNS):
            async with (
                _memory_node(answers.name) as url,
                _client(url) as w3,
                _store(new_database(f"memory_{turn}")) as store,
            ):
                best = max(best, await _Reader(w3, bench, at, store).wallets_per_s(short))
                counts = (await w3.provider.make_request(RPCEndpoint(COUNTS), []))["result"]
    return {
        "wallets_per_s": best[0],
        "wallet_cpu_ms": best[1],
        "wallets_per_s_from_the_chain": chain_per_s,
        "http_requests_a_wallet": round(counts[0] / len(short), 2),
        "rpc_calls_a_wallet": round(counts[1] / len(short), 2),
    }


@asynccontextmanager
async def _memory_node(answers: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.memory_node", answers, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/"
    finally:
        process.terminate()
        await process.wait()


class _Reader:
    """Reads wallets at one block, as the daemon does."""

    def __init__(self, w3: AsyncWeb3[Any], bench: Bench, at: BlockRef, store: PostgresHistoryStore) -> None:
        market = bench.market
        pool, provider = to_address(market.pool.address), to_address(market.addresses_provider.address)
        aave = AaveV3Market("aave-v3", provider, pool, market.start_block)
        feed = CoinPriceFeed(to_address(market.feeds.contracts["WETH"].address), max_age_seconds=None)
        self._configuration = HistoryConfiguration(bench.chain.chain_id, feed, aave_v3=(aave,), token_prices=aave)
        self._w3, self._at, self._services = w3, at, Services(store=store, markets=Markets())

    async def read(self, wallet: Address, services: Services | None = None) -> Reading:
        with endpoint_faults():
            return await collect_counted(self._w3, self._configuration, wallet, self._at, services or self._services)

    async def timed(self, wallet: Address) -> tuple[Reading, float]:
        gc.collect()
        started = time.perf_counter()
        reading = await self.read(wallet)
        return reading, round(time.perf_counter() - started, 3)

    async def peak_mb(self, wallet: Address, empty: PostgresHistoryStore) -> float:
        """Return the most memory that a cold read takes; apart from the times, which it would falsify."""
        gc.collect()
        tracemalloc.start()
        try:
            await self.read(wallet, Services(store=empty, markets=Markets()))
            return round(tracemalloc.get_traced_memory()[1] / 2**20, 1)
        finally:
            tracemalloc.stop()

    async def wallets_per_s(self, wallets: Sequence[Address]) -> tuple[float, float]:
        """Return how many wallets are read in a second, and the milliseconds that this process computes for one."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def read(wallet: Address) -> None:
            async with slots:
                reading = await self.read(wallet)
            assert reading.history.transactions.received_count == 1, reading

        gc.collect()
        started, computed = time.perf_counter(), time.process_time()
        await asyncio.gather(*(read(wallet) for wallet in wallets))
        taken, busy = time.perf_counter() - started, time.process_time() - computed
        return round(len(wallets) / taken, 1), round(1_000 * busy / len(wallets), 2)


async def _live(bench: Bench, name: str, transactions: int, events: int) -> Address:
    """Let a wallet live: DeFi events a block each, and transfers to a hundred counterparties."""
    account, market = named_account(name).address, bench.market
    pool, token = market.pool, market.tokens["USDC"]
    await bench.chain.set_balance(account, 100 * ETHER)
    start = [(token.address, token.encode("mint(address,uint256)", account, 10**13), 0)]
    start.append((token.address, token.encode("approve", pool.address, 2**256 - 1), 0))
    deeds = (
        pool.encode("supply", token.address, 10**8, account, 0),
        pool.encode("supply", token.address, 10**8, account, 0),
        pool.encode("borrow", token.address, 10**7, 2, 0, account),
        pool.encode("repay", token.address, 10**7, 2, account),
        pool.encode("withdraw", token.address, 10**6, account),
    )
    await bench.send(account, start, a_block=1)
    await bench.send(account, [(pool.address, deeds[turn % len(deeds)], 0) for turn in range(events)], a_block=1)
    transfers = transactions - events - len(start)
    others = [f"0x{number + 1:040x}" for number in range(0xA000, 0xA000 + 100)]
    payments = [(others[turn % len(others)], "0x", 10**9 + turn) for turn in range(transfers)]
    await bench.send(account, payments, a_block=_TRANSFERS_A_BLOCK)
    return to_address(account)


async def _short_lives(bench: Bench) -> list[Address]:
    """Let a payer send coins to each wallet, which sends some on."""
    payer = named_account("payer").address
    await bench.chain.set_balance(payer, 100_000 * ETHER)
    wallets = [f"0x{0xB0000000 + number:040x}" for number in range(SHORT_WALLETS)]
    await bench.send(payer, [(wallet, "0x", ETHER) for wallet in wallets], a_block=_TRANSFERS_A_BLOCK)
    fields = {**_FEES, "to": payer, "value": hex(10**12), "gas": hex(21_000)}
    for start in range(0, len(wallets), _TRANSFERS_A_BLOCK):
        some = wallets[start : start + _TRANSFERS_A_BLOCK]
        await bench.batch(
            [
                ("eth_sendTransaction", [{**fields, "from": wallet, "nonce": hex(nonce)}])
                for wallet in some
                for nonce in range(3)
            ]
        )
        await bench.chain.rpc("evm_mine")
    return [to_address(wallet) for wallet in wallets]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
