"""Transactions of a wallet, from a node with the Otterscan interface, page after page from the newest."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.history import TransactionHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.routers import NO_ROUTERS, Routers
from oracle.history.reading.reader import ChainReader, RpcRefusal, quantity
from oracle.history.transactions.tally import Tally, Transaction, finish, remembered, tally_key

_PAGE_LIMIT: Final = re.compile(r"page size:? (\d+)", re.IGNORECASE)
_SOURCE: Final = "transactions:ots"


_SEARCH: Final = "ots_searchTransactionsBefore"


async def check_otterscan(reader: ChainReader) -> None:
    """Raise ConfigurationFault when no node searches a wallet's transactions, whether it lists the method or not."""
    try:
        # Of the blocks before the first one: there is little to search.
        await reader.request(_SEARCH, ["0x" + "00" * 20, 1, 1])
    except (RpcRefusal, BlockUnavailable, HistoryIncomplete):
        return  # what it says of this question says nothing of others


class TransactionSource:
    """A wallet's own transactions; those that only touch it inside another's call are not counted."""

    name = "transactions"

    def __init__(self, reader: ChainReader, *, page_size: int, routers: Routers = NO_ROUTERS) -> None:
        self._reader = reader
        self._page_size = page_size
        self._routers = routers
        self._key = tally_key(_SOURCE, routers)

    async def read(self, wallet: Address, at: BlockRef) -> TransactionHistory:
        """Return counts, sums and times up to the block.

        Raises HistoryIncomplete when the transactions found do not account for the wallet's nonce.
        """
        tally = Tally(wallet, self._routers)
        known = await remembered(self._reader, self._key, at)
        after = 0 if known is None else known.to_block
        async for page in self._pages(wallet, at, after):
            for transaction in page:
                if transaction.block_number > after:
                    tally.add(transaction)
            del page
        if known is not None:
            tally.add_older(known.content)
        return await finish(self._reader, self._key, tally, at)

    async def _pages(self, wallet: Address, at: BlockRef, after: int) -> AsyncIterator[Sequence[Transaction]]:
        """Yield the pages that hold the blocks from the one behind `after` to `at`, newest first, in whole blocks."""
        before = at.number + 1
        # The genesis block holds no transactions.
        while before > after + 1:
            page = await self._page(wallet, before)
            transactions = _parse_page(page, wallet)
            if any(transaction.block_number >= before for transaction in transactions):
                raise HistoryIncomplete(f"asked for {wallet}'s transactions before block {before}, got later ones")
            yield transactions
            if page.get("lastPage"):
                return
            if not transactions:
                raise HistoryIncomplete(f"the node sent an empty page of {wallet}'s transactions before block {before}")
            before = min(transaction.block_number for transaction in transactions)
            # A page takes a megabyte or two: it goes before the next one comes.
            del page, transactions

    async def _page(self, wallet: Address, before: int) -> Any:
        while True:
            try:
                return await self._reader.request(_SEARCH, [wallet, before, self._page_size])
            except RpcRefusal as refusal:
                # Erigon names its limit, 25 unless it was started with another.
                limit = _PAGE_LIMIT.search(refusal.text)
                if limit is None or int(limit[1]) >= self._page_size:
                    raise
                self._page_size = max(int(limit[1]), 1)


def _parse_page(page: Any, wallet: Address) -> list[Transaction]:
    if (
        not isinstance(page, dict)
        or not isinstance(page.get("txs"), list)
        or not isinstance(page.get("receipts"), list)
    ):
        raise HistoryIncomplete(f"the node answered {wallet}'s transactions with something else than a page of them")
    if len(page["txs"]) != len(page["receipts"]):
        raise HistoryIncomplete(f"a page of {wallet}'s transactions came without all of its receipts")
    receipts = {receipt["transactionHash"]: receipt for receipt in page["receipts"]}
    transactions = [_parse(raw, receipts) for raw in page["txs"]]
    return sorted(transactions, key=lambda one: (one.block_number, one.nonce), reverse=True)


def _parse(raw: dict[str, Any], receipts: dict[str, dict[str, Any]]) -> Transaction:
    receipt = receipts.get(raw["hash"])
    if receipt is None:
        raise HistoryIncomplete(f"the node sent transaction {raw['hash']} without its receipt")
    recipient = raw.get("to")
    price_wei = quantity(receipt.get("effectiveGasPrice") or raw.get("gasPrice"))
    return Transaction(
        hash=str(raw["hash"]),
        block_number=quantity(raw["blockNumber"]),
        timestamp=quantity(receipt.get("timestamp")),
        sender=Address(str(raw["from"]).lower()),
        recipient=None if recipient is None else Address(str(recipient).lower()),
        nonce=quantity(raw["nonce"]),
        value_wei=quantity(raw["value"]),
        fee_wei=quantity(receipt["gasUsed"]) * price_wei,
        succeeded=_succeeded(raw, receipt),
        data=str(raw.get("input") or "0x"),
    )


def _succeeded(raw: dict[str, Any], receipt: dict[str, Any]) -> bool:
    """Return whether a transaction did what it was to do.

    Receipts of before Byzantium (2017) have a state root in the status's place, unless the node ran their blocks anew.
    What failed then used up all of its gas (reverting came with Byzantium, EIP-140), so one that left some succeeded;
    of the others nothing is known.
    """
    if receipt.get("status") is not None:
        return quantity(receipt["status"]) == 1
    if quantity(receipt.get("gasUsed")) < quantity(raw.get("gas")):
        return True
    raise HistoryIncomplete(
        f"the receipt of transaction {raw['hash']} has no status and all of its gas is used, so that nobody can tell "
        "whether it succeeded: ask a node that gives one (as Erigon does), or a transactions API"
    )
