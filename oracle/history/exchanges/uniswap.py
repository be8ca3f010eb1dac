"""What Uniswap's generations share: swaps that paid a wallet, in pools that the factory vouches for.

Anybody may mint worthless tokens to a wallet, or log what looks like a swap. What a contract is never changes once it
has logged, so it is asked about once for each wallet, and many at a time. Of more contracts than anybody trades with
the oldest are asked; how many were left out is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.exceptions import DecodingError

from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.reading.abi import Function
from oracle.history.reading.bundle import Call
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.logs import Log, Topics, read_logs
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.strangers import ask_stranger

MOST_CONTRACTS: Final = 1_024
"""So many contracts that gave a wallet something are asked what they are."""

BALANCE_OF: Final = Function("balanceOf", ("address",), ("uint256",))

_IS_POOL: Final = "pool"
_CALLS_AT_ONCE: Final = 60
# A pool's getters take a twentieth of it; a contract that would burn all there is shall not.
_GAS_A_CALL: Final = 60_000
_WORD: Final = 32


@dataclass(frozen=True)
class PoolKind:
    """How a pool says what it trades, and how the factory says which pool trades that."""

    parts: tuple[Function, ...]
    lookup: Function


class Pools:
    """Tells the pools of a factory from other contracts that log the same; one check each, remembered for the wallet.

    `left_out` counts the contracts that were too many to be asked.
    """

    def __init__(self, reader: ChainReader, factory: Address, kind: PoolKind, at: BlockRef) -> None:
        self._reader = reader
        self._factory = factory
        self._kind = kind
        self._at = at
        self.left_out = 0

    async def of(self, logs: Iterable[Log]) -> list[Log]:
        """Return the logs of the factory's pools, in order."""
        listed = list(logs)
        contracts = list(dict.fromkeys(log.address for log in listed))
        self.left_out += len(contracts[MOST_CONTRACTS:])
        genuine = await self._genuine(contracts[:MOST_CONTRACTS])
        return [log for log in listed if log.address in genuine]

    async def _genuine(self, contracts: Sequence[Address]) -> set[Address]:
        memory = self._reader.memory
        known = {one: memory.answer(_IS_POOL, [self._factory, one]) if memory else None for one in contracts}
        unknown = [one for one, answer in known.items() if answer is None]
        at_once = _CALLS_AT_ONCE // len(self._kind.parts)
        groups = [unknown[place : place + at_once] for place in range(0, len(unknown), at_once)]
        for group, answers in zip(groups, await all_of(self._ask(group) for group in groups), strict=True):
            for contract, answer in zip(group, answers, strict=True):
                known[contract] = answer
                if memory is not None:
                    memory.keep_answer(_IS_POOL, [self._factory, contract], answer)
        return {contract for contract, answer in known.items() if answer}

    async def _ask(self, contracts: Sequence[Address]) -> list[bool]:
        """Return which of a few contracts are pools: asked together, or one by one where the node does not do that."""
        parts = self._kind.parts
        # The factory always answers: so it tells a node that does not run this from contracts that all failed.
        nothing = tuple(NATIVE_COIN if kind == "address" else 0 for kind in self._kind.lookup.inputs)
        calls: list[Call] = [(self._factory, self._kind.lookup, nothing)]
        calls += [(contract, part, ()) for contract in contracts for part in parts]
        ran, *words = await self._reader.words(calls, self._at.hash, gas=_GAS_A_CALL)
        if ran is None:
            return await all_of(self._is_pool(contract) for contract in contracts)
        told = [words[place : place + len(parts)] for place in range(0, len(words), len(parts))]
        return await all_of(self._is_factorys(one, values) for one, values in zip(contracts, told, strict=True))

    async def _is_factorys(self, contract: Address, words: Sequence[int | None]) -> bool:
        values = []
        for word, part in zip(words, self._kind.parts, strict=True):
            try:
                values.append(None if word is None else part.decode(word.to_bytes(_WORD, "big"))[0])
            except DecodingError:
                return False
        return None not in values and await self._vouched(contract, values)

    async def _is_pool(self, contract: Address) -> bool:
        values = []
        for part in self._kind.parts:
            answer = await ask_stranger(self._reader, contract, part, block_hash=self._at.hash)
            if answer is None:
                return False
            values.append(answer[0])
        return await self._vouched(contract, values)

    async def _vouched(self, contract: Address, values: Sequence[Any]) -> bool:
        (pool,) = await self._reader.call(self._factory, self._kind.lookup, *values, block_hash=self._at.hash)
        return str(pool).lower() == contract


async def logs_anywhere(
    reader: ChainReader, topics: Topics, start_block: int, at: BlockRef, span_blocks: int
) -> list[Log]:
    """Return the logs of any contract with these topics, up to a block."""
    ranges = read_logs(reader, [], topics, start_block, at.number, span_blocks)
    return [log async for logs in ranges for log in logs]
