"""Price feeds of the local stack: one contract a pair, read by Aave's oracle and by the market source alike."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from eth_account.signers.local import LocalAccount

from oracle.devnet.machinery.accounts import Transactor
from oracle.devnet.machinery.artifacts import Deployed, project

FEED_DECIMALS: Final = 8


@dataclass
class PriceFeeds:
    """The feeds by symbol; `prices` holds the newest answers, in 1e-8 USD."""

    owner: LocalAccount
    contracts: dict[str, Deployed] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)

    async def publish(self, transactor: Transactor, symbol: str, price_usd: Decimal, *, at: int | None = None) -> int:
        """Add a round to a feed and return the answer, in 1e-8 USD; `at` is the round's Unix time."""
        answer = int(price_usd.scaleb(FEED_DECIMALS))
        await transactor.call(self.owner, self.contracts[symbol], "push", answer, at=at)
        self.prices[symbol] = answer
        return answer


async def deploy_feeds(transactor: Transactor, owner: LocalAccount, prices_usd: dict[str, Decimal]) -> PriceFeeds:
    """Deploy one feed a symbol, with its first answer in USD."""
    feeds = PriceFeeds(owner)
    for symbol, price_usd in prices_usd.items():
        answer = int(price_usd.scaleb(FEED_DECIMALS))
        feeds.contracts[symbol] = await transactor.deploy(owner, project("PriceFeed"), f"{symbol} / USD", answer)
        feeds.prices[symbol] = answer
    return feeds
