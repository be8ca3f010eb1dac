"""Ranges of logs: narrower where a node refuses, wide again behind that; a long read notes how far it is."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from oracle.assessment.errors import BlockUnavailable
from oracle.assessment.request import Address, BlockRef
from oracle.history.reading.abi import address_topic
from oracle.history.reading.logs import Log, read_logs
from oracle.history.reading.memory import Stored, WalletMemory
from oracle.history.reading.reader import ChainReader

WALLET = Address("0x" + "aa" * 20)
CONTRACT = Address("0x" + "cc" * 20)
TOPIC = "0x" + "11" * 32
AT = BlockRef(10_000, f"0x{10_000:064x}", 10_000)
SPAN = 50
LOGS_AT = range(7, 10_001, 10)


@dataclass
class Node:
    """A chain with a log of the wallet in some blocks, whose node refuses or fails as it is told."""

    dense: range = range(0)
    dense_span: int = 4
    away_from: int = 10**9
    reorganised: bool = False
    asked: list[tuple[int, int]] = field(default_factory=list)
    other_calls: int = 0

    @property
    def provider(self) -> "Node":
        return self

    async def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        if method == "eth_getBlockByNumber":
            self.other_calls += 1
            number = int(params[0], 16)
            block_hash = "0x" + "77" * 32 if self.reorganised else f"0x{number:064x}"
            return {"result": {"hash": block_hash, "timestamp": hex(number)}}
        start, end = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        self.asked.append((start, end))
        if end >= self.away_from:
            raise ConnectionError
        if end - start + 1 > self.dense_span and start < self.dense.stop and end >= self.dense.start:
            return {"error": {"code": -32005, "message": "query returned more than 10000 results"}}
        return {"result": [_raw(number) for number in LOGS_AT if start <= number <= end]}


def _raw(number: int) -> dict[str, Any]:
    return {
        "address": CONTRACT,
        "topics": [TOPIC, address_topic(WALLET)],
        "data": "0x",
        "blockNumber": hex(number),
        "blockHash": f"0x{number:064x}",
        "logIndex": "0x0",
    }


async def read(node: Node, memory: WalletMemory | None = None, last_block: int = AT.number) -> list[Log]:
    client: Any = node
    reader = ChainReader(client, memory=memory)
    ranges = read_logs(reader, [CONTRACT], [TOPIC, address_topic(WALLET)], 1, last_block, SPAN)
    return [log async for logs in ranges for log in logs]


def remember(known: dict[str, Stored] | None = None, at: BlockRef = AT) -> WalletMemory:
    return WalletMemory(at, WALLET, known or {})


def numbers(logs: list[Log]) -> list[int]:
    return [log.block_number for log in logs]


async def test_span__when_refused_in_some_blocks__then_narrow_there_and_wide_again_behind_them() -> None:
    node = Node(dense=range(1_000, 1_200))
    assert numbers(await read(node)) == list(LOGS_AT)
    spans = [(start, end - start + 1) for start, end in node.asked]
    assert {span for start, span in spans if start > 1_600 and start + SPAN <= AT.number} == {SPAN}
    assert {span for start, span in spans if start < 950} == {SPAN}
    everything_narrow = AT.number / node.dense_span
    assert len(spans) < AT.number / SPAN + 2 * len(node.dense) / node.dense_span < everything_narrow / 3


async def test_span__when_refused_everywhere__then_few_requests_more() -> None:
    node = Node(dense=range(20_000), dense_span=SPAN // 2)
    assert numbers(await read(node)) == list(LOGS_AT)
    assert len(node.asked) < 1.3 * AT.number / node.dense_span


async def test_memory__when_a_long_read_fails__then_the_next_one_goes_on_behind_what_was_noted() -> None:
    node, memory = Node(away_from=6_030), remember()
    with pytest.raises(ConnectionError):
        await read(node, memory)
    assert memory.changed() == {}, "a part is not taken for the whole"
    (source, part) = next(iter(memory.reached().items()))
    # 50 blocks a range, noted every 50 ranges.
    assert (part.from_block, part.to_block, part.to_hash) == (1, 5_000, f"0x{5_000:064x}")
    assert [raw[3] for raw in part.content] == [number for number in LOGS_AT if number <= 5_000]
    again, later = Node(), remember({source: part})
    assert numbers(await read(again, later)) == list(LOGS_AT)
    assert min(again.asked)[0] == 5_001
    whole = later.changed()[source]
    assert (whole.to_block, len(whole.content)) == (AT.number, len(LOGS_AT))


async def test_memory__when_the_last_block_of_a_part_was_reorganised_away__then_read_from_the_start() -> None:
    part = Stored(1, 5_000, "0x" + "77" * 32, [])
    memory = remember()
    await read(Node(), memory)
    (source,) = memory.changed()
    node = Node()
    assert numbers(await read(node, remember({source: part}))) == list(LOGS_AT)
    assert min(node.asked)[0] == 1


async def test_memory__when_the_reads_block_is_reorganised_away_meanwhile__then_no_part_is_noted() -> None:
    node, memory = Node(reorganised=True), remember()
    with pytest.raises(BlockUnavailable, match="it was reorganised away"):
        await read(node, memory)
    assert memory.reached() == {}


async def test_memory__when_a_read_is_short__then_it_costs_nothing_more() -> None:
    at = BlockRef(SPAN * 50, f"0x{SPAN * 50:064x}", SPAN * 50)
    node, memory = Node(), remember(at=at)
    await read(node, memory, at.number)
    assert (len(node.asked), node.other_calls, memory.reached()) == (50, 0, {})


async def test_memory__when_a_read_takes_long__then_noted_by_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle.history.reading.logs._SECONDS_A_PART", -1.0)
    node, memory = Node(away_from=101), remember()
    with pytest.raises(ConnectionError):
        await read(node, memory)
    assert [part.to_block for part in memory.reached().values()] == [100]
