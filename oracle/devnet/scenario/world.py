"""The scenario's world: all protocols on one chain, one price of ether for all of them, and a clock.

No protocol charges interest here: so the ledger can tell every position to the last unit.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Protocol

from eth_account.signers.local import LocalAccount

from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import Sent, Transactor
from oracle.devnet.machinery.artifacts import Deployed
from oracle.devnet.protocols.aave import RESERVES, Aave, ReserveParameters
from oracle.devnet.protocols.aave_v2 import AaveV2, ether_price_wei
from oracle.devnet.protocols.term_desks import Desks
from oracle.devnet.protocols.uniswap import UniswapV2, UniswapV3
from oracle.devnet.protocols.uniswap_routers import LaterRouters
from oracle.devnet.protocols.vai import Vai
from oracle.devnet.protocols.venus import Venus
from oracle.history.configuration import AaveV3Market, CoinPriceFeed, HistoryConfiguration, TermLender
from oracle.history.markets import AaveV2Market, CompoundV2Market, UniswapV2Exchange, UniswapV3Exchange

RESERVE: Final[dict[str, ReserveParameters]] = {reserve.symbol: reserve for reserve in RESERVES}


@dataclass(frozen=True, slots=True)
class ModeParameters:
    """Aave's efficiency mode: what holds for its tokens while a wallet is in it, in basis points."""

    category: int
    symbols: frozenset[str]
    ltv: int
    liquidation_threshold: int
    bonus: int


MODE: Final = ModeParameters(1, frozenset({"WETH", "WBTC"}), 8_700, 9_000, 10_200)
# More than a plain transfer takes: a wallet may have code.
_PAYMENT_GAS: Final = 60_000


class Wallet(Protocol):
    """Whoever acts: an account with a key, or a contract that the relayer drives."""

    @property
    def address(self) -> str:
        """Its address, with a checksum."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Coins that came to a wallet, or went (less than none), inside somebody's transaction."""

    block: int
    wallet: Address
    wei: int


@dataclass
class World:
    """Chain, protocols and prices; `ether_prices` are (time, 1e-8 USD) as they were published.

    `relayed` are the wallets with code, by address: contracts, and accounts that delegate to it. `contracts` are the
    first, `authorised` the blocks and signers of delegations and revocations. `inside` is what no transaction says.
    """

    transactor: Transactor
    owner: LocalAccount
    v3: Aave
    v2: AaveV2
    venus: Venus
    vai: Vai
    uniswap_v2: UniswapV2
    uniswap_v3: UniswapV3
    routers: LaterRouters
    desks: Desks
    relayer: LocalAccount
    wallet_code: Deployed
    ether_usd: Decimal = RESERVE["WETH"].price_usd
    ether_prices: list[tuple[int, int]] = field(default_factory=list)
    clock: int = 0
    approved: set[tuple[str, str, str]] = field(default_factory=set)
    relayed: dict[str, Deployed] = field(default_factory=dict)
    contracts: set[Address] = field(default_factory=set)
    authorised: list[tuple[int, Address]] = field(default_factory=list)
    inside: list[Inside] = field(default_factory=list)

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
        venus = CompoundV2Market(
            "venus",
            to_address(self.venus.comptroller.address),
            self.venus.start_block,
            vai_controller=to_address(self.vai.controller.address),
        )
        second, third = self.uniswap_v2, self.uniswap_v3
        return HistoryConfiguration(
            chain_id=self.transactor.chain.chain_id,
            coin_price_feed=CoinPriceFeed(feed, max_age_seconds=None),
            aave_v3=(v3,),
            lending=(v2, venus),
            exchanges=(
                UniswapV2Exchange(
                    "uniswap-v2",
                    to_address(second.factory.address),
                    second.start_block,
                    (to_address(second.router.address),),
                ),
                UniswapV3Exchange(
                    "uniswap-v3",
                    to_address(third.factory.address),
                    to_address(third.manager.address),
                    third.start_block,
                    (to_address(third.router.address), to_address(self.routers.second.address)),
                    (to_address(self.routers.universal.address),),
                ),
            ),
            term_lenders=tuple(
                TermLender(one.name, to_address(one.address), self.desks.start_block) for one in self.desks.lenders
            ),
            token_prices=v3,
        )

    def price_usd(self, symbol: str) -> Decimal:
        """Return a token's price now."""
        return self.ether_usd if symbol == "WETH" else RESERVE[symbol].price_usd

    async def call(
        self, wallet: Wallet, contract: Deployed, function: str, *arguments: Any, value: int = 0, **how: Any
    ) -> Sent:
        """Mine one call at the world's time, a second after the last; whoever has code is driven by the relayer."""
        self.clock += 1
        data = contract.encode(function, *arguments)
        code = self._drives(wallet)
        if code is None:
            signer = self._signer(wallet)
            return await self.transactor.send(signer, contract.address, data, value, at=self.clock, **how)
        given = (contract.address, value, data)
        sent = await self.transactor.call(self.relayer, code, "execute", *given, at=self.clock, **how)
        if value and sent.succeeded:
            self.moved(wallet.address, -value)
        return sent

    async def pay(self, sender: Wallet, recipient: str, wei: int) -> None:
        """Send coins."""
        self.clock += 1
        code = self._drives(sender)
        if code is None:
            signer = self._signer(sender)
            await self.transactor.send(signer, recipient, value=wei, at=self.clock, gas=_PAYMENT_GAS)
            return
        await self.transactor.call(self.relayer, code, "execute", recipient, wei, b"", at=self.clock)
        self.moved(sender.address, -wei)
        self.moved(recipient, wei)

    def moved(self, wallet: str, wei: int) -> None:
        """Note coins that moved inside the newest transaction."""
        self.inside.append(Inside(self.transactor.sent[-1].block, to_address(wallet), wei))

    def _drives(self, wallet: Wallet) -> Deployed | None:
        """Return the code by which the relayer acts for a wallet; who has a key too acts by itself every other time."""
        code = self.relayed.get(wallet.address)
        return None if isinstance(wallet, LocalAccount) and self.clock % 2 else code

    def _signer(self, wallet: Wallet) -> LocalAccount:
        if not isinstance(wallet, LocalAccount):
            raise TypeError(f"{wallet.address} has no key, and no code that the relayer drives")
        return wallet

    async def give(self, wallet: Wallet, symbol: str, amount: int, spender: Deployed) -> None:
        """Let a wallet get tokens as `fund` does, and a contract take them."""
        token = self.v3.tokens[symbol]
        if symbol == "WETH":
            await self.call(wallet, token, "deposit", value=amount)
        else:
            await self.call(wallet, token, "mint(address,uint256)", wallet.address, amount)
        if (wallet.address, symbol, spender.address) not in self.approved:
            self.approved.add((wallet.address, symbol, spender.address))
            await self.call(wallet, token, "approve", spender.address, 2**256 - 1)

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
