"""Asking anybody's contract: it may fail in any way, or answer anything, and none of that is the reader's fault."""

from typing import Any

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address
from oracle.history.reading.abi import Function
from oracle.history.reading.reader import ChainReader, RateLimited, RpcRefusal
from oracle.nodes.refusals import failed_execution


async def ask_stranger(
    reader: ChainReader, contract: Address, function: Function, *arguments: Any, block_hash: str
) -> tuple[Any, ...] | None:
    """Return what a view function answered at the end of a block; None where it failed, or answered something else.

    Faults of the node are raised as `ChainReader.call` raises them.
    """
    try:
        return await reader.call(contract, function, *arguments, block_hash=block_hash)
    except (ConfigurationFault, ValueError, OverflowError):
        return None  # reverted, has no code, or answered bytes that are no such values: text that is no UTF-8, say
    except RateLimited:
        raise
    except RpcRefusal as refusal:
        if not failed_execution(refusal.text):
            raise
        return None
