"""Contracts of strangers: a resolver that answers nonsense is no name, and thousands of tokens cost little."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_abi.abi import encode

from oracle.assessment.history import SocialRecord
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.uniswap import MOST_CONTRACTS, Pools
from oracle.history.exchanges.uniswap_v2 import _PAIRS, TRANSFER
from oracle.history.identity import ens
from oracle.history.reading.bundle import creation_code
from oracle.history.reading.logs import Log
from oracle.history.reading.memory import WalletMemory
from oracle.history.reading.reader import ChainReader, RpcRefusal

WALLET, REGISTRY, RESOLVER, FACTORY, PAIR = (Address("0x" + digits * 20) for digits in ("11", "22", "33", "44", "55"))
TOKENS = (Address("0x" + "a1" * 20), Address("0x" + "a2" * 20))
AT = BlockRef(9, f"0x{9:064x}", 9_000)


@dataclass
class Node:
    """Answers `eth_call` by contract and selector with a raw result, or an error; all else reverts."""

    results: dict[tuple[str, str], str | dict[str, Any]] = field(default_factory=dict)
    bundles: bool = True
    asked: list[str] = field(default_factory=list)

    @property
    def provider(self) -> "Node":
        return self

    def reader(self, memory: WalletMemory | None = None) -> ChainReader:
        node: Any = self
        return ChainReader(node, memory=memory)

    async def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        assert method == "eth_call"
        call = params[0]
        if "to" not in call:
            self.asked.append("bundle")
            return self._bundle(call["data"])
        self.asked.append(call["to"])
        found = self.results.get((call["to"], call["data"][:10]))
        if found is None:
            return {"error": {"code": 3, "message": "execution reverted"}}
        return {"error": found} if isinstance(found, dict) else {"result": found}

    def _bundle(self, code: str) -> dict[str, Any]:
        # The code pushes each contract behind 0x73, after its call data.
        if not self.bundles:
            return {"error": {"code": -32000, "message": "out of gas"}}
        words = [bytes(31) + b"\1" + bytes(32)]  # the factory's
        for place, contract in enumerate(re.findall("73([0-9a-f]{40})63", code)[1:]):
            answer = self.results.get(("0x" + contract, selector(_PAIRS.parts[place % 2])))
            words += [bytes(31) + b"\1" + bytes.fromhex(answer[2:66]) if isinstance(answer, str) else bytes(64)]
        return {"result": "0x" + b"".join(words).hex()}


def selector(function: Any) -> str:
    return "0x" + function.selector.hex()


def named(answer: str | dict[str, Any]) -> Node:
    registry = "0x" + encode(("address",), (RESOLVER,)).hex()
    return Node({(REGISTRY, selector(ens._RESOLVER)): registry, (RESOLVER, selector(ens._NAME)): answer})


def text(content: bytes, *, length: int | None = None) -> str:
    head = (32).to_bytes(32, "big") + (len(content) if length is None else length).to_bytes(32, "big")
    return "0x" + (head + content.ljust(-(-len(content) // 32) * 32, b"\0")).hex()


@pytest.mark.parametrize(
    "answer",
    [
        text(b"\xff\xfe"),
        text(b"a", length=2**255),
        text(b"a", length=2**63),
        text(b"a" * 4_096),
        "0x" + "ff" * 64,
        "0x",
        {"code": -32000, "message": "invalid opcode: INVALID"},
        {"code": -32000, "message": "out of gas"},
        {"code": -32003, "message": "EVM error OutOfGas"},
        {"code": -32015, "message": "VM execution error."},
        {"code": 3, "message": "execution reverted"},
        {"code": -32000, "message": "stack limit reached 1024 (1023)"},
        {"code": -32000, "message": "execution aborted (timeout = 5s)"},
    ],
    ids=[
        *("no text", "absurd", "large", "long", "words", "nothing", "invalid", "gas", "gas (anvil)", "vm", "reverted"),
        *("stack", "endless"),
    ],
)
async def test_ens__when_the_wallets_resolver_answers_nonsense__then_no_name(answer: str | dict[str, Any]) -> None:
    assert await ens.EnsSource(named(answer).reader(), REGISTRY).read(WALLET, AT) == SocialRecord()


async def test_ens__when_a_names_own_resolver_answers_nonsense__then_no_name() -> None:
    node = named(text(b"me.eth"))
    node.results[RESOLVER, selector(ens._ADDRESS)] = "0x" + "ff" * 32
    assert await ens.EnsSource(node.reader(), REGISTRY).read(WALLET, AT) == SocialRecord()
    node.results[RESOLVER, selector(ens._ADDRESS)] = "0x" + encode(("address",), (WALLET,)).hex()
    assert await ens.EnsSource(node.reader(), REGISTRY).read(WALLET, AT) == SocialRecord(frozenset({"ens"}))


async def test_ens__when_it_is_the_node_that_fails__then_raised() -> None:
    with pytest.raises(RpcRefusal):
        await ens.EnsSource(named({"code": -32000, "message": "disk is full"}).reader(), REGISTRY).read(WALLET, AT)


def spam(count: int) -> list[Log]:
    """Return a pair's shares, then as many worthless tokens."""
    contracts = [PAIR, *(Address(f"0x{0xBAD << 144 | number:040x}") for number in range(count))]
    return [Log(one, (TRANSFER.topic,), b"", 5, f"0x{5:064x}", place) for place, one in enumerate(contracts)]


def pair_among_tokens(*, bundles: bool = True) -> Node:
    answers = {
        (PAIR, selector(part)): "0x" + encode(("address",), (token,)).hex()
        for part, token in zip(_PAIRS.parts, TOKENS, strict=True)
    }
    pair = "0x" + encode(("address",), (PAIR,)).hex()
    return Node({**answers, (FACTORY, selector(_PAIRS.lookup)): pair}, bundles)


async def test_pools__when_hundreds_of_tokens_were_given__then_a_few_requests_tell_the_pair() -> None:
    node = pair_among_tokens()
    pools = Pools(node.reader(), FACTORY, _PAIRS, AT)
    assert [log.address for log in await pools.of(spam(600))] == [PAIR]
    assert len(node.asked) <= 601 * 2 // 60 + 3
    assert pools.left_out == 0


@pytest.mark.parametrize("bundles", [True, False])
async def test_pools__when_asked_again__then_what_they_are_is_remembered(bundles: bool) -> None:
    node = pair_among_tokens(bundles=bundles)
    first = WalletMemory(AT, WALLET, {})
    assert [log.address for log in await Pools(node.reader(first), FACTORY, _PAIRS, AT).of(spam(70))] == [PAIR]
    node.asked.clear()
    again = WalletMemory(AT, WALLET, first.changed())
    assert [log.address for log in await Pools(node.reader(again), FACTORY, _PAIRS, AT).of(spam(70))] == [PAIR]
    assert node.asked == []


async def test_pools__when_more_gave_than_anybody_trades_with__then_the_newest_are_left_out_and_told() -> None:
    node = pair_among_tokens()
    pools = Pools(node.reader(), FACTORY, _PAIRS, AT)
    assert [log.address for log in await pools.of(spam(2_000))] == [PAIR]
    assert pools.left_out == 2_001 - MOST_CONTRACTS
    assert len(node.asked) < 60


def test_bundle__when_each_call_is_given_its_gas__then_no_contract_takes_what_the_others_need() -> None:
    code = bytes.fromhex(creation_code([(PAIR, _PAIRS.parts[0], ())], 60_000)[2:])
    assert bytes.fromhex(PAIR[2:]) + b"\x63" + (60_000).to_bytes(4, "big") + b"\xfa" in code
