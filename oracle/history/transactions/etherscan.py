"""Transactions of a wallet from an Etherscan-style API, checked against the node: the same history as from `ots_`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import TransactionHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.routers import NO_ROUTERS, Routers
from oracle.history.reading.reader import ChainReader
from oracle.history.transactions.etherscan_client import EtherscanClient, ResultTooLarge
from oracle.history.transactions.tally import Tally, Transaction, finish, remembered, tally_key

_SOURCE: Final = "transactions:api"
RESULT_WINDOW: Final = 10_000
"""The API gives no result beyond this place of a query: page × offset."""


class EtherscanTransactionSource:
    """A wallet's own transactions, as TransactionSource counts them; nonce and balance come from the node."""

    name = "transactions"

    def __init__(
        self, reader: ChainReader, client: EtherscanClient, *, page_size: int = 1_000, routers: Routers = NO_ROUTERS
    ) -> None:
        self._reader = reader
        self._client = client
        self._routers = routers
        self._key = tally_key(_SOURCE, routers)
        self._page_size = min(page_size, RESULT_WINDOW)

    async def read(self, wallet: Address, at: BlockRef) -> TransactionHistory:
        """Return counts, sums and times up to the block.

        Raises BlockUnavailable while the API's index is behind the block or holds another chain's blocks,
        HistoryIncomplete when its transactions do not account for the wallet's nonce.
        """
        await self._check_head(at)
        tally, newest = Tally(wallet, self._routers), None
        known = await remembered(self._reader, self._key, at)
        after = 0 if known is None else known.to_block
        async for page in self._pages(wallet, at, after):
            for raw in page:
                newest = newest or raw
                tally.add(_parse(raw))
        if newest is not None:
            await self._check_block(newest)
        if known is not None:
            tally.add_older(known.content)
        return await finish(self._reader, self._key, tally, at)

    async def _pages(self, wallet: Address, at: BlockRef, after: int) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """Yield new transactions of the blocks behind `after`, newest first, until a query brings none.

        A short page is not believed to be the last: an API that cuts its pages silently would lose the rest. Each
        query starts at the oldest block seen, which may have been cut too.
        """
        if after >= at.number:
            return
        end, seen, page, size = at.number, set[str](), 1, self._page_size
        while True:
            try:
                found = await self._query(wallet, after + 1, end, page, size)
            except ResultTooLarge as error:
                if size == 1:
                    raise HistoryIncomplete(f"{error}: not even one transaction of {wallet} at a time") from error
                # The pages before hold what smaller ones would bring again: it is in `seen`.
                page, size = 1, (size + 1) // 2
                continue
            new = [raw for raw in found if str(raw["hash"]) not in seen]
            if not new:
                if len(found) < size:
                    return
                # A full page of what is known: one block holds more than a page.
                page += 1
                if page * size > RESULT_WINDOW:
                    raise HistoryIncomplete(f"block {end} alone holds more of {wallet} than the API gives")
                continue
            yield new
            oldest = int(new[-1]["blockNumber"])
            if oldest < end:
                seen, page = set(), 1
            seen |= {str(raw["hash"]) for raw in new if int(raw["blockNumber"]) == oldest}
            end = oldest

    async def _query(self, wallet: Address, start: int, end: int, page: int, size: int) -> list[dict[str, Any]]:
        """Return one page in falling order, without what is in it twice."""
        found = await self._client.get(
            "account", "txlist", address=wallet, startblock=start, endblock=end, page=page, offset=size, sort="desc"
        )
        if not isinstance(found, list):
            raise HistoryIncomplete(f"the transactions API answered {wallet}'s transactions with no list of them")
        try:
            # The genesis block's grants are listed as transactions by some.
            unique = {str(raw["hash"]): raw for raw in found if int(raw["blockNumber"]) > 0}
            ordered = sorted(
                unique.values(), key=lambda raw: (int(raw["blockNumber"]), int(raw["nonce"])), reverse=True
            )
        except (KeyError, TypeError, ValueError) as error:
            raise HistoryIncomplete(f"a transaction of {wallet} came without {error} from the API") from error
        if ordered and int(ordered[0]["blockNumber"]) > end:
            raise HistoryIncomplete(f"asked for {wallet}'s transactions up to block {end}, got later ones")
        return ordered

    async def _check_head(self, at: BlockRef) -> None:
        try:
            answer = await self._client.get("proxy", "eth_blockNumber")
        except ConfigurationFault:
            answer = await self._client.get("block", "eth_block_number")  # Blockscout's word for it
        head = int(str(answer), 16)
        if head < at.number:
            raise BlockUnavailable(f"the transactions API has indexed block {head}, block {at.number} is asked for")

    async def _check_block(self, newest: dict[str, Any]) -> None:
        number, found = int(newest["blockNumber"]), str(newest["blockHash"]).lower()
        block = await self._reader.request("eth_getBlockByNumber", [hex(number), False])
        if block is None or str(block["hash"]).lower() != found:
            raise BlockUnavailable(f"the transactions API holds block {number} as {found}: it was reorganised away")


def _parse(raw: dict[str, Any]) -> Transaction:
    try:
        recipient = str(raw["to"] or "").lower()
        return Transaction(
            hash=str(raw["hash"]),
            block_number=int(raw["blockNumber"]),
            timestamp=int(raw["timeStamp"]),
            sender=Address(str(raw["from"]).lower()),
            recipient=Address(recipient) if recipient else None,
            nonce=int(raw["nonce"]),
            value_wei=int(raw["value"]),
            # The price per gas that was paid.
            fee_wei=int(raw["gasUsed"]) * int(raw["gasPrice"]),
            # Blocks before Byzantium have no receipt status.
            succeeded=str(raw["isError"]) == "0" and str(raw.get("txreceipt_status", "")) != "0",
            data=str(raw["input"]) if recipient else "0x",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HistoryIncomplete(f"transaction {raw.get('hash')} came without {error} from the API") from error
