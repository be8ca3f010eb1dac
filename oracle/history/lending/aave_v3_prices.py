"""An Aave market's own prices, at the block that a number belongs to: V3 counts in USD, V2 builds on this."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from oracle.assessment.errors import ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import USD
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef
from oracle.history.reading.abi import Function
from oracle.history.reading.bundle import Call
from oracle.history.reading.concurrently import Memo, all_of
from oracle.history.reading.reader import CallReverted, ChainReader

_GET_PRICE_ORACLE: Final = Function("getPriceOracle", (), ("address",))
_GET_ASSET_PRICE: Final = Function("getAssetPrice", ("address",), ("uint256",))
_BASE_CURRENCY_UNIT: Final = Function("BASE_CURRENCY_UNIT", (), ("uint256",))
_DECIMALS: Final = Function("decimals", (), ("uint8",))
_BALANCE_OF: Final = Function("balanceOf", ("address",), ("uint256",))
RESERVE_DATA: Final = Function(
    "getReserveData",
    ("address",),
    # configuration, liquidityIndex, currentLiquidityRate, variableBorrowIndex, currentVariableBorrowRate,
    # currentStableBorrowRate, lastUpdateTimestamp, id, aToken, stableDebtToken, variableDebtToken, strategy,
    # accruedToTreasury, unbacked, isolationModeTotalDebt
    ("uint256",) * 6 + ("uint40", "uint16") + ("address",) * 4 + ("uint128",) * 3,
)
A_TOKEN_AT: Final = 8
_AT_ONCE: Final = 60


class AaveMarket(Protocol):
    """What a market of any generation is known by."""

    @property
    def name(self) -> str:
        """Name in features and logs."""
        ...

    @property
    def addresses_provider(self) -> Address:
        """The contract that names the market's oracle."""
        ...

    @property
    def pool(self) -> Address:
        """The contract that logs what users do."""
        ...

    @property
    def start_block(self) -> int:
        """Nothing of the market exists before it."""
        ...


@dataclass(frozen=True, slots=True)
class Base:
    """What one smallest unit of a market's base currency is worth, as a fraction in 1e-8 USD."""

    numerator: int = 1
    denominator: int = 1

    def usd(self, amount: int, divisor: int = 1) -> int:
        """Return an amount's worth in 1e-8 USD, divided by `divisor` and rounded down once."""
        return amount * self.numerator // (self.denominator * divisor)


