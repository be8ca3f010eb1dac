"""The scenario's world: all protocols on one chain, one price of ether for all of them, and a clock.

No protocol charges interest here: so the ledger can tell every position to the last unit.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.assessment.request import to_address
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import AAVE_V2, VENUS, Artifact, Deployed, aave_v3, packaged
from oracle.devnet.protocols.aave import RESERVES, Aave, ReserveParameters, deploy_aave, fund
from oracle.devnet.protocols.aave_v2 import AaveV2, deploy_aave_v2, ether_price_wei
from oracle.devnet.protocols.uniswap import UniswapV2, UniswapV3, deploy_uniswap_v2, deploy_uniswap_v3
from oracle.devnet.protocols.venus import Venus, deploy_venus
from oracle.history.configuration import AaveV3Market, CoinPriceFeed, HistoryConfiguration
from oracle.history.markets import AaveV2Market, CompoundV2Market, UniswapV2Exchange, UniswapV3Exchange

RESERVE: Final[dict[str, ReserveParameters]] = {reserve.symbol: reserve for reserve in RESERVES}
_RAY: Final = 10**27
_OPTIMAL: Final = _RAY * 8 // 10
_OWNER_COINS: Final = 10_000_000


@dataclass
class World:
    """Chain, protocols and prices; `ether_prices` are (time, 1e-8 USD) as they were published."""

    transactor: Transactor
    owner: LocalAccount
    v3: Aave
    v2: AaveV2
    venus: Venus
    uniswap_v2: UniswapV2
    uniswap_v3: UniswapV3
    ether_usd: Decimal = RESERVE["WETH"].price_usd
    ether_prices: list[tuple[int, int]] = field(default_factory=list)
    clock: int = 0
    approved: set[tuple[str, str, str]] = field(default_factory=set)

    @property
    def configuration(self) -> HistoryConfiguration:
        """What the sources are pointed at to read this world."""
        feed = to_address(self.v3.feeds.contracts["WETH"].address)
        v3 = AaveV3Market(
            "aave-v3",
            to_address(self.v3.addresses_provider.address),
            to_address(self.v3.pool.address),
            self.v3.start_block,
        )
        v2 = AaveV2Market(
            "aave-v2",
            to_address(self.v2.addresses_provider.address),
            to_address(self.v2.pool.address),
            feed,
            self.v2.start_block,
        )
        venus = CompoundV2Market("venus", to_address(self.venus.comptroller.address), self.venus.start_block)
        second, third = self.uniswap_v2, self.uniswap_v3
        return HistoryConfiguration(
            chain_id=self.transactor.chain.chain_id,
            coin_price_feed=CoinPriceFeed(feed, max_age_seconds=None),
            aave_v3=(v3,),
            lending=(v2, venus),
            exchanges=(
                UniswapV2Exchange("uniswap-v2", to_address(second.factory.address), second.start_block),
                UniswapV3Exchange(
                    "uniswap-v3",
                    to_address(third.factory.address),
                    to_address(third.manager.address),
                    third.start_block,
                ),
            ),
            token_prices=v3,
        )

    def price_usd(self, symbol: str) -> Decimal:
        """Return a token's price now."""
        return self.ether_usd if symbol == "WETH" else RESERVE[symbol].price_usd

    async def call(self, account: LocalAccount, contract: Deployed, function: str, *arguments: Any, **how: Any) -> None:
        """Mine one call at the world's time, and let a second pass."""
        self.clock += 1
        await self.transactor.call(account, contract, function, *arguments, at=self.clock, **how)

    async def pay(self, sender: LocalAccount, recipient: str, wei: int) -> None:
        """Send coins."""
        self.clock += 1
        await self.transactor.send(sender, recipient, value=wei, at=self.clock)

    async def give(self, account: LocalAccount, symbol: str, amount: int, spender: Deployed) -> None:
        """Let an account get tokens, and a contract take them."""
        self.clock += 1
        await fund(self.transactor, self.v3, account, symbol, amount, at=self.clock)
        if (account.address, symbol, spender.address) not in self.approved:
            self.approved.add((account.address, symbol, spender.address))
            await self.call(account, self.v3.tokens[symbol], "approve", spender.address, 2**256 - 1)

    async def set_ether_price(self, price_usd: Decimal) -> None:
        """Publish one price of ether at every oracle; the dollar prices of the others stay."""
        self.ether_usd = price_usd
        self.clock += 1
        answer = await self.v3.feeds.publish(self.transactor, "WETH", price_usd, at=self.clock)
        self.ether_prices.append((self.clock, answer))
        for symbol in self.v2.feeds:
            self.clock += 1
            wei = ether_price_wei(RESERVE[symbol].price_usd, price_usd)
            await self.v2.publish(self.transactor, symbol, wei, at=self.clock)
        self.clock += 1
        await self.venus.publish(self.transactor, "WETH", price_usd, at=self.clock)


async def build_world(chain: Anvil) -> World:
    """Deploy everything on an empty chain."""
    transactor, owner = Transactor(chain), named_account("owner")
    await chain.set_balance(owner.address, _OWNER_COINS * ETHER)
    v3 = await deploy_aave(transactor, owner)
    v2 = await deploy_aave_v2(transactor, owner, v3)
    venus = await deploy_venus(transactor, owner, v3)
    await _stop_interest(transactor, owner, v3, v2, venus)
    second = await deploy_uniswap_v2(transactor, owner, v3)
    third = await deploy_uniswap_v3(transactor, owner, v3)
    world = World(transactor, owner, v3, v2, venus, second, third, clock=await chain.timestamp() + 1)
    feed = to_address(v3.feeds.contracts["WETH"].address)
    deployed = next(sent for sent in transactor.sent if sent.created == feed)
    world.ether_prices.append((deployed.timestamp, v3.feeds.prices["WETH"]))
    return world


async def _stop_interest(transactor: Transactor, owner: LocalAccount, v3: Aave, v2: AaveV2, venus: Venus) -> None:
    flat = packaged(AAVE_V2, "protocol/lendingpool/DefaultReserveInterestRateStrategy")
    await _set_strategies(transactor, owner, v2, "getLendingPoolConfigurator", flat, _OPTIMAL, 0, 0, 0, 0, 0)
    flat = aave_v3("protocol/pool/DefaultReserveInterestRateStrategy")
    await _set_strategies(transactor, owner, v3, "getPoolConfigurator", flat, _OPTIMAL, 0, 0, 0, 0, 0, 0, 0, 0)
    model = await transactor.deploy(owner, packaged(VENUS, "JumpRateModel"), 0, 0, 0, ETHER)
    for share in venus.shares.values():
        await transactor.call(owner, share, "_setInterestRateModel", model.address)


async def _set_strategies(
    transactor: Transactor, owner: LocalAccount, market: Aave | AaveV2, getter: str, flat: Artifact, *rates: int
) -> None:
    provider = market.addresses_provider
    strategy = await transactor.deploy(owner, flat, provider.address, *rates)
    configurator = packaged(AAVE_V2, "protocol/lendingpool/LendingPoolConfigurator").at(
        await transactor.read(provider, getter)
    )
    for token in market.tokens.values():
        await transactor.call(
            owner, configurator, "setReserveInterestRateStrategyAddress", token.address, strategy.address
        )
