"""Aave V2: what V3 is read for, from its older events and in the ether that its oracle counts in."""

from typing import Final

from oracle.history.lending.aave import LIQUIDATION, WITHDRAW, AaveSource, Generation
from oracle.history.lending.aave_v3_prices import Base, MarketPrices
from oracle.history.market.rounds import FeedRounds
from oracle.history.markets import AaveV2Market
from oracle.history.reading.abi import Event, Function
from oracle.history.reading.concurrently import Memo
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph_logs import SubgraphLogs

_DECIMALS: Final = Function("decimals", (), ("uint8",))
_ETHER: Final = 10**18
_USD_DECIMALS: Final = 8

DEPOSIT: Final = Event(
    "Deposit", ("address", "address", "address", "uint256", "uint16"), ("address", "uint256")
)  # reserve*, user, onBehalfOf*, amount, referral*
BORROW: Final = Event(
    "Borrow",
    ("address", "address", "address", "uint256", "uint256", "uint256", "uint16"),
    ("address", "uint256", "uint256", "uint256"),
)  # reserve*, user, onBehalfOf*, amount, borrowRateMode, borrowRate, referral*
REPAY: Final = Event("Repay", ("address", "address", "address", "uint256"), ("uint256",))
FLASH_LOAN: Final = Event(
    "FlashLoan",
    ("address", "address", "address", "uint256", "uint256", "uint16"),
    ("uint256", "uint256", "uint16"),
)  # target*, initiator*, asset*, amount, premium, referralCode

_RESERVE_DATA: Final = Function(
    "getReserveData",
    ("address",),
    # configuration, liquidityIndex, variableBorrowIndex, three current rates, lastUpdateTimestamp, aToken,
    # stableDebtToken, variableDebtToken, strategy, id
    ("uint256",) + ("uint128",) * 5 + ("uint40",) + ("address",) * 4 + ("uint8",),
)

V2: Final = Generation(
    supply=DEPOSIT,
    borrow=BORROW,
    repay=REPAY,
    flash_loan=FLASH_LOAN,
    flash_loan_user_at=2,
    amount_at={DEPOSIT: 1, WITHDRAW: 0, BORROW: 1, REPAY: 0, LIQUIDATION: 1},
)


class EtherPrices(MarketPrices):
    """A V2 market's prices: in wei of ether from its own oracle, in USD with the feed of ether at the same block."""

    reserve_data = _RESERVE_DATA
    tokens_at = 7

    def __init__(self, reader: ChainReader, market: AaveV2Market) -> None:
        super().__init__(reader, market)
        self._feed = market.base_price_feed
        self._bases: Memo[str, Base] = Memo(self._read_base)

    async def check_unit(self, block_hash: str) -> None:
        """Do nothing: the oracles of V2 do not tell their unit, it is always the wei."""

    async def base(self, block_hash: str) -> Base:
        """Return what ether was worth at a block."""
        return await self._bases.get(block_hash)

    async def _read_base(self, block_hash: str) -> Base:
        latest = await FeedRounds(self._reader, self._feed, block_hash).latest()
        (decimals,) = await self._reader.call(self._feed, _DECIMALS, block_hash=block_hash)
        return Base(latest.answer * 10**_USD_DECIMALS, _ETHER * 10**decimals)


class AaveV2Source(AaveSource):
    """One Aave V2 market as a source of lending history."""

    def __init__(
        self, reader: ChainReader, market: AaveV2Market, *, span_blocks: int, events: SubgraphLogs | None = None
    ) -> None:
        super().__init__(reader, market, V2, span_blocks=span_blocks, events=events)
        self._ether_market = market

    def _prices(self) -> MarketPrices:
        return EtherPrices(self._reader, self._ether_market)
