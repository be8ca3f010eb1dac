"""What Uniswap's generations share: swaps that paid a wallet, in pools that the factory vouches for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, BlockRef
from oracle.history.reading.abi import Function
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.logs import Log, Topics, read_logs
from oracle.history.reading.reader import ChainReader, RpcRefusal

BALANCE_OF: Final = Function("balanceOf", ("address",), ("uint256",))

# Anybody's contract may log a swap, and fail in any way when it is asked about it.
_EXECUTION_FAILED: Final = re.compile(r"opcode|out of gas|gas limit|stack|jump|execution|EVM", re.IGNORECASE)


@dataclass(frozen=True)
class PoolKind:
    """How a pool says what it trades, and how the factory says which pool trades that."""

    parts: tuple[Function, ...]
    lookup: Function


class Pools:
    """Tells the pools of a factory from other contracts that log the same; one check each, at one block."""

    def __init__(self, reader: ChainReader, factory: Address, kind: PoolKind, at: BlockRef) -> None:
        self._reader = reader
        self._factory = factory
        self._kind = kind
        self._at = at
        self._known: Memo[Address, bool] = Memo(self._is_pool)

    async def of(self, logs: Iterable[Log]) -> list[Log]:
        """Return the logs of the factory's pools, in order."""
        listed = list(logs)
        genuine = await all_of(self._check(log.address) for log in listed)
        return [log for log, is_pool in zip(listed, genuine, strict=True) if is_pool]

    async def _check(self, contract: Address) -> bool:
        return await self._known.get(contract)

    async def _is_pool(self, contract: Address) -> bool:
        try:
            parts = await all_of(
                self._reader.call(contract, part, block_hash=self._at.hash) for part in self._kind.parts
            )
        except ConfigurationFault:
            return False
        except RpcRefusal as refusal:
            if not _EXECUTION_FAILED.search(refusal.text):
                raise
            return False
        values = [part[0] for part in parts]
        (pool,) = await self._reader.call(self._factory, self._kind.lookup, *values, block_hash=self._at.hash)
        return str(pool).lower() == contract


async def logs_anywhere(
    reader: ChainReader, topics: Topics, start_block: int, at: BlockRef, span_blocks: int
) -> list[Log]:
    """Return the logs of any contract with these topics, up to a block."""
    ranges = read_logs(reader, [], topics, start_block, at.number, span_blocks)
    return [log async for logs in ranges for log in logs]
