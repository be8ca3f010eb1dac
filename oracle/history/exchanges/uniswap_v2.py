"""Uniswap V2 and its forks: swaps that paid a wallet, and its shares of pairs."""

from collections.abc import Sequence
from typing import Final

from oracle.assessment.history import ExchangeHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.routers import check_routers
from oracle.history.exchanges.uniswap import BALANCE_OF, PoolKind, Pools, logs_anywhere
from oracle.history.markets import UniswapV2Exchange
from oracle.history.reading.abi import Event, Function, address_topic, topic_address
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.doers import did_itself
from oracle.history.reading.logs import place_of, read_logs
from oracle.history.reading.reader import ChainReader

SWAP: Final = Event(
    "Swap", ("address", "uint256", "uint256", "uint256", "uint256", "address"), ("uint256",) * 4
)  # sender*, amount0In, amount1In, amount0Out, amount1Out, to*
TRANSFER: Final = Event("Transfer", ("address", "address", "uint256"), ("uint256",))  # from*, to*, value
NOBODY: Final = "0x" + "00" * 32

_PAIRS: Final = PoolKind(
    parts=(Function("token0", (), ("address",)), Function("token1", (), ("address",))),
    lookup=Function("getPair", ("address", "address"), ("address",)),
)
# A token whose transfers index the amount as well is no pair's share.
_TRANSFER_TOPICS: Final = 3


class UniswapV2Source:
    """All pairs of one factory as a source.

    Swaps for ether pay the router, which unwraps it: the wallet's transactions tell of them (see `router_swaps.py`). A
    share that somebody else sent counts as a position only while the wallet was credited with liquidity of that pair
    itself. Swaps and liquidity have no worth in dollars: no feature asks for it, and a price of each token at each
    block would take as many requests as all the rest.
    """

    def __init__(self, reader: ChainReader, exchange: UniswapV2Exchange, *, span_blocks: int) -> None:
        self._reader = reader
        self._exchange = exchange
        self._span_blocks = span_blocks

    @property
    def name(self) -> str:
        """The exchange's name."""
        return self._exchange.name

    async def read(self, wallet: Address, at: BlockRef) -> ExchangeHistory:
        """Return the wallet's swaps and liquidity up to the block; see Source for the errors."""
        start = self._exchange.start_block
        if at.number < start:
            return ExchangeHistory()
        await check_routers(self._reader, self._exchange, at)
        user = address_topic(wallet)
        swaps, minted = await all_of(
            logs_anywhere(self._reader, topics, start, at, self._span_blocks)
            for topics in ([SWAP.topic, None, user], [TRANSFER.topic, NOBODY, user])
        )
        pairs = Pools(self._reader, self._exchange.factory, _PAIRS, at)
        swaps = await pairs.of(swaps)
        minted = await pairs.of(log for log in minted if len(log.topics) == _TRANSFER_TOPICS)
        credited = sorted({log.address for log in minted})
        shares = await all_of(self._reader.call(pair, BALANCE_OF, wallet, block_hash=at.hash) for pair in credited)
        removals = await self._removals(credited, user, at)
        # Anybody may swap and have the wallet paid, or give it shares; only it gives them back.
        used = removals > 0 or await did_itself(self._reader, wallet, sorted((*swaps, *minted), key=place_of))
        return ExchangeHistory(
            swap_count=len(swaps),
            liquidity_count=len(minted),
            removal_count=removals,
            open_positions=sum(share > 0 for (share,) in shares),
            protocols=frozenset({self._exchange.name} if used else ()),
            contracts_left_out=pairs.left_out,
        )

    async def _removals(self, pairs: Sequence[Address], user: str, at: BlockRef) -> int:
        """Return how often the wallet gave shares back to their pair, which pays out for them."""
        if not pairs:
            return 0
        start, removals = self._exchange.start_block, 0
        async for logs in read_logs(self._reader, pairs, [TRANSFER.topic, user], start, at.number, self._span_blocks):
            removals += sum(topic_address(log.topics[2]) == log.address for log in logs)
        return removals