class MarketPrices:
    """A market's own prices at any block, in 1e-8 USD; one read each, remembered for one wallet's history.

    `reserve_data` answers, from place `tokens_at` on, with a reserve's tokens of deposit, stable and variable debt.
    """

    reserve_data = RESERVE_DATA
    tokens_at = A_TOKEN_AT

    def __init__(self, reader: ChainReader, market: AaveMarket) -> None:
        self._reader = reader
        self._market = market
        self._oracles: Memo[str, Address] = Memo(self._read_oracle)
        self._prices: Memo[tuple[Address, str], int] = Memo(self._read_price)
        self._decimals: dict[Address, asyncio.Task[int]] = {}
        self._usual_block: str | None = None

    def expect_oracle_of(self, block_hash: str) -> None:
        """Try the oracle of this block first at every other one; by itself it is that of the first block asked for."""
        self._usual_block = block_hash

    async def check_unit(self, block_hash: str) -> None:
        """Raise ConfigurationFault unless the market counts in 1e-8 USD."""
        oracle = await self._oracles.get(block_hash)
        (unit,) = await self._reader.call(oracle, _BASE_CURRENCY_UNIT, block_hash=block_hash)
        if unit != USD:
            raise ConfigurationFault(
                f"market {self._market.name} counts in units of 1/{unit}, expected 1/{USD} US dollars"
            )

    async def base(self, block_hash: str) -> Base:
        """Return what the market's base currency was worth at a block."""
        return Base()

    async def price(self, asset: Address, block_hash: str) -> int:
        """Return one whole unit's price in the base currency; raises HistoryIncomplete when the oracle has none."""
        return await self._prices.get((asset, block_hash))

    async def decimals(self, asset: Address, block_hash: str) -> int:
        """Return how many decimals an asset's amounts have."""
        if asset not in self._decimals:
            self._decimals[asset] = asyncio.create_task(self._read_decimals(asset, block_hash))
        return await self._decimals[asset]

    async def value_usd(self, asset: Address, amount: int, block_hash: str) -> int:
        """Return what an amount was worth at a block, in 1e-8 USD rounded down."""
        price = await self.price(asset, block_hash)
        decimals = await self.decimals(asset, block_hash)
        return (await self.base(block_hash)).usd(amount * price, 10**decimals)

    async def check_held(self, wallet: Address, assets: Iterable[str], at: BlockRef) -> None:
        """Raise HistoryIncomplete where the wallet has, or owes, something of an asset without a price at the block.

        The market then counts it as worth nothing: a debt as none.
        """
        listed = sorted(Address(asset) for asset in assets)
        if not listed:
            return
        oracle = await self._oracles.get(at.hash)
        groups = [listed[place : place + _AT_ONCE] for place in range(0, len(listed), _AT_ONCE)]
        answers = await all_of(
            self._reader.words([(oracle, _GET_ASSET_PRICE, (asset,)) for asset in group], at.hash) for group in groups
        )
        known = [price for answer in answers for price in answer]
        for asset in (asset for asset, price in zip(listed, known, strict=True) if not price):
            try:
                await self.price(asset, at.hash)
            except HistoryIncomplete:
                if await self._holds(wallet, asset, at.hash):
                    raise

    async def _holds(self, wallet: Address, asset: Address, block_hash: str) -> bool:
        reserve = await self._reader.call(self._market.pool, self.reserve_data, asset, block_hash=block_hash)
        # Deposit, stable and variable debt; a market without stable debts names the zero address.
        tokens = [Address(str(token).lower()) for token in reserve[self.tokens_at : self.tokens_at + 3]]
        held = await all_of(
            self._reader.call(token, _BALANCE_OF, wallet, block_hash=block_hash)
            for token in tokens
            if token != NATIVE_COIN
        )
        return any(amount for (amount,) in held)

    async def _read_oracle(self, block_hash: str) -> Address:
        # Asked at each block: governance replaces the oracle now and then.
        provider = self._market.addresses_provider
        (oracle,) = await self._reader.call(provider, _GET_PRICE_ORACLE, block_hash=block_hash)
        return Address(str(oracle).lower())

    async def _read_price(self, key: tuple[Address, str]) -> int:
        asset, block_hash = key
        price = await self._price_of_usual_oracle(asset, block_hash)
        if price is None:
            price = await self._ask_price(asset, block_hash)
        if price <= 0:
            raise HistoryIncomplete(f"the oracle of {self._market.name} has no price of {asset} at block {block_hash}")
        return int(price)

    async def _ask_price(self, asset: Address, block_hash: str) -> int:
        oracle = await self._oracles.get(block_hash)
        try:
            (price,) = await self._reader.call(oracle, _GET_ASSET_PRICE, asset, block_hash=block_hash)
        except CallReverted:
            return 0  # its feed was retired, and no other answers for it
        return int(price)

    async def _price_of_usual_oracle(self, asset: Address, block_hash: str) -> int | None:
        """Return the price from the oracle of another block, if it is this block's too: one request instead of two."""
        self._usual_block = self._usual_block or block_hash
        usual = await self._oracles.get(self._usual_block)
        provider = self._market.addresses_provider
        calls: list[Call] = [(provider, _GET_PRICE_ORACLE, ()), (usual, _GET_ASSET_PRICE, (asset,))]
        oracle, price = await self._reader.words(calls, block_hash)
        return price if oracle == int(usual, 16) else None

    async def _read_decimals(self, asset: Address, block_hash: str) -> int:
        (decimals,) = await self._reader.constant(asset, _DECIMALS, block_hash)
        return int(decimals)
