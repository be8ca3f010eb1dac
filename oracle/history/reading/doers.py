"""Who did it: whether what an account was given came of a transaction of its own, or of a stranger's.

Anybody may supply in an account's name, mint a position to it, or swap and have it paid. That it was the account itself
shows in the transaction: it signed it, or it is the contract that was called (a Safe, or a delegated account that a
relayer drives). An account that a bundler drives through an entry point is not told from a stranger.
"""

from collections.abc import Iterable
from typing import Any, Final

from oracle.assessment.request import Address
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader

# A stranger may give often; the account's own first act is not behind so many gifts.
_LOOKED_AT: Final = 32


async def did_itself(reader: ChainReader, wallet: Address, logs: Iterable[Log]) -> bool:
    """Return whether one of the first few transactions behind these logs is the wallet's own.

    So it is taken for a log of which no transaction is known.
    """
    seen = list(dict.fromkeys(log.transaction_hash for log in logs))
    for name in seen[:_LOOKED_AT]:
        if name is None or wallet in await _parties(reader, name):
            return True
    return False


async def _parties(reader: ChainReader, transaction_hash: str) -> list[Any]:
    """Return who signed a transaction, and who was called by it; that does not change while its block stays."""
    memory, params = reader.memory, [transaction_hash]
    known = None if memory is None else memory.answer("parties", params)
    if known is None:
        found = await reader.request("eth_getTransactionByHash", params)
        if found is None:
            return []
        known = [str(found.get(party) or "").lower() for party in ("from", "to")]
        if memory is not None:
            memory.keep_answer("parties", params, known)
    return list(known)
