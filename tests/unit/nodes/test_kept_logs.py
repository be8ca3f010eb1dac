"""What a node must show before its logs are believed: the blocks' own headers say which there are."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_utils.crypto import keccak

from oracle.assessment.errors import BlockUnavailable
from oracle.nodes.kept_logs import KeptLogs, counted_proofs

CONTRACT, OTHER, TOPIC = "0x" + "c0" * 20, "0x" + "0c" * 20, "0x" + "ab" * 32


def bloom_of(*told: str) -> int:
    """Return a bloom filter, bit by bit as the yellow paper has it."""
    bits = 0
    for one in told:
        digest = keccak(hexstr=one)
        for place in (0, 2, 4):
            bits |= 1 << (((digest[place] & 7) << 8) + digest[place + 1])
    return bits


@dataclass
class Node:
    """A chain with logs of two contracts in some blocks; `lost` says which of them are not given any more."""

    logs_at: set[int]
    horizon: int = 0
    lost: set[str] = field(default_factory=set)
    to_filters_alone: bool = False
    asked: int = 0

    async def ask(self, method: str, params: list[Any]) -> dict[str, Any]:
        self.asked += 1
        if method == "erigon_getHeaderByNumber":
            return {"error": {"code": -32601, "message": "the method does not exist"}}
        if method.startswith("eth_getBlockBy"):
            number = int(params[0], 16)
            bloom = bloom_of(CONTRACT, OTHER, TOPIC) if number in self.logs_at else 0
            return {"result": {"number": hex(number), "logsBloom": f"0x{bloom:0512x}"}}
        assert method == "eth_getLogs"
        query = params[0]
        if self.to_filters_alone and "address" in query and int(query["fromBlock"], 16) < self.horizon:
            return {"result": []}
        wanted = query.get("address", [CONTRACT, OTHER])
        blocks = range(int(query["fromBlock"], 16), int(query["toBlock"], 16) + 1)
        return {
            "result": [
                {"address": one, "topics": [TOPIC], "blockNumber": hex(number), "blockHash": hex(number)}
                for number in sorted(self.logs_at & set(blocks))
                if self.to_filters_alone or number >= self.horizon
                for one in (CONTRACT, OTHER)
                if one in wanted and one not in self.lost
            ]
        }


@pytest.mark.parametrize("logged", [{1_000}, {997}, {700}, {1_004}, {1_000 - 2**9}])
async def test_check__when_the_node_gives_what_its_headers_promise__then_believed(logged: set[int]) -> None:
    node = Node(logged)
    await KeptLogs().check(1_000, 2_000, node.ask)
    assert node.asked < 50


@pytest.mark.parametrize(
    "node",
    [
        Node({1_000}, horizon=1_500),
        Node({1_000 - 2**9}, horizon=1_500),
        Node({1_001}, horizon=1_500),
        Node({1_000}, lost={CONTRACT}),
        Node({998}, lost={OTHER}),
        Node({1_000}, horizon=1_500, to_filters_alone=True),
    ],
    ids=["all", "all of before", "all of behind", "one contract's", "another's", "to filters alone"],
)
async def test_check__when_the_node_keeps_back_what_its_headers_promise__then_unavailable_with_the_range(
    node: Node,
) -> None:
    with pytest.raises(BlockUnavailable, match="the logs of blocks 1000 to 2000 are asked for"):
        await KeptLogs().check(1_000, 2_000, node.ask)


async def test_check__when_no_block_logged_anything__then_believed() -> None:
    await KeptLogs().check(1_000, 1_010, Node(set(), horizon=10_000).ask)


async def test_check__when_shown_once__then_for_all_behind_it_until_its_time_or_another_node() -> None:
    now, node = [0.0], Node({990, 500})
    kept = KeptLogs(lambda: now[0])
    with counted_proofs() as proofs:
        await kept.check(1_000, 2_000, node.ask)
    assert 0 < proofs.requests == node.asked
    before = node.asked
    await kept.check(1_000, 2_000, node.ask)
    await kept.check(1_500, 2_000, node.ask)
    assert node.asked == before
    await kept.check(600, 2_000, node.ask)
    assert node.asked > before, "an older block is to be shown as well"
    before = node.asked
    now[0] += 3_600.0
    await kept.check(1_500, 2_000, node.ask)
    assert node.asked > before, "a node goes on dropping"
    before = node.asked
    kept.forget()
    await kept.check(1_500, 2_000, node.ask)
    assert node.asked > before


async def test_check__when_nothing_was_logged_up_to_a_range__then_the_next_range_is_looked_at_for_itself() -> None:
    """A chain may begin in silence: that says nothing of what a node dropped later."""
    node, kept = Node({500}, horizon=5_000), KeptLogs()
    await kept.check(1, 100, node.ask)
    before = node.asked
    await kept.check(1, 100, node.ask)
    await kept.check(50, 60, node.ask)
    assert node.asked == before
    with pytest.raises(BlockUnavailable, match="the logs of blocks 501 to 600"):
        await kept.check(501, 600, node.ask)
