"""Whether a node still has the logs of old blocks: one that dropped them may answer as if there had been none.

A block's header outlives its receipts, and its bloom filter says which logs there must be. So a node is believed from
a block on, whose logs it gave as the header promises them, to a query by contract as well: some answer only those with
nothing. Nodes drop the oldest first, so what holds for a block holds for all behind it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientResponseError
from eth_utils.crypto import keccak

from oracle.assessment.errors import BlockUnavailable
from oracle.nodes.refusals import LOGS, Refusal, gives_up, node_error, refuses_by_status

# A node goes on dropping: what it showed is asked again after so long.
_BELIEVED_SECONDS: Final = 600.0
# How far behind the range the first block with logs is looked for, in steps that double.
_LONGEST_LOOK: Final = 4_096
_NEARBY_BLOCKS: Final = 16
_BLOOM_BITS: Final = 2_048

Logs = Sequence[Mapping[str, Any]]

Ask = Callable[[str, list[Any]], Awaitable[Mapping[str, Any]]]
"""Asks the one node for an answer, with its `result` or `error`; faults of the transport pass through."""


@dataclass
class Proofs:
    """How many requests were made to prove that nodes have what they are asked for."""

    requests: int = 0


_COUNTED: Final[ContextVar[Proofs | None]] = ContextVar("proofs", default=None)


@contextmanager
def counted_proofs() -> Iterator[Proofs]:
    """Count the requests that this task, and those that it starts inside, make for proofs."""
    proofs = Proofs()
    before = _COUNTED.set(proofs)
    try:
        yield proofs
    finally:
        _COUNTED.reset(before)


class KeptLogs:
    """What one node has shown to have of its logs; times are those of `clock`, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: int | None = None
        self._quiet: tuple[int, int] | None = None
        self._believed_until = 0.0
        self._checking = asyncio.Lock()

    def forget(self) -> None:
        """Believe nothing of what was shown: another node may stand behind the address."""
        self._since = self._quiet = None

    async def check(self, first_block: int, last_block: int, ask: Ask) -> None:
        """Raise BlockUnavailable unless the node has the logs from a block on, as far as headers tell.

        A chain whose blocks before and at the range's start hold no logs has nothing to show, and is believed for this
        range.
        """
        if self._is_shown(first_block, last_block):
            return
        async with self._checking:
            if self._is_shown(first_block, last_block):
                return
            if await self._show(first_block, last_block, _counting(ask)):
                self._since = first_block
            else:
                self._quiet = first_block, last_block
            self._believed_until = self._clock() + _BELIEVED_SECONDS

    def _is_shown(self, first_block: int, last_block: int) -> bool:
        if self._clock() >= self._believed_until:
            self.forget()
        shown = self._since is not None and self._since <= first_block
        return shown or (self._quiet is not None and self._quiet[0] <= first_block and last_block <= self._quiet[1])

    async def _show(self, first_block: int, last_block: int, ask: Ask) -> bool:
        """Return whether there was something to show."""
        try:
            # Most blocks of a public chain hold logs; few of a young one do, but some of those before the range.
            if await _shows(first_block, await _logs(first_block, first_block, ask), ask):
                return True
            nearby = await _logs(max(first_block - _NEARBY_BLOCKS, 0), first_block, ask)
            if nearby:
                newest = nearby[-1].get("blockNumber")
                logs = [log for log in nearby if log.get("blockNumber") == newest]
                if await _shows(int(str(newest), 16), logs, ask):
                    return True
            for number in _candidates(first_block, last_block):
                if await _promises(number, ask) and await _shows(number, await _logs(number, number, ask), ask):
                    return True
        except _Lacking as lacking:
            raise BlockUnavailable(
                f"the logs of blocks {first_block} to {last_block} are asked for, but the node has not those of "
                f"{lacking}. It dropped old receipts, and its other answers may be empty for that alone: ask one that "
                "keeps them"
            ) from None
        return False


class _Lacking(Exception):
    """The node lacks the logs of a block that has some."""


