"""The interface of every source: one part of a wallet's history, at one block, or an error; never a guess."""

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from oracle.assessment.request import Address, BlockRef

Part = TypeVar("Part", covariant=True)


class Source(Protocol[Part]):
    """Reads one part of a wallet's history.

    `read` raises BlockUnavailable when the block is not served, HistoryIncomplete when an answer has a gap, and
    ConfigurationFault when what it is pointed at is not what the configuration says.
    """

    @property
    def name(self) -> str:
        """A short name for logs and errors, unique among the sources."""
        ...

    # Not `async def`: a coroutine type keeps the protocol covariant and its tasks typed.
    def read(self, wallet: Address, at: BlockRef) -> Coroutine[Any, Any, Part]:
        """Return the part as it was at the end of the block `at`."""
        ...
