"""Compound V2 and its forks: what a wallet did in any market of a comptroller, and its position at the block.

Its events index nothing, so they come from the index. A fork may add a last number to `Mint` and `Redeem`. A stablecoin
that a fork mints against the collateral (Venus's VAI) is part of the debt, and its liquidations count, which its
controller logs as a market would. What was minted and paid back of it is not among the borrowings.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.history import LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.activity import Activity, Position, check_borrowed, lending_history
from oracle.history.lending.compound_v2_prices import Block, ComptrollerPrices, Unpriced
from oracle.history.markets import CompoundV2Market
from oracle.history.reading.abi import Event, Function
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.event_index import EventIndex, Told
from oracle.history.reading.logs import Log
from oracle.history.reading.reader import ChainReader
from oracle.history.reading.subgraph_logs import SubgraphLogs

_NUMBERS: Final = ("uint256", "uint256", "uint256")


def _unindexed(name: str, *types: str) -> Event:
    return Event(name, types, types)


MINT: Final = _unindexed("Mint", "address", *_NUMBERS[:2])  # minter, mintAmount, mintTokens
MINT_WITH_BALANCE: Final = _unindexed("Mint", "address", *_NUMBERS)
MINT_BEHALF: Final = _unindexed("MintBehalf", "address", "address", *_NUMBERS[:2])  # payer, receiver, …
MINT_BEHALF_WITH_BALANCE: Final = _unindexed("MintBehalf", "address", "address", *_NUMBERS)
REDEEM: Final = _unindexed("Redeem", "address", *_NUMBERS[:2])  # redeemer, redeemAmount, redeemTokens
REDEEM_WITH_BALANCE: Final = _unindexed("Redeem", "address", *_NUMBERS)
BORROW: Final = _unindexed("Borrow", "address", *_NUMBERS)  # borrower, borrowAmount, accountBorrows, totalBorrows
REPAY: Final = _unindexed("RepayBorrow", "address", "address", *_NUMBERS)  # payer, borrower, repayAmount, …
LIQUIDATION: Final = _unindexed(
    "LiquidateBorrow", "address", "address", "uint256", "address", "uint256"
)  # liquidator, borrower, repayAmount, cTokenCollateral, seizeTokens

STABLECOIN_LIQUIDATION: Final = _unindexed("LiquidateVAI", *LIQUIDATION.types)

_TOTAL_SUPPLY: Final = Function("totalSupply", (), ("uint256",))

_SUPPLIES: Final = frozenset({MINT, MINT_WITH_BALANCE, MINT_BEHALF, MINT_BEHALF_WITH_BALANCE})
_REDEMPTIONS: Final = frozenset({REDEEM, REDEEM_WITH_BALANCE})
_LIQUIDATIONS: Final = frozenset({LIQUIDATION, STABLECOIN_LIQUIDATION})
_IN_ANOTHERS_NAME: Final = frozenset({MINT_BEHALF, MINT_BEHALF_WITH_BALANCE})
_OF_SECOND: Final = frozenset({*_IN_ANOTHERS_NAME, REPAY, *_LIQUIDATIONS})
_EVENTS: Final = {event.topic: event for event in (*_SUPPLIES, *_REDEMPTIONS, BORROW, REPAY, *_LIQUIDATIONS)}


def wallet_of(log: Log) -> Address:
    """Return whose account an event changes: the minter, redeemer or borrower."""
    event = _EVENTS[log.topics[0]]
    return Address(str(event.decode(log.data)[1 if event in _OF_SECOND else 0]).lower())


@dataclass
class _Sums(Activity):
    liquidators_repayments: Counter[tuple[object, ...]] = field(default_factory=Counter)


class CompoundV2Source:
    """All markets of one comptroller as a source of lending history, its events from `events` or the index."""

    def __init__(
        self,
        reader: ChainReader,
        market: CompoundV2Market,
        index: EventIndex,
        *,
        span_blocks: int,
        events: SubgraphLogs | None = None,
    ) -> None:
        self._reader = reader
        self._market = market
        self._index = index
        self._span_blocks = span_blocks
        self._events = events

    @property
    def name(self) -> str:
        """The protocol's name."""
        return self._market.name

    async def read(self, wallet: Address, at: BlockRef) -> LendingHistory:
        """Return the wallet's events up to the block and its position at it; see Source for the errors."""
        if at.number < self._market.start_block:
            return LendingHistory()
        prices = ComptrollerPrices(self._reader, self._market)
        sums = await self._sums(await self._logs(wallet, at, prices), prices)
        position = await self._position(wallet, at, prices)
        check_borrowed(wallet, self.name, sums, position.debt_usd, subgraph=self._events is not None)
        position += Position(debt_usd=await prices.stablecoin_debt_usd(wallet, at.hash))
        return await lending_history(self._reader, self.name, sums, position, position.health_factor_wad)

    async def fill_index(self, at: BlockRef, told: Told = lambda block, until: None) -> None:
        """Index the markets' events up to a block, so that a request finds all but the newest of them there."""
        if at.number < self._market.start_block:
            return
        await self._index.fill(
            self._reader,
            await self._contracts(ComptrollerPrices(self._reader, self._market), at),
            list(_EVENTS),
            wallet_of,
            at,
            start_block=self._market.start_block,
            span_blocks=self._span_blocks,
            told=told,
            untouched=self._untouched,
        )

    async def _logs(self, wallet: Address, at: BlockRef, prices: ComptrollerPrices) -> list[Log]:
        if self._events is not None:
            return await self._events.of(wallet, at)
        return await self._index.logs(
            self._reader,
            await self._contracts(prices, at),
            list(_EVENTS),
            wallet_of,
            wallet,
            at,
            start_block=self._market.start_block,
            span_blocks=self._span_blocks,
            untouched=self._untouched,
        )

    async def _untouched(self, market: Address, block_hash: str) -> bool:
        """Return whether a market has no shares, as before its first supply, or is not there yet."""
        try:
            (shares,) = await self._reader.call(market, _TOTAL_SUPPLY, block_hash=block_hash)
        except ConfigurationFault:
            return True
        return not shares

    async def _contracts(self, prices: ComptrollerPrices, at: BlockRef) -> list[Address]:
        """Return all that log events: the markets, and the controller of the fork's stablecoin."""
        controller = self._market.vai_controller
        return [*await prices.markets(at.hash), *(() if controller is None else (controller,))]

    async def _sums(self, logs: list[Log], prices: ComptrollerPrices) -> _Sums:
        sums = _Sums()
        for log in logs:
            if log.topics[0] == LIQUIDATION.topic:
                liquidator, _, repaid, _, _ = LIQUIDATION.decode(log.data)
                sums.liquidators_repayments[log.address, log.block_hash, liquidator, repaid] += 1
            if _owed(log):
                sums.owe(log)
        for log, usd in zip(logs, await all_of(self._value(log, prices) for log in logs), strict=True):
            event = _EVENTS[log.topics[0]]
            if event is REPAY and _is_liquidators(log, sums):
                continue
            sums.events += 1
            amount = int(event.decode(log.data)[2 if event in _OF_SECOND else 1])
            # Everything but these is done by the wallet alone; nothing of nothing is no use either.
            sums.used = sums.used or (amount > 0 and event not in _OF_SECOND)
            if event in _SUPPLIES:
                sums.supply(log, log.address, usd)
            elif event in _REDEMPTIONS:
                sums.withdraw(log, log.address, usd)
            elif event is BORROW and amount:
                sums.borrow(log, log.address, usd)
            elif event is REPAY:
                sums.repay(log, log.address, usd)
            elif event in _LIQUIDATIONS:
                sums.liquidations += 1
                sums.liquidated_usd += usd
        return sums

    async def _value(self, log: Log, prices: ComptrollerPrices) -> int:
        event = _EVENTS[log.topics[0]]
        values, block = event.decode(log.data), Block(log.block_number, log.block_hash)
        if event in _LIQUIDATIONS:
            return await prices.shares_usd(Address(str(values[3]).lower()), int(values[4]), block)
        try:
            return await prices.value_usd(log.address, int(values[2 if event in _OF_SECOND else 1]), block)
        except Unpriced:
            if event in _IN_ANOTHERS_NAME and values[0] != values[1]:
                return 0  # else a stranger could keep any wallet from being assessed
            raise

    async def _position(self, wallet: Address, at: BlockRef, prices: ComptrollerPrices) -> Position:
        entered = await prices.entered(wallet, at.hash)
        return sum(await all_of(prices.position(market, wallet, at) for market in entered), start=Position())


def _owed(log: Log) -> bool:
    """Return whether a log tells that its wallet was in debt; one may repay nothing of no debt."""
    event = _EVENTS[log.topics[0]]
    return event is LIQUIDATION or (event is REPAY and REPAY.decode(log.data)[2] > 0)


def _is_liquidators(log: Log, sums: _Sums) -> bool:
    """Return whether a repayment is a liquidator's, which Aave would not log as one, and count it as found."""
    payer, _, repaid, _, _ = REPAY.decode(log.data)
    key = (log.address, log.block_hash, payer, repaid)
    if not sums.liquidators_repayments[key]:
        return False
    sums.liquidators_repayments[key] -= 1
    return True
