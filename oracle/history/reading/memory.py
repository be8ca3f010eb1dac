"""What earlier reads of a wallet found, so that the next one reads only new blocks.

Kept by source, chain, wallet and range of blocks, with the hash of the range's last block: when the chain's block of
that number is another one, the entry is void. A read that fails keeps how far its long sources were. What a contract
answered at the end of a block is kept under the block's hash and never changes; what it answers at every block alike
(a token's decimals) is kept once. Nothing of the chain's head is kept under any other name than a hash.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from oracle.assessment.request import Address, BlockRef

_CALLS: Final = "calls"
_KEY_BYTES: Final = 16
# Changes with what nodes are believed, so that nothing is taken of what was kept when they were believed more.
_FORM: Final = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """A source's findings in the blocks `from_block`..`to_block`, as plain JSON values."""

    from_block: int
    to_block: int
    to_hash: str
    content: Any


class HistoryStore(Protocol):
    """Where findings are kept between reads."""

    async def load(self, chain_id: int, wallet: Address) -> Mapping[str, Stored]:
        """Return all that is kept of a wallet, by source."""
        ...

    async def save(self, chain_id: int, wallet: Address, found: Mapping[str, Stored]) -> None:
        """Keep findings, each in the place of its source's earlier ones."""
        ...


class WalletMemory:
    """What is remembered in one read of a wallet at a block; `changed` is what shall be kept of a complete one."""

    def __init__(self, at: BlockRef, wallet: Address, known: Mapping[str, Stored]) -> None:
        self.at = at
        self.wallet = wallet
        self._known = dict(known)
        self._changed: dict[str, Stored] = {}
        self._reached: dict[str, Stored] = {}
        calls = self._known.pop(_CALLS, None)
        self._calls: dict[str, Any] = {} if calls is None else dict(calls.content)
        self._used: dict[str, Any] = {}
        self._asked_anew = False

    def find(self, source: str) -> Stored | None:
        """Return what is kept of a source; whether its last block is still the chain's is for the caller to check."""
        return self._known.get(source)

    def keep(self, source: str, from_block: int, content: Any) -> None:
        """Note a source's findings up to the block of this read."""
        self._changed[source] = Stored(from_block, self.at.number, self.at.hash, content)

    def keep_part(self, source: str, findings: Stored) -> None:
        """Note a source's findings up to a block before this read's: they count if the read comes to no end."""
        self._reached[source] = findings

    def answer(self, method: str, params: Sequence[Any]) -> Any:
        """Return an earlier answer to a request that names a block by its hash, or to none; None without one."""
        key = _key(method, params)
        found = self._calls.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def keep_answer(self, method: str, params: Sequence[Any], answer: Any) -> None:
        """Note the answer to a request that names a block by its hash, or that is the same at every block."""
        self._asked_anew = True
        self._used[_key(method, params)] = answer

    def changed(self) -> Mapping[str, Stored]:
        """Return what differs from what is kept."""
        news = {source: stored for source, stored in self._changed.items() if stored != self._known.get(source)}
        # Answers that this read did not need belong to blocks that were reorganised away.
        if self._asked_anew or self._used.keys() != self._calls.keys():
            news[_CALLS] = Stored(0, self.at.number, self.at.hash, self._used)
        return news

    def reached(self) -> Mapping[str, Stored]:
        """Return what shall be kept of a read that failed: how far its long sources were when it was last checked."""
        return dict(self._reached)


def source_key(name: str, *what: Any) -> str:
    """Return the name under which a source's findings are kept, different for everything it was pointed at."""
    return f"{name}:{_digest([_FORM, *what])}"


def _key(method: str, params: Sequence[Any]) -> str:
    return _digest([method, *params])


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[: 2 * _KEY_BYTES]
