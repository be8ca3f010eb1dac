"""What a wallet of a story does at the protocols beside Aave V3: one verb an act, as in `actor`, on the real contracts.

The ledger does not note it: these acts are compared with the chain in the random scenario.
"""

from decimal import Decimal
from typing import Final

from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.beside_aave_v3 import Protocols
from oracle.devnet.protocols.uniswap import NEVER, POOL_FEE
from oracle.devnet.wallets.actor import Actor
from oracle.devnet.wallets.stage import Amount, Stage

_EVERYTHING: Final = 2**256 - 1


class Trader:
    """An actor at Venus and Uniswap; amounts are whole units."""

    def __init__(self, stage: Stage, protocols: Protocols, actor: Actor) -> None:
        self._stage = stage
        self._protocols = protocols
        self._actor = actor

    def supply_at_venus(self, day: float, symbol: str, amount: Amount) -> None:
        """Lend tokens at Venus, as security for debts there."""
        venus = self._protocols.venus
        share = venus.shares[symbol]
        self._approve(day, symbol, share)
        self._price_venus(day, symbol)
        self._call(day, share, "mint", self._stage.smallest_units(symbol, amount))
        self._call(day, venus.comptroller, "enterMarkets", [share.address])

    def borrow_at_venus(self, day: float, symbol: str, amount: Amount, against: str) -> None:
        """Borrow tokens at Venus, at that day's price of what secures them."""
        self._price_venus(day, against)
        self._call(day, self._protocols.venus.shares[symbol], "borrow", self._stage.smallest_units(symbol, amount))

    def repay_at_venus(self, day: float, symbol: str) -> None:
        """Repay the whole debt in a token."""
        share = self._protocols.venus.shares[symbol]
        self._approve(day, symbol, share)
        self._call(day, share, "repayBorrow", _EVERYTHING)

    def leave_venus(self, day: float, symbol: str) -> None:
        """Take back all that was lent of a token."""
        share = self._protocols.venus.shares[symbol]

        async def act(at: int) -> None:
            held = await self._stage.transactor.read(share, "balanceOf", self._actor.account.address)
            await self._stage.transactor.call(self._actor.account, share, "redeem", held, at=at)

        self._price_venus(day, symbol)
        self._stage.plan(day, act)

    def swap_at_v2(self, day: float, sold: str, bought: str, amount: Amount) -> None:
        """Sell tokens at Uniswap V2 for what the pair gives."""
        router, units = self._protocols.uniswap_v2.router, self._stage.smallest_units(sold, amount)
        path = [self._token(sold).address, self._token(bought).address]
        self._approve(day, sold, router)
        self._call(day, router, "swapExactTokensForTokens", units, 0, path, self._actor.account.address, NEVER)

    def swap_at_v3(self, day: float, sold: str, bought: str, amount: Amount) -> None:
        """Sell tokens at Uniswap V3 for what the pool gives."""
        router = self._protocols.uniswap_v3.router
        self._approve(day, sold, router)
        order = {
            "tokenIn": self._token(sold).address,
            "tokenOut": self._token(bought).address,
            "fee": POOL_FEE,
            "recipient": self._actor.account.address,
            "deadline": NEVER,
            "amountIn": self._stage.smallest_units(sold, amount),
            "amountOutMinimum": 0,
            "sqrtPriceLimitX96": 0,
        }
        self._call(day, router, "exactInputSingle", order)

    def hold_position(self, day: float, weth: Amount, usdc: Amount) -> None:
        """Give liquidity to the pool of Uniswap V3, over its whole range, and keep the position."""
        exchange = self._protocols.uniswap_v3
        amounts = (int(Decimal(weth) * ETHER), self._stage.smallest_units("USDC", usdc))
        for symbol in ("WETH", "USDC"):
            self._approve(day, symbol, exchange.manager)
        order = exchange.mint_parameters(self._token("WETH").address, *amounts, self._actor.account.address)
        self._call(day, exchange.manager, "mint", order)

    def _price_venus(self, day: float, symbol: str) -> None:
        """Let Venus know the market's price of that moment; its oracle is told, it does not ask."""
        venus, feeds = self._protocols.venus, self._stage.market.feeds

        async def act(at: int) -> None:
            await venus.publish(self._stage.transactor, symbol, Decimal(feeds.prices[symbol]).scaleb(-8), at=at)

        self._stage.plan(day, act)

    def _approve(self, day: float, symbol: str, spender: Deployed) -> None:
        self._call(day, self._token(symbol), "approve", spender.address, _EVERYTHING)

    def _token(self, symbol: str) -> Deployed:
        return self._stage.market.tokens[symbol]

    def _call(self, day: float, contract: Deployed, function: str, *arguments: object) -> None:
        async def act(at: int) -> None:
            await self._stage.transactor.call(self._actor.account, contract, function, *arguments, at=at)

        self._stage.plan(day, act)
