"""Logs as a node would send them, encoded from an event's values."""

from eth_abi.abi import encode

from oracle.assessment.request import Address
from oracle.history.reading.abi import Event
from oracle.history.reading.logs import Log

CONTRACT = Address("0x" + "c0" * 20)


def log_of(event: Event, *indexed: str, data: tuple[object, ...], block: int = 1, index: int = 0) -> Log:
    """Return a log: `indexed` are its further topics, `data` the values that are not indexed."""
    return Log(
        address=CONTRACT,
        topics=(event.topic, *indexed),
        data=encode(event.data, data),
        block_number=block,
        block_hash=f"0x{block:064x}",
        index=index,
    )