def _candidates(first_block: int, last_block: int) -> Iterator[int]:
    """Yield blocks at and before a range, nearest first: the first with logs decides for all behind it."""
    yield first_block
    step = 1
    while first_block - step > 0:
        yield first_block - step
        step *= 2
    step = 1
    while step <= _LONGEST_LOOK and first_block + step <= last_block:
        yield first_block + step
        step *= 2


async def _shows(number: int, logs: Logs | None, ask: Ask) -> bool:
    """Return whether the node gave a block's logs as its header promises them; False when there are none.

    Raises _Lacking when some are left out.
    """
    if not logs:
        return False
    header = (await _asked(ask, "eth_getBlockByHash", logs[0].get("blockHash"), False)).get("result")
    promised = _bloom_in(header, number)
    # Some chains log besides what their headers tell; none tells of more than it logged.
    if promised & ~_bloom(logs):
        raise _Lacking(f"block {number}: its header tells of more than the node gives")
    topics = [[topic] for topic in list(logs[0].get("topics", ()))[:1]]
    query = {"address": [logs[0]["address"]], "topics": topics, "fromBlock": hex(number), "toBlock": hex(number)}
    answer = await _asked(ask, LOGS, query)
    if answer.get("result") == []:
        raise _Lacking(f"block {number}: it gives some, but none of contract {logs[0]['address']} by its address")
    return True


async def _promises(number: int, ask: Ask) -> bool:
    """Return whether a block's header tells of logs; raises _Lacking when the node keeps them back."""
    if not await _bloom_at(number, ask):
        return False
    if await _logs(number, number, ask) == []:
        raise _Lacking(f"block {number}: its header tells of some, and the node gives none")
    return True


async def _logs(first: int, last: int, ask: Ask) -> Logs | None:
    """Return all logs of some blocks, None where the node does not give them so.

    Those of a single one come from its receipts where a node wants every query to name a contract.
    """
    answer = await _asked(ask, LOGS, {"fromBlock": hex(first), "toBlock": hex(last)})
    if "error" not in answer:
        result = answer.get("result")
        return result if isinstance(result, list) else None
    if first < last:
        return None
    receipts = (await _asked(ask, "eth_getBlockReceipts", hex(first))).get("result")
    if not isinstance(receipts, list):
        return None
    return [log for receipt in receipts for log in receipt.get("logs", ())]


async def _bloom_at(number: int, ask: Ask) -> int:
    # A block comes with the list of its transactions, which can be long: only where nobody knows the smaller question.
    header = (await _asked(ask, "erigon_getHeaderByNumber", hex(number))).get("result")
    return _bloom_in(header or (await _asked(ask, "eth_getBlockByNumber", hex(number), False)).get("result"), number)


def _bloom_in(header: Any, number: int) -> int:
    if not isinstance(header, Mapping):
        raise _Lacking(f"block {number}, nor its header")
    return int(str(header.get("logsBloom") or "0x0"), 16)


async def _asked(ask: Ask, method: str, *params: Any) -> Mapping[str, Any]:
    """Return an answer, that of a status which refuses the request as an error; raises _Lacking for what is gone."""
    try:
        answer = await ask(method, list(params))
    except ClientResponseError as error:
        if not (refuses_by_status(error) or gives_up(error)):
            raise
        return {"error": {"code": 0, "message": f"HTTP {error.status}"}}
    if "error" in answer and (told := node_error(method, answer["error"])).kind is Refusal.UNSERVED:
        raise _Lacking(f"one ({told.text or f'refused with code {told.code}'})")
    return answer


def _counting(ask: Ask) -> Ask:
    async def counted(method: str, params: list[Any]) -> Mapping[str, Any]:
        if (proofs := _COUNTED.get()) is not None:
            proofs.requests += 1
        return await ask(method, params)

    return counted


def _bloom(logs: Sequence[Mapping[str, Any]]) -> int:
    """Return the bloom filter of logs, as headers hold it (Ethereum's yellow paper, 4.3.1)."""
    bits = 0
    for told in {str(one) for log in logs for one in (log["address"], *log.get("topics", ()))}:
        digest = keccak(hexstr=told)
        for place in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[place : place + 2], "big") % _BLOOM_BITS)
    return bits
