"""Transactions as one running tally: the same statistics whichever interface they came from."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import TransactionHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.routers import Routers
from oracle.history.reading.memory import Stored, source_key
from oracle.history.reading.reader import ChainReader
from oracle.history.transactions.nonces import check_unused

_DELEGATION_PREFIX: Final = bytes.fromhex("ef0100")
# Changes with what is kept and what it means, so that nothing of an earlier form is taken.
_FORM: Final = 3

_COUNTS: Final = ("failed", "created", "gas_spent_wei")
_EXTREMES: Final[dict[str, Callable[[list[int]], int]]] = {
    "smallest_wei": min,
    "largest_wei": max,
    "first_at": min,
    "last_at": max,
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """One mined transaction: value and fee in wei, time in Unix seconds; `recipient` None creates a contract.

    The fee is the gas used times the price paid. What rollups charge besides for their data on the first layer is left
    out: receipts tell it (`l1Fee`), but not every transactions API does. `data` is what the recipient was called with,
    in hex.
    """

    hash: str
    block_number: int
    timestamp: int
    sender: Address
    recipient: Address | None
    nonce: int
    value_wei: int
    fee_wei: int
    succeeded: bool
    data: str = "0x"


@dataclass
class _Side:
    """Running statistics of one direction; a failed transaction counts but moves no value."""

    count: int = 0
    value_wei: int = 0
    smallest_wei: int | None = None
    largest_wei: int | None = None
    first_at: int | None = None
    last_at: int | None = None
    others: set[Address] = field(default_factory=set)

    def add(self, transaction: Transaction, other: Address | None, wallet: Address) -> None:
        self.count += 1
        self.first_at = min(self.first_at or transaction.timestamp, transaction.timestamp)
        self.last_at = max(self.last_at or transaction.timestamp, transaction.timestamp)
        if other is not None and other != wallet:
            self.others.add(other)
        if transaction.succeeded:
            value = 0 if transaction.sender == transaction.recipient else transaction.value_wei
            self.value_wei += value
            self.smallest_wei = value if self.smallest_wei is None else min(self.smallest_wei, value)
            self.largest_wei = value if self.largest_wei is None else max(self.largest_wei, value)

    def add_older(self, plain: dict[str, Any]) -> None:
        self.count += plain["count"]
        self.value_wei += plain["value_wei"]
        self.others.update(Address(other) for other in plain["others"])
        for name, choose in _EXTREMES.items():
            known = [value for value in (getattr(self, name), plain[name]) if value is not None]
            setattr(self, name, choose(known) if known else None)

    def to_plain(self) -> dict[str, Any]:
        numbers = {name: getattr(self, name) for name in ("count", "value_wei", *_EXTREMES)}
        return {**numbers, "others": sorted(self.others)}


@dataclass
class Tally:
    """What was seen so far, newest first; memory grows with distinct counterparties, not with transactions.

    `routers` are those whose calls tell of swaps that they paid out in coins. `missing` are the nonces between the
    wallet's transactions that none of them used, as first and last ones of gaps, newest first; up to `authorised`, a
    nonce, the node said that they are no transaction's.
    """

    wallet: Address
    routers: Routers = field(default_factory=dict)
    sent: _Side = field(default_factory=_Side)
    received: _Side = field(default_factory=_Side)
    failed: int = 0
    created: int = 0
    gas_spent_wei: int = 0
    highest_nonce: int | None = None
    lowest_nonce: int | None = None
    missing: list[tuple[int, int]] = field(default_factory=list)
    authorised: int = -1
    inner_calls_unread: bool = False
    router_swaps: Counter[str] = field(default_factory=Counter)

    def add(self, transaction: Transaction) -> None:
        """Count a transaction; raises HistoryIncomplete when the wallet's nonces do not fall."""
        if transaction.sender == self.wallet:
            self._add_sent(transaction)
        # Coins that a wallet sends itself are received by nobody, and are no volume.
        own = transaction.sender == self.wallet
        if not own and transaction.recipient == self.wallet and transaction.value_wei > 0 and transaction.succeeded:
            self.received.add(transaction, transaction.sender, self.wallet)

    def _add_sent(self, transaction: Transaction) -> None:
        # Newest first, so nonces fall; one that repeats or rises means a page was served twice or reordered.
        if self.lowest_nonce is not None and transaction.nonce >= self.lowest_nonce:
            raise HistoryIncomplete(
                f"transaction {transaction.hash} of {self.wallet} has nonce {transaction.nonce}, "
                f"expected less than {self.lowest_nonce}: the pages overlap"
            )
        self._note_nonces(transaction.nonce, transaction.nonce)
        self.sent.add(transaction, transaction.recipient, self.wallet)
        self.gas_spent_wei += transaction.fee_wei
        self.failed += not transaction.succeeded
        self.created += transaction.recipient is None and transaction.succeeded
        router = None if transaction.recipient is None else self.routers.get(transaction.recipient)
        if router is not None and transaction.recipient is not None and transaction.succeeded:
            data = bytes.fromhex(transaction.data[2:])
            self.router_swaps[router.exchange] += router.pays(data, self.wallet, transaction.recipient)

    def _note_nonces(self, highest: int, lowest: int) -> None:
        """Note older transactions by the nonces that they end and begin with, and the gap before them."""
        if self.lowest_nonce is not None and highest + 1 < self.lowest_nonce:
            self.missing.append((highest + 1, self.lowest_nonce - 1))
        if self.highest_nonce is None:
            self.highest_nonce = highest
        self.lowest_nonce = lowest

    def add_older(self, plain: dict[str, Any]) -> None:
        """Count what `to_plain` gave of a tally that ended before this one's first block."""
        for name, side in (("sent", self.sent), ("received", self.received)):
            side.add_older(plain[name])
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + plain[name])
        if plain["nonces"] is not None:
            highest, lowest = plain["nonces"]
            self._note_nonces(highest, lowest)
        self.missing += [(first, last) for first, last in plain["missing"]]
        self.authorised = plain["authorised"]
        self.router_swaps.update(plain["router_swaps"])

    def to_plain(self) -> dict[str, Any]:
        """Return the tally as plain JSON values."""
        counts = {name: getattr(self, name) for name in (*_COUNTS, "authorised")}
        sides = {"sent": self.sent.to_plain(), "received": self.received.to_plain()}
        nonces = None if self.highest_nonce is None else [self.highest_nonce, self.lowest_nonce]
        missing = [list(gap) for gap in self.missing]
        swaps = dict(sorted(self.router_swaps.items()))
        return {**sides, **counts, "nonces": nonces, "missing": missing, "router_swaps": swaps}

    async def history(self, reader: ChainReader, at: BlockRef) -> TransactionHistory:
        """Return the statistics, with the balance at the block.

        Raises HistoryIncomplete when the transactions seen do not account for the wallet's nonce.
        """
        await self._check_complete(reader, at)
        sent, received = self.sent, self.received
        return TransactionHistory(
            sent_count=sent.count,
            failed_count=self.failed,
            received_count=received.count,
            created_contracts=self.created,
            first_sent_at=sent.first_at,
            last_sent_at=sent.last_at,
            first_received_at=received.first_at,
            last_received_at=received.last_at,
            sent_wei=sent.value_wei,
            min_sent_wei=sent.smallest_wei,
            max_sent_wei=sent.largest_wei,
            received_wei=received.value_wei,
            min_received_wei=received.smallest_wei,
            max_received_wei=received.largest_wei,
            gas_spent_wei=self.gas_spent_wei,
            senders=len(received.others),
            recipients=len(sent.others),
            counterparties=len(received.others | sent.others),
            balance_wei=await reader.balance(self.wallet, at.hash),
            router_swaps={name: count for name, count in sorted(self.router_swaps.items()) if count},
            inner_calls_unread=self.inner_calls_unread,
        )

    async def _check_complete(self, reader: ChainReader, at: BlockRef) -> None:
        """Account for each of the wallet's nonces, and note whether it acts where no transaction of its own tells.

        A delegation of its code (EIP-7702) uses up a nonce in whoever's transaction it stands, and so does what
        delegated code creates; a contract's nonce counts what it created.
        """
        nonce = await reader.nonce(self.wallet, at.hash)
        if nonce == self.sent.count > 0:
            return
        code = await reader.code(self.wallet, at.hash)
        if code and not code.startswith(_DELEGATION_PREFIX):
            self.inner_calls_unread = True
            return
        if nonce < self.sent.count:
            raise HistoryIncomplete(
                f"{self.wallet} had nonce {nonce} at block {at.number}, but {self.sent.count} sent transactions are "
                "listed: the index is of another chain or block, ask another endpoint"
            )
        self.inner_calls_unread = nonce > self.sent.count
        await self._check_missing(reader, nonce, at)

    async def _check_missing(self, reader: ChainReader, nonce: int, at: BlockRef) -> None:
        """Raise HistoryIncomplete for a missing nonce that a transaction used; `nonce` is the wallet's next one."""
        highest = -1 if self.highest_nonce is None else self.highest_nonce
        lowest = nonce if self.lowest_nonce is None else self.lowest_nonce
        gaps = [(highest + 1, nonce - 1), *self.missing, (0, lowest - 1 if self.sent.count else -1)]
        unknown = {one for first, last in gaps for one in range(max(first, self.authorised + 1), last + 1)}
        listed = f"{self.sent.count} sent transactions up to block {at.number}"
        await check_unused(reader, self.wallet, sorted(unknown), listed)
        self.authorised = nonce - 1


def tally_key(source: str, routers: Routers) -> str:
    """Return the name under which a tally is kept: one that watched other routers is another tally."""
    return source_key(source, _FORM, sorted((address, router.exchange) for address, router in routers.items()))


async def remembered(reader: ChainReader, source: str, at: BlockRef) -> Stored | None:
    """Return an earlier tally of the wallet that ended at or before a block and is still the chain's."""
    known = None if reader.memory is None else reader.memory.find(source)
    if known is None or known.to_block > at.number or not await reader.is_canonical(known.to_block, known.to_hash):
        return None
    return known


async def finish(reader: ChainReader, source: str, tally: Tally, at: BlockRef) -> TransactionHistory:
    """Return the tally's history, checked, and remember the tally."""
    history = await tally.history(reader, at)
    known = None if reader.memory is None else reader.memory.find(source)
    # A read of an older block must not take the place of what covers more.
    if reader.memory is not None and reader.memory.at == at and (known is None or known.to_block <= at.number):
        reader.memory.keep(source, 0, tally.to_plain())
    return history
