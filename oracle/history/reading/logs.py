"""Event logs of a range of blocks, complete or not at all: ranges that a node refuses are halved."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientResponseError

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.request import Address
from oracle.history.reading.abi import address_topic
from oracle.history.reading.memory import Stored, WalletMemory, source_key
from oracle.history.reading.reader import ChainReader, RateLimited, RpcRefusal, quantity
from oracle.nodes.refusals import LOGS, Refusal, gives_up, refuses_by_status

Topics = Sequence[str | Sequence[str] | None]

# Changes with what is believed of a node, so that nothing of before is taken.
_FORM: Final = 2
# After a refusal, ranges are doubled again when so many in a row went well.
_RANGES_BEFORE_WIDER: Final = 4
# A long read's progress is checked and noted after so many ranges or seconds: it costs two requests.
_RANGES_A_PART: Final = 50
_SECONDS_A_PART: Final = 60.0
# Nodes that cut an answer without saying so cut it at a round number.
_SILENT_CUTS: Final = frozenset({1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000})


@dataclass(frozen=True, slots=True)
class Log:
    """One event log, in the chain's order by (`block_number`, `index`).

    `transaction_hash` is None where the log was not read from a node.
    """

    address: Address
    topics: tuple[str, ...]
    data: bytes
    block_number: int
    block_hash: str
    index: int
    transaction_hash: str | None = None


def place_of(log: Log) -> tuple[int, int]:
    """Return what orders logs as the chain does."""
    return log.block_number, log.index


async def read_logs(
    reader: ChainReader,
    contracts: Sequence[Address],
    topics: Topics,
    first_block: int,
    last_block: int,
    span_blocks: int,
) -> AsyncIterator[list[Log]]:
    """Yield the logs of `first_block`..`last_block`, range after range, each sorted and without duplicates.

    Asks for ranges of `span_blocks`, and for narrower ones for a while where the node refuses; raises HistoryIncomplete
    when a single block is too much for it. Where the reader remembers the wallet, only blocks that no earlier read
    covered are asked for; of a long read that fails, the next one goes on behind what was noted.
    """
    memory = reader.memory
    if memory is None or last_block != memory.at.number or address_topic(memory.wallet) not in topics:
        async for _, logs in _read_anew(reader, contracts, topics, first_block, last_block, span_blocks):
            yield logs
        return
    source = source_key("logs", _FORM, contracts, topics, first_block)
    known = memory.find(source)
    kept: list[Any] = []
    if known is not None and await reader.is_canonical(known.to_block, known.to_hash):
        kept = [raw for raw in known.content if raw[3] <= last_block]
        yield [log_from_plain(raw) for raw in kept]
        if known.to_block >= last_block:
            return
        first_new = known.to_block + 1
    else:
        first_new = first_block
    ranges, noted_at = 0, time.monotonic()
    async for end, logs in _read_anew(reader, contracts, topics, first_new, last_block, span_blocks):
        kept += [plain_log(log) for log in logs]
        yield logs
        ranges += 1
        if end < last_block and (ranges % _RANGES_A_PART == 0 or time.monotonic() - noted_at > _SECONDS_A_PART):
            part = Stored(first_block, end, await _checked_hash(reader, memory, end), list(kept))
            memory.keep_part(source, part)
            noted_at = time.monotonic()
    memory.keep(source, first_block, kept)


async def _checked_hash(reader: ChainReader, memory: WalletMemory, number: int) -> str:
    """Return the hash of a block before the read's, which is the chain's still: so is what was read up to here."""
    block = await reader.request("eth_getBlockByNumber", [hex(number), False])
    if block is None:
        raise BlockUnavailable(f"the node has no block {number}, up to which logs were read: ask another endpoint")
    await reader.confirm(memory.at)
    return str(block["hash"])


async def _read_anew(
    reader: ChainReader,
    contracts: Sequence[Address],
    topics: Topics,
    first_block: int,
    last_block: int,
    span_blocks: int,
) -> AsyncIterator[tuple[int, list[Log]]]:
    """Yield (last block, logs) of range after range."""
    if first_block <= last_block:
        await reader.check_keeps_logs(first_block, last_block)
    start, span, in_a_row = first_block, span_blocks, 0
    while start <= last_block:
        end = min(start + span - 1, last_block)
        found = await _read_range(reader, contracts, topics, start, end)
        if found is None:
            if start == end:
                raise HistoryIncomplete(f"the node refuses even the logs of block {start} alone: ask another endpoint")
            span, in_a_row = (end - start + 1) // 2, 0
            continue
        yield end, found
        start, in_a_row = end + 1, in_a_row + 1
        if in_a_row % _RANGES_BEFORE_WIDER == 0:
            span = min(2 * span, span_blocks)


async def _read_range(
    reader: ChainReader, contracts: Sequence[Address], topics: Topics, start: int, end: int
) -> list[Log] | None:
    """Return the logs of one range, None when it is too much for one answer."""
    query = {"address": list(contracts), "topics": list(topics), "fromBlock": hex(start), "toBlock": hex(end)}
    try:
        raw = await reader.request(LOGS, [query])
    except RateLimited:
        raise  # smaller ranges would only be more requests
    except RpcRefusal as refusal:
        # Words that are in no table are taken for the same, as long as there is less to ask for.
        if start < end or refusal.kind is Refusal.TOO_MUCH:
            return None
        raise
    except (ClientResponseError, TimeoutError) as error:
        if refuses_by_status(error) or (start < end and gives_up(error)):
            return None
        raise
    if not isinstance(raw, list):
        raise HistoryIncomplete(f"the node answered the logs of blocks {start} to {end} with {raw!r}, expected a list")
    if len(raw) in _SILENT_CUTS and end > start:
        return None
    logs = {(log.block_number, log.index): log for log in map(_parse, raw)}
    for log in logs.values():
        if not start <= log.block_number <= end:
            raise HistoryIncomplete(f"asked for blocks {start} to {end}, the node sent a log of {log.block_number}")
    return [logs[place] for place in sorted(logs)]


def plain_log(log: Log) -> list[Any]:
    """Return a log as plain JSON values; the block number is at place 3."""
    place = [log.block_number, log.block_hash, log.index, log.transaction_hash]
    return [log.address, list(log.topics), log.data.hex(), *place]


def log_from_plain(raw: list[Any]) -> Log:
    """Return the log that `plain_log` was given."""
    address, topics, data, *place = raw
    return Log(Address(address), tuple(topics), bytes.fromhex(data), *place)


def _parse(raw: dict[str, Any]) -> Log:
    if raw.get("removed"):
        raise HistoryIncomplete(f"the node sent a log of block {raw.get('blockHash')}, which was reorganised away")
    return Log(
        address=Address(str(raw["address"]).lower()),
        topics=tuple(str(topic).lower() for topic in raw["topics"]),
        data=bytes.fromhex(str(raw["data"])[2:]),
        block_number=quantity(raw["blockNumber"]),
        block_hash=str(raw["blockHash"]),
        index=quantity(raw["logIndex"]),
        transaction_hash=raw.get("transactionHash"),
    )


async def time_of(reader: ChainReader, log: Log | None) -> int | None:
    """Return the time of a log's block, in Unix seconds; None without a log."""
    return None if log is None else quantity((await reader.block(log.block_hash))["timestamp"])
