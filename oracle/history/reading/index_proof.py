"""Whether an index lacks the oldest logs of a contract: a node that dropped them may have filled it with nothing."""

from collections.abc import Awaitable, Callable, Sequence

from oracle.assessment.errors import BlockUnavailable
from oracle.assessment.request import Address
from oracle.history.reading.event_store import Cursor
from oracle.history.reading.logs import read_logs
from oracle.history.reading.reader import ChainReader

Untouched = Callable[[Address, str], Awaitable[bool]]
"""Whether a contract was used by nobody up to the end of a block, named by its hash: then it logged nothing."""


async def cursor_at(reader: ChainReader, number: int) -> Cursor:
    """Return the chain's block of a number; raises BlockUnavailable when the node lacks it."""
    block = await reader.request("eth_getBlockByNumber", [hex(number), False])
    if block is None:
        raise BlockUnavailable(f"the node has no block {number}, up to which events were indexed: ask another endpoint")
    return Cursor(number, str(block["hash"]))


async def lacks_oldest(
    reader: ChainReader,
    contract: Address,
    topics: Sequence[str],
    untouched: Untouched,
    first_block: int,
    last_block: int,
) -> bool:
    """Return whether a contract logged something in a range of which nothing is indexed.

    Whoever used it first left a log: where its state shows a use, the first one is looked for, and its block is asked.
    """
    if last_block < first_block or await _is_untouched(reader, contract, untouched, last_block):
        return False
    low, high = first_block, last_block
    while low < high:
        middle = (low + high) // 2
        if await _is_untouched(reader, contract, untouched, middle):
            low = middle + 1
        else:
            high = middle
    # It may have been used in a way that logs nothing of what is indexed.
    return any([logs async for logs in read_logs(reader, [contract], [list(topics)], low, low, 1)])


async def _is_untouched(reader: ChainReader, contract: Address, untouched: Untouched, number: int) -> bool:
    return await untouched(contract, (await cursor_at(reader, number)).block_hash)
