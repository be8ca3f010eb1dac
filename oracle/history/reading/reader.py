"""Reads from a node, pinned to a block's hash, with refusals turned into the domain's errors."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from eth_abi.exceptions import DecodingError
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete, TransientFault
from oracle.assessment.request import Address, BlockRef
from oracle.history.reading.abi import Function
from oracle.history.reading.bundle import Call, creation_code, read_words
from oracle.history.reading.memory import WalletMemory
from oracle.nodes.kept_logs import KeptLogs
from oracle.nodes.refusals import NodeError, Refusal, node_error


class RpcRefusal(TransientFault):
    """The node answered a request with an error; `text` is the node's, `kind` what it means."""

    def __init__(self, error: NodeError) -> None:
        super().__init__(f"{error.method} was refused with code {error.code}: {error.text}")
        self.kind = error.kind
        self.text = error.text


class RateLimited(RpcRefusal):
    """The node wants fewer requests, not smaller ones."""


class CallReverted(ConfigurationFault):
    """A view function reverted."""


class Node(Protocol):
    """What answers JSON-RPC requests."""

    async def make_request(self, method: RPCEndpoint, params: Any) -> Any:
        """Return the answer, with its `result` or `error`."""
        ...


@runtime_checkable
class SeveralNodes(Protocol):
    """Endpoints of which some may be behind: asked for one block, they answer as far as they have it."""

    @property
    def count(self) -> int:
        """How many they are."""
        ...

    def holding(self, number: int, block_hash: str) -> Node:
        """Return those that have a block; what they are asked raises BlockUnavailable when none has it."""
        ...

    def first_last(self, count: int) -> AbstractContextManager[None]:
        """Ask the first so many only after the others, in every request inside."""
        ...


# Of nodes that are asked without a pool, which has its own of each endpoint.
_KEPT_LOGS: WeakKeyDictionary[AsyncHTTPProvider, KeptLogs] = WeakKeyDictionary()


class ChainReader:
    """A node's reads, at most `concurrency` at a time; `requests` counts them, those that `memory` answered left out.

    Every state read names a block hash, so that a reorganisation turns into an error, never into mixed numbers. Logs
    and lists of transactions can only name a number: of several nodes, those are asked that have the block which
    `confirm` was given, from then on. A reader reads at one block at a time.
    Faults of the transport (timeouts, HTTP status) pass through as the web3 provider raises them.
    """

    def __init__(self, web3: AsyncWeb3[Any], *, concurrency: int = 32, memory: WalletMemory | None = None) -> None:
        self._web3 = web3
        self.memory = memory
        self._pinned: tuple[BlockRef, Node] | None = None
        self._slots = asyncio.Semaphore(concurrency)
        self.requests = 0

    async def request(self, method: str, params: Sequence[Any]) -> Any:
        """Return the `result` of a JSON-RPC request, None included.

        Raises BlockUnavailable, CallReverted, ConfigurationFault (unknown method), or RpcRefusal for the rest.
        """
        async with self._slots:
            self.requests += 1
            node: Node = self._web3.provider if self._pinned is None else self._pinned[1]
            answer = await _unbroken(node, method, params)
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        raise _fault(node_error(method, error))

    async def check_keeps_logs(self, first_block: int, last_block: int) -> None:
        """Raise BlockUnavailable when the node dropped the logs of a range; a provider of its own kind does itself."""
        provider = self._web3.provider
        if type(provider) is not AsyncHTTPProvider:
            return
        kept = _KEPT_LOGS.setdefault(provider, KeptLogs())

        await kept.check(first_block, last_block, partial(_unbroken, provider))

    async def call(self, contract: Address, function: Function, *arguments: Any, block_hash: str) -> tuple[Any, ...]:
        """Return what a view function answered at the end of a block.

        Raises ConfigurationFault when the contract has no code there or answers something else.
        """
        transaction = {"to": contract, "data": function.call_data(*arguments)}
        answer = await self._at_hash("eth_call", [transaction, pinned(block_hash)], block_hash)
        return self._decoded(answer, contract, function, block_hash)

    async def constant(self, contract: Address, function: Function, block_hash: str) -> tuple[Any, ...]:
        """Return what a view function answers at every block of the contract's life, asked at one of them.

        Kept without the block: which block of several asks first is a matter of timing.
        """
        transaction = {"to": contract, "data": function.call_data()}
        answer = None if self.memory is None else self.memory.answer("constant", [transaction])
        if answer is None:
            answer = await self.request("eth_call", [transaction, pinned(block_hash)])
            if self.memory is not None:
                self.memory.keep_answer("constant", [transaction], answer)
        return self._decoded(answer, contract, function, block_hash)

    def _decoded(self, answer: Any, contract: Address, function: Function, block_hash: str) -> tuple[Any, ...]:
        data = bytes.fromhex(str(answer)[2:])
        if not data:
            raise ConfigurationFault(
                f"contract {contract} does not answer {function.name} at block {block_hash}: no code there? "
                "Check its address and start block in the configuration"
            )
        try:
            return function.decode(data)
        except DecodingError as error:
            raise ConfigurationFault(
                f"contract {contract} answers {function.name} with {len(data)} bytes that do not decode as "
                f"({', '.join(function.outputs)}): is the address right?"
            ) from error

    async def _at_hash(self, method: str, params: Sequence[Any], block_hash: str) -> Any:
        """Return what was answered at a block before; the block of this read is asked about each time."""
        if self.memory is None or block_hash == self.memory.at.hash:
            return await self.request(method, params)
        answer = self.memory.answer(method, params)
        if answer is None:
            answer = await self.request(method, params)
            if answer is not None:
                self.memory.keep_answer(method, params, _header(answer))
        return answer

    async def words(self, calls: Sequence[Call], block_hash: str, gas: int | None = None) -> list[int | None]:
        """Return the words that several view functions answered at the end of a block, with one request.

        Each may use `gas`, or (None) all that is left. None stands for each that reverted or gave nothing, and for all
        where the node does not run such a request: ask those one by one, which tells why.
        """
        memory = None if self.memory is None or block_hash == self.memory.at.hash else self.memory
        # Named by what is asked: the code is long, and needs not be made to find an earlier answer.
        asked = [block_hash, *([contract, function.name, *map(str, given)] for contract, function, given in calls)]
        known: list[int | None] | None = None if memory is None else memory.answer("words", asked)
        if known is not None:
            return known
        try:
            answer = await self.request("eth_call", [{"data": creation_code(calls, gas)}, pinned(block_hash)])
            words = read_words(bytes.fromhex(str(answer)[2:]), len(calls))
        except (RpcRefusal, ConfigurationFault, ValueError):
            return [None] * len(calls)
        if memory is not None:
            memory.keep_answer("words", asked, words)
        return words

    async def balance(self, wallet: Address, block_hash: str) -> int:
        """Return an account's coins at the end of a block, in wei."""
        return quantity(await self.request("eth_getBalance", [wallet, pinned(block_hash)]))

    async def nonce(self, wallet: Address, block_hash: str) -> int:
        """Return an account's transaction count at the end of a block."""
        return quantity(await self.request("eth_getTransactionCount", [wallet, pinned(block_hash)]))

    async def code(self, wallet: Address, block_hash: str) -> bytes:
        """Return an account's code at the end of a block."""
        return bytes.fromhex(str(await self.request("eth_getCode", [wallet, pinned(block_hash)]))[2:])

    async def block(self, block_hash: str) -> dict[str, Any]:
        """Return a block's header fields as the node sends them; raises BlockUnavailable for an unknown hash."""
        block = await self._at_hash("eth_getBlockByHash", [block_hash, False], block_hash)
        if block is None:
            raise BlockUnavailable(f"the node does not know block {block_hash}: not synced, pruned or reorganised away")
        return dict(block)

    async def is_canonical(self, number: int, block_hash: str) -> bool:
        """Return whether the chain's block of a number is the one with this hash."""
        if self.memory is not None and number == self.memory.at.number:
            return block_hash == self.memory.at.hash  # which is confirmed before and after
        block = await self.request("eth_getBlockByNumber", [hex(number), False])
        return block is not None and str(block["hash"]).lower() == block_hash.lower()

    async def confirm(self, at: BlockRef) -> None:
        """Check that the chain's block of this number is the one meant; raises BlockUnavailable otherwise.

        Called before a read and after: of several nodes, all that answered in between are asked the second time.
        """
        nodes = self._web3.provider
        if isinstance(nodes, SeveralNodes) and (self._pinned is None or self._pinned[0] != at):
            self._pinned = at, nodes.holding(at.number, at.hash)
        block = await self.request("eth_getBlockByNumber", [hex(at.number), False])
        if block is None:
            raise BlockUnavailable(f"the node has no block {at.number} yet, or no longer: wait until it is synced")
        if str(block["hash"]).lower() != at.hash.lower():
            raise BlockUnavailable(
                f"block {at.number} is {block['hash']} on the node, expected {at.hash}: it was reorganised away"
            )
        if quantity(block["timestamp"]) != at.timestamp:
            raise HistoryIncomplete(
                f"block {at.number} has time {quantity(block['timestamp'])}, the request says {at.timestamp}"
            )


