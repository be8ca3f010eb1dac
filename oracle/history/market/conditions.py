"""The market at the block: the coin's price and volatility, the base fee, and the protocol's prices and deposits."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, MarketState
from oracle.assessment.request import Address, BlockRef
from oracle.history.configuration import CoinPriceFeed
from oracle.history.market.rounds import FeedRounds, realised_volatility_ppm
from oracle.history.reading.abi import Function
from oracle.history.reading.reader import ChainReader, quantity

VOLATILITY_DAYS: Final = 30
_DAY_SECONDS: Final = 86_400

_DECIMALS: Final = Function("decimals", (), ("uint8",))


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a lending market says of its tokens: price and decimals of each, and all deposits' worth, in 1e-8 USD.

    `unpriced` are those that its oracle has no price of: they are in none of the others.
    """

    prices_usd: dict[Address, int] = field(default_factory=dict)
    decimals: dict[Address, int] = field(default_factory=dict)
    deposits_usd: int | None = None
    unpriced: frozenset[Address] = frozenset()


class TokenMarket(Protocol):
    """A market whose oracle and reserves price the loans' tokens."""

    async def tokens(self, at: BlockRef) -> Tokens:
        """Return its tokens at a block; see Source for the errors."""
        ...


class MarketSource:
    """The market as a source; it is the same for every wallet at one block."""

    name = "market"

    def __init__(self, reader: ChainReader, feed: CoinPriceFeed, token_market: TokenMarket | None) -> None:
        self._reader = reader
        self._feed = feed
        self._token_market = token_market

    async def read(self, wallet: Address, at: BlockRef) -> MarketState:
        """Return the market at the block.

        Raises HistoryIncomplete when the coin's price is older than the configuration allows.
        """
        rounds = FeedRounds(self._reader, self._feed.address, at.hash)
        tokens = Tokens() if self._token_market is None else await self._token_market.tokens(at)
        block = await self._reader.block(at.hash)
        base_fee = block.get("baseFeePerGas")
        return MarketState(
            coin_price_usd=await self._coin_price(rounds, at),
            volatility_ppm=await self._volatility(rounds, at),
            base_fee_wei=None if base_fee is None else quantity(base_fee),
            total_value_locked_usd=tokens.deposits_usd,
            token_prices_usd=tokens.prices_usd,
            token_decimals=tokens.decimals,
            unpriced_tokens=tokens.unpriced,
        )

    async def _coin_price(self, rounds: FeedRounds, at: BlockRef) -> int:
        latest = await rounds.latest()
        age, limit = at.timestamp - latest.updated_at, self._feed.max_age_seconds
        if limit is not None and age > limit:
            raise HistoryIncomplete(
                f"the coin's price feed {self._feed.address} is {age} s old at block {at.number}, expected at most "
                f"{limit} s: wait for its next round"
            )
        (decimals,) = await self._reader.call(self._feed.address, _DECIMALS, block_hash=at.hash)
        return int(latest.answer * USD // 10**decimals)

    async def _volatility(self, rounds: FeedRounds, at: BlockRef) -> int | None:
        days = [at.timestamp - day * _DAY_SECONDS for day in range(VOLATILITY_DAYS, -1, -1)]
        return realised_volatility_ppm([found.answer for found in await rounds.at(days) if found is not None])
