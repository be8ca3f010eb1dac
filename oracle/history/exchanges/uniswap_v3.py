"""Uniswap V3: swaps that paid a wallet, and the positions that it holds."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import ExchangeHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.exchanges.routers import check_routers
from oracle.history.exchanges.uniswap import BALANCE_OF, PoolKind, Pools, logs_anywhere
from oracle.history.exchanges.uniswap_v3_positions import COLLECT, DECREASE, INCREASE, Holding, Positions
from oracle.history.markets import UniswapV3Exchange
from oracle.history.reading.abi import Event, Function, address_topic
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.doers import did_itself
from oracle.history.reading.logs import place_of
from oracle.history.reading.reader import ChainReader

SWAP: Final = Event(
    "Swap",
    ("address", "address", "int256", "int256", "uint160", "uint128", "int24"),
    ("int256", "int256", "uint160", "uint128", "int24"),
)  # sender*, recipient*, amount0, amount1, sqrtPriceX96, liquidity, tick

_POOLS: Final = PoolKind(
    parts=(
        Function("token0", (), ("address",)),
        Function("token1", (), ("address",)),
        Function("fee", (), ("uint24",)),
    ),
    lookup=Function("getPool", ("address", "address", "uint24"), ("address",)),
)
# nonce, operator, token0, token1, fee, tickLower, tickUpper, liquidity; what follows is not read
_POSITION: Final = Function(
    "positions", ("uint256",), ("uint96", "address", "address", "address", "uint24", "int24", "int24", "uint128")
)
_LIQUIDITY_AT: Final = 7


class UniswapV3Source:
    """All pools of one factory, and the positions of its manager, as a source.

    What was done to a position counts while the wallet held it, whoever did it. For swaps for ether, and why nothing
    has a worth in dollars, see UniswapV2Source.
    """

    def __init__(self, reader: ChainReader, exchange: UniswapV3Exchange, *, span_blocks: int) -> None:
        self._reader = reader
        self._exchange = exchange
        self._span_blocks = span_blocks
        self._positions = Positions(reader, exchange, span_blocks=span_blocks)

    @property
    def name(self) -> str:
        """The exchange's name."""
        return self._exchange.name

    async def read(self, wallet: Address, at: BlockRef) -> ExchangeHistory:
        """Return the wallet's swaps and positions up to the block; see Source for the errors.

        Raises HistoryIncomplete when the positions found are not as many as the manager says.
        """
        start = self._exchange.start_block
        if at.number < start:
            return ExchangeHistory()
        await check_routers(self._reader, self._exchange, at)
        user = address_topic(wallet)
        swaps = await logs_anywhere(self._reader, [SWAP.topic, None, user], start, at, self._span_blocks)
        pools = Pools(self._reader, self._exchange.factory, _POOLS, at)
        swaps = await pools.of(swaps)
        holdings = await self._positions.holdings(wallet, at)
        logs = await self._positions.changes(holdings, at)
        changes = Counter(log.topics[0] for log in logs)
        # Anybody may swap and have the wallet paid, or mint it a position; only it takes out of one.
        own = changes[DECREASE.topic] + changes[COLLECT.topic] > 0
        used = own or await did_itself(self._reader, wallet, sorted((*swaps, *logs), key=place_of))
        return ExchangeHistory(
            swap_count=len(swaps),
            liquidity_count=changes[INCREASE.topic],
            removal_count=changes[DECREASE.topic],
            collect_count=changes[COLLECT.topic],
            open_positions=await self._open_positions(wallet, holdings, at),
            protocols=frozenset({self._exchange.name} if used else ()),
            contracts_left_out=pools.left_out,
        )

    async def _open_positions(self, wallet: Address, holdings: Sequence[Holding], at: BlockRef) -> int:
        manager = self._exchange.position_manager
        held = [int(one.token, 16) for one in holdings if one.until is None]
        (count,) = await self._reader.call(manager, BALANCE_OF, wallet, block_hash=at.hash)
        if count != len(held):
            raise HistoryIncomplete(
                f"{wallet} holds {count} positions of {self.name} at block {at.number}, but the logs of {len(held)} "
                "were found: the node's index has a gap, ask another endpoint"
            )
        positions = await all_of(self._reader.call(manager, _POSITION, token, block_hash=at.hash) for token in held)
        return sum(position[_LIQUIDITY_AT] > 0 for position in positions)
