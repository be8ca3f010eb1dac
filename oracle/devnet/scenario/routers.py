"""Swaps that a router pays out, in every form that the exchange's own site and others send them in.

What comes out is asked for exactly, so that the ledger knows it without a look at the chain.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final

from eth_abi.abi import encode

from oracle.devnet.machinery.accounts import ETHER
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.uniswap import NEVER, POOL_FEE
from oracle.devnet.scenario.exchanges import Exchange
from oracle.devnet.scenario.world import Wallet, World

# The routers' own words for who calls them, and for themselves; the first one calls itself nobody.
_CALLER: Final = "0x" + "00" * 19 + "01"
_ROUTER: Final = "0x" + "00" * 19 + "02"
_NOBODY: Final = "0x" + "00" * 20
_DEAREST_DOLLARS: Final = 20_000 * 10**6
_FEE_BPS: Final = 25
_BPS: Final = 10_000
_AFTER_PAIR_FEE_BPS: Final = 9_970
_V3_EXACT_OUT, _V2_EXACT_OUT, _SWEEP, _UNWRAP, _SUB_PLAN = 0x01, 0x09, 0x04, 0x0C, 0x21
_PAYS_OUT: Final = (_UNWRAP, _SWEEP)

Form = Callable[[Wallet, int], Awaitable[bool]]


class RouterSwaps:
    """Swaps through routers; each counts for the exchange whose router it is.

    `paid` counts, by exchange and wallet, those that only the wallet's own transaction tells of. One that the relayer
    sent for a wallet is told by nothing, as the documentation says. `seen` counts the forms.
    """

    def __init__(self, world: World, second: Exchange, third: Exchange) -> None:
        self.world = world
        self.paid: dict[str, dict[str, int]] = {one.name: defaultdict(int) for one in (second, third)}
        self.seen: Counter[str] = Counter()
        self._second, self._third = second, third
        self.forms: dict[str, Form] = {
            "pairs to coins": self._pairs_to_coins,
            "first router's unwrap": self._first_unwrap,
            "unwrap to the caller": self._unwrap_to_caller,
            "the second router's pairs": self._second_over_pairs,
            "unwrap with a fee": self._unwrap_with_fee,
            "a multicall in a multicall": self._nested,
            "swept tokens": self._swept,
            "paid in tokens, nothing unwrapped": self._nothing_unwrapped,
            "universal router over a pool": self._universal_pool,
            "universal router over a pair, in a sub-plan": self._universal_pair,
        }

    async def act(self, wallet: Wallet, random: Random) -> None:
        """Let a wallet swap in the form that was seen least."""
        name = min(self.forms, key=lambda form: self.seen[form])
        self.seen[name] += await self.forms[name](wallet, ETHER // random.randint(10, 200))

    def history(self, address: str) -> dict[str, int]:
        """Return the swaps of a wallet that a router paid out, by exchange, as its own transactions tell them."""
        return {name: counts[address] for name, counts in self.paid.items() if counts[address]}

    async def _pairs_to_coins(self, wallet: Wallet, wei: int) -> bool:
        router = self.world.uniswap_v2.router
        await self.world.give(wallet, "USDC", _DEAREST_DOLLARS, router)
        order = (wei, _DEAREST_DOLLARS, [self._usdc, self._weth], wallet.address, NEVER)
        return await self._swap(self._second, wallet, router, "swapTokensForExactETH", *order, wei=wei)

    async def _first_unwrap(self, wallet: Wallet, wei: int) -> bool:
        router = self.world.uniswap_v3.router
        await self.world.give(wallet, "USDC", _DEAREST_DOLLARS, router)
        swap = router.encode("exactOutputSingle", {**self._order(wei, _NOBODY), "deadline": NEVER})
        calls = [swap, router.encode("unwrapWETH9", wei, wallet.address)]
        return await self._swap(self._third, wallet, router, "multicall", calls, wei=wei)

    async def _unwrap_to_caller(self, wallet: Wallet, wei: int) -> bool:
        return await self._second_router(wallet, wei, self._call("unwrapWETH9(uint256)", wei), got=wei)

    async def _unwrap_with_fee(self, wallet: Wallet, wei: int) -> bool:
        collector = self.world.owner.address
        given = ("unwrapWETH9WithFee(uint256,address,uint256,address)", wei, wallet.address, _FEE_BPS, collector)
        return await self._second_router(wallet, wei, self._call(*given), got=wei - wei * _FEE_BPS // _BPS)

    async def _nested(self, wallet: Wallet, wei: int) -> bool:
        inner = self._call("multicall(bytes[])", [self._call("unwrapWETH9(uint256,address)", wei, wallet.address)])
        return await self._second_router(wallet, wei, inner, got=wei)

    async def _second_over_pairs(self, wallet: Wallet, wei: int) -> bool:
        path = [self._usdc, self._weth]
        swap = self._call("swapTokensForExactTokens", wei, _DEAREST_DOLLARS, path, _ROUTER)
        got = await self._pair_gives(wei)
        return await self._second_router(wallet, wei, self._call("unwrapWETH9(uint256)", 0), got=got, swap=swap)

    async def _swept(self, wallet: Wallet, wei: int) -> bool:
        await self.world.give(wallet, "WETH", wei, self.world.routers.second)
        calls = [
            self._sale(wei, _ROUTER),
            self._call("sweepToken(address,uint256,address)", self._usdc, 0, wallet.address),
        ]
        return await self._swap(self._third, wallet, self.world.routers.second, "multicall(bytes[])", calls)

    async def _nothing_unwrapped(self, wallet: Wallet, wei: int) -> bool:
        await self.world.give(wallet, "WETH", wei, self.world.routers.second)
        calls = [self._sale(wei, wallet.address), self._call("unwrapWETH9(uint256,address)", 0, wallet.address)]
        await self.world.call(wallet, self.world.routers.second, "multicall(bytes[])", calls)
        # The pool's log names the wallet, whoever sent it: one swap of the exchange, and none of a router.
        self._third.trades[wallet.address].swaps += 1
        return True

    async def _universal_pool(self, wallet: Wallet, wei: int) -> bool:
        path = bytes.fromhex(self._weth[2:]) + POOL_FEE.to_bytes(3, "big") + bytes.fromhex(self._usdc[2:])
        order = (_ROUTER, wei, _DEAREST_DOLLARS, path, False)
        swap = encode(("address", "uint256", "uint256", "bytes", "bool"), order)
        commands = bytes([_V3_EXACT_OUT, *_PAYS_OUT])
        return await self._universal(wallet, commands, [swap, *self._pay_out(wei)], got=wei)

    async def _universal_pair(self, wallet: Wallet, wei: int) -> bool:
        order = (_ROUTER, wei, _DEAREST_DOLLARS, [self._usdc, self._weth], False)
        swap = encode(("address", "uint256", "uint256", "address[]", "bool"), order)
        plan = encode(("bytes", "bytes[]"), (bytes([_V2_EXACT_OUT, *_PAYS_OUT]), [swap, *self._pay_out(wei)]))
        return await self._universal(wallet, bytes([_SUB_PLAN]), [plan], got=await self._pair_gives(wei))

    async def _universal(self, wallet: Wallet, commands: bytes, inputs: list[bytes], *, got: int) -> bool:
        router = self.world.routers.universal
        # Without allowances by signature here, the router is handed what it swaps.
        await self.world.give(wallet, "USDC", _DEAREST_DOLLARS, router)
        await self.world.call(wallet, self.world.v3.tokens["USDC"], "transfer", router.address, _DEAREST_DOLLARS)
        return await self._swap(self._third, wallet, router, "execute(bytes,bytes[])", commands, inputs, wei=got)

    async def _pair_gives(self, wei: int) -> int:
        """Return what the pair pays for what it asks for so much: a little more, since both are rounded to its good.

        The later routers send the pair that amount and take all that it gives.
        """
        pair = self.world.uniswap_v2.pair
        reserves = (await self.world.transactor.read(pair, "getReserves"))[:2]
        held, dollars = reserves if int(self._weth, 16) < int(self._usdc, 16) else reversed(reserves)
        asked = dollars * wei * _BPS // ((held - wei) * _AFTER_PAIR_FEE_BPS) + 1
        kept = asked * _AFTER_PAIR_FEE_BPS
        return int(kept * held // (dollars * _BPS + kept))

    def _pay_out(self, wei: int) -> list[bytes]:
        rest = encode(("address", "address", "uint256"), (self._usdc, _CALLER, 0))
        return [encode(("address", "uint256"), (_CALLER, wei)), rest]

    async def _second_router(
        self, wallet: Wallet, wei: int, pay_out: str, *, got: int, swap: str | None = None
    ) -> bool:
        router = self.world.routers.second
        await self.world.give(wallet, "USDC", _DEAREST_DOLLARS, router)
        swap = swap or router.encode("exactOutputSingle", self._order(wei, _ROUTER))
        return await self._swap(
            self._third, wallet, router, "multicall(uint256,bytes[])", NEVER, [swap, pay_out], wei=got
        )

    async def _swap(
        self, exchange: Exchange, wallet: Wallet, router: Deployed, function: str, *arguments: Any, wei: int = 0
    ) -> bool:
        """Send it; return whether it was the wallet's own transaction."""
        sent = await self.world.call(wallet, router, function, *arguments)
        if wei:
            self.world.moved(wallet.address, wei)
        own = sent.sender == wallet.address.lower()
        self.paid[exchange.name][wallet.address] += own
        return own

    def _order(self, wei: int, recipient: str) -> dict[str, Any]:
        tokens = {"tokenIn": self._usdc, "tokenOut": self._weth, "fee": POOL_FEE, "recipient": recipient}
        return {**tokens, "amountOut": wei, "amountInMaximum": _DEAREST_DOLLARS, "sqrtPriceLimitX96": 0}

    def _sale(self, wei: int, recipient: str) -> str:
        tokens = {"tokenIn": self._weth, "tokenOut": self._usdc, "fee": POOL_FEE, "recipient": recipient}
        return self._call(
            "exactInputSingle", {**tokens, "amountIn": wei, "amountOutMinimum": 0, "sqrtPriceLimitX96": 0}
        )

    def _call(self, function: str, *arguments: Any) -> str:
        return self.world.routers.second.encode(function, *arguments)

    @property
    def _weth(self) -> str:
        return self.world.v3.tokens["WETH"].address

    @property
    def _usdc(self) -> str:
        return self.world.v3.tokens["USDC"].address
