"""Uniswap V2 and V3 in the scenario: swaps, liquidity given, and all of it taken back."""

from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Final

from oracle.assessment.history import ExchangeHistory
from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.uniswap import NEVER, POOL_FEE
from oracle.devnet.scenario.world import Wallet, World

_DOLLARS_FOR_ETHER: Final = 3_000 * 10**6
_ALL: Final = 2**128 - 1
_MORE: Final = ("amount0Desired", "amount1Desired", "amount0Min", "amount1Min", "deadline")


@dataclass
class Trades:
    """What a wallet did at one exchange."""

    swaps: int = 0
    liquidity: int = 0
    removals: int = 0
    collects: int = 0
    open_positions: int = 0


class Exchange(ABC):
    """One exchange with its ledger."""

    name: str

    def __init__(self, world: World) -> None:
        self.world = world
        self.trades: dict[str, Trades] = defaultdict(Trades)

    async def act(self, wallet: Wallet, random: Random) -> None:
        """Let a wallet do one random thing."""
        trades, choice = self.trades[wallet.address], random.random()
        if trades.open_positions and choice < 0.4:
            await self._take_back(wallet, trades)
        elif choice < 0.6:
            trades.open_positions += await self.provide(
                wallet, not trades.open_positions, ETHER // random.randint(2, 9)
            )
            trades.liquidity += 1
            # The first at once, so that it happens in every life.
            if random.random() < 0.3 or not any(one.removals for one in self.trades.values()):
                await self._take_back(wallet, trades)
        else:
            await self.swap(wallet, ETHER // random.randint(2, 50), fails=False)
            trades.swaps += 1

    async def _take_back(self, wallet: Wallet, trades: Trades) -> None:
        closed = await self.close(wallet)
        trades.open_positions -= closed
        trades.removals += closed

    async def fail(self, wallet: Wallet) -> None:
        """Ask for more than the pool gives: a transaction that fails."""
        await self.swap(wallet, ETHER // 100, fails=True)

    def history(self, address: str) -> ExchangeHistory:
        """Return what the source must find of a wallet now."""
        trades = self.trades[address]
        used = trades.swaps or trades.liquidity
        return ExchangeHistory(
            trades.swaps,
            trades.liquidity,
            trades.open_positions,
            frozenset({self.name} if used else ()),
            trades.removals,
            trades.collects,
        )

    async def fund_both(self, wallet: Wallet, wei: int, spender: Deployed) -> int:
        """Let a wallet get ether and dollars of about the same worth; return the dollars."""
        dollars = wei * _DOLLARS_FOR_ETHER // ETHER
        await self.world.give(wallet, "WETH", wei, spender)
        await self.world.give(wallet, "USDC", dollars, spender)
        return dollars

    @abstractmethod
    async def swap(self, wallet: Wallet, wei: int, *, fails: bool) -> None:
        """Swap ether for dollars."""

    @abstractmethod
    async def provide(self, wallet: Wallet, first: bool, wei: int) -> int:
        """Give liquidity; return how many positions are open more."""

    @abstractmethod
    async def close(self, wallet: Wallet) -> int:
        """Take the liquidity of one position back; return how many positions are open less."""


class SecondExchange(Exchange):
    """Uniswap V2: all liquidity of a wallet is one share."""

    name = "uniswap-v2"

    async def swap(self, wallet: Wallet, wei: int, *, fails: bool) -> None:
        """See Exchange."""
        world, router = self.world, self.world.uniswap_v2.router
        await world.give(wallet, "WETH", wei, router)
        path = [world.v3.tokens["WETH"].address, world.v3.tokens["USDC"].address]
        least = 10**15 if fails else 0
        await world.call(
            wallet, router, "swapExactTokensForTokens", wei, least, path, wallet.address, NEVER, fails=fails
        )

    async def provide(self, wallet: Wallet, first: bool, wei: int) -> int:
        """See Exchange."""
        world, router = self.world, self.world.uniswap_v2.router
        dollars = await self.fund_both(wallet, wei, router)
        tokens = (world.v3.tokens["WETH"].address, world.v3.tokens["USDC"].address)
        amounts = (wei, dollars, 0, 0)
        await world.call(wallet, router, "addLiquidity", *tokens, *amounts, wallet.address, NEVER)
        return int(first)

    async def close(self, wallet: Wallet) -> int:
        """See Exchange."""
        world, exchange = self.world, self.world.uniswap_v2
        shares = await world.transactor.read(exchange.pair, "balanceOf", wallet.address)
        await world.call(wallet, exchange.pair, "approve", exchange.router.address, shares)
        tokens = (world.v3.tokens["WETH"].address, world.v3.tokens["USDC"].address)
        await world.call(wallet, exchange.router, "removeLiquidity", *tokens, shares, 0, 0, wallet.address, NEVER)
        return 1


class ThirdExchange(Exchange):
    """Uniswap V3: each liquidity is a position of its own."""

    name = "uniswap-v3"

    async def swap(self, wallet: Wallet, wei: int, *, fails: bool) -> None:
        """See Exchange."""
        world, router = self.world, self.world.uniswap_v3.router
        await world.give(wallet, "WETH", wei, router)
        parameters = {
            "tokenIn": world.v3.tokens["WETH"].address,
            "tokenOut": world.v3.tokens["USDC"].address,
            "fee": POOL_FEE,
            "recipient": wallet.address,
            "deadline": NEVER,
            "amountIn": wei,
            "amountOutMinimum": 10**15 if fails else 0,
            "sqrtPriceLimitX96": 0,
        }
        await world.call(wallet, router, "exactInputSingle", parameters, fails=fails)

    async def provide(self, wallet: Wallet, first: bool, wei: int) -> int:
        """See Exchange; about every second time a position that is open already gets more."""
        world, exchange = self.world, self.world.uniswap_v3
        dollars = await self.fund_both(wallet, wei, exchange.manager)
        weth = world.v3.tokens["WETH"].address
        parameters = exchange.mint_parameters(weth, wei, dollars, wallet.address)
        if first or wei % 2:
            await world.call(wallet, exchange.manager, "mint", parameters)
            return 1
        token, _ = await self._open_position(wallet)
        more = {name: parameters[name] for name in _MORE}
        await world.call(wallet, exchange.manager, "increaseLiquidity", {"tokenId": token, **more})
        return 0

    async def close(self, wallet: Wallet) -> int:
        """See Exchange; what came out is collected with the fees."""
        world, manager = self.world, self.world.uniswap_v3.manager
        token, liquidity = await self._open_position(wallet)
        emptied = {"tokenId": token, "liquidity": liquidity, "amount0Min": 0, "amount1Min": 0, "deadline": NEVER}
        await world.call(wallet, manager, "decreaseLiquidity", emptied)
        collected = {"tokenId": token, "recipient": wallet.address, "amount0Max": _ALL, "amount1Max": _ALL}
        await world.call(wallet, manager, "collect", collected)
        self.trades[wallet.address].collects += 1
        return 1

    async def _open_position(self, wallet: Wallet) -> tuple[int, int]:
        """Return the first position with liquidity in it, and how much that is."""
        world, manager = self.world, self.world.uniswap_v3.manager
        for place in range(await world.transactor.read(manager, "balanceOf", wallet.address)):
            token = await world.transactor.read(manager, "tokenOfOwnerByIndex", wallet.address, place)
            if liquidity := (await world.transactor.read(manager, "positions", token))[7]:
                return int(token), int(liquidity)
        raise LookupError(f"{wallet.address} has no open position, the ledger says it has")