def pinned(block_hash: str) -> dict[str, Any]:
    """Return the block parameter that names a hash (EIP-1898), valid only while the block is canonical."""
    return {"blockHash": block_hash, "requireCanonical": True}


def quantity(value: Any) -> int:
    """Return the integer of a JSON-RPC quantity; raises HistoryIncomplete when it is missing."""
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        raise HistoryIncomplete(f"the node left out a number (got {value!r}, expected 0x and hex digits)")
    return int(value, 16)


def _header(answer: Any) -> Any:
    """Return an answer without the list of a block's transactions, which can be long."""
    if not isinstance(answer, dict):
        return answer
    return {name: answer[name] for name in ("number", "hash", "timestamp", "baseFeePerGas") if name in answer}


async def _unbroken(node: Node, method: str, params: Sequence[Any]) -> Any:
    """Return a node's answer; who is cancelled meanwhile goes, and the request runs to its end.

    A request that is cancelled while web3 waits for its session's lock leaves the lock taken for ever, and every later
    request hangs.
    """
    request = asyncio.ensure_future(node.make_request(RPCEndpoint(method), list(params)))
    request.add_done_callback(_collect)
    return await asyncio.shield(request)


def _collect(request: "asyncio.Future[Any]") -> None:
    """Take an abandoned request's error, which nobody is left to hear."""
    if not request.cancelled():
        request.exception()


def _fault(error: NodeError) -> Exception:
    method, text = error.method, error.text
    match error.kind:
        case Refusal.REVERTED:
            return CallReverted(f"{method} reverted: {text}. Is the contract's address right?")
        case Refusal.UNSERVED:
            return BlockUnavailable(f"the node does not serve the block for {method}: {text}")
        case Refusal.UNKNOWN_METHOD:
            return ConfigurationFault(f"the node does not know {method}: point the source at a node that does ({text})")
        case Refusal.BUSY:
            return RateLimited(error)
        case _:
            return RpcRefusal(error)
