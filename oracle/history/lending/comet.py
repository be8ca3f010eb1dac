"""Compound V3 (Comet): what a wallet supplied, borrowed, repaid and lost to absorption, and its position.

Deposits and collateral that accounts send each other are no use of the protocol, as with Aave's tokens: they count in
the position alone. A debt is told whole: what a transfer paid off of one counts as repaid, in the block where that is
seen; what a transfer made of one is an error, since nothing tells when.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from oracle.assessment.errors import BlockUnavailable, HistoryIncomplete
from oracle.assessment.history import USD, WAD, LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.lending.activity import Activity, Position, lending_history
from oracle.history.lending.comet_events import (
    ABSORB_COLLATERAL,
    ABSORB_DEBT,
    OF_BASE,
    OF_FIRST,
    OF_SECOND,
    SUPPLIES,
    SUPPLY_COLLATERAL,
    WITHDRAW_COLLATERAL,
    BaseMoves,
    Indices,
    base_moves,
)
from oracle.history.market.rounds import FeedRounds
from oracle.history.markets import CometMarket
from oracle.history.reading.abi import Function, address_topic, topic_address
from oracle.history.reading.concurrently import all_of
from oracle.history.reading.doers import did_itself
from oracle.history.reading.logs import Log, Topics, read_logs
from oracle.history.reading.reader import CallReverted, ChainReader
from oracle.history.reading.subgraph_logs import SubgraphLogs

_BASE_FEED: Final = Function("baseTokenPriceFeed", (), ("address",))
_BASE_SCALE: Final = Function("baseScale", (), ("uint256",))
PRICE: Final = Function("getPrice", ("address",), ("uint256",))
# principal, and what rewards and collateral need
_ACCOUNT: Final = Function("userBasic", ("address",), ("int104", "uint64", "uint64", "uint16", "uint8"))
# indices of supply, of borrowing, and of the rewards for both, supplied, borrowed, time, pauses
_TOTALS: Final = Function("totalsBasic", (), (*["uint64"] * 4, "uint104", "uint104", "uint40", "uint8"))
_DEBT: Final = Function("borrowBalanceOf", ("address",), ("uint256",))
_ASSET_COUNT: Final = Function("numAssets", (), ("uint8",))
# offset, asset, price feed, scale, borrow factor, liquidate factor, liquidation factor, supply cap
_ASSET_TYPES: Final = ("uint8", "address", "address", "uint64", "uint64", "uint64", "uint64", "uint128")
_ASSET_AT: Final = Function("getAssetInfo", ("uint8",), _ASSET_TYPES)
ASSET: Final = Function("getAssetInfoByAddress", ("address",), _ASSET_TYPES)
_COLLATERAL: Final = Function("userCollateral", ("address", "address"), ("uint128", "uint128"))
_DECIMALS: Final = Function("decimals", (), ("uint8",))
_WORD: Final = 32


@dataclass(frozen=True, slots=True)
class _Account:
    """A wallet's principal at the end of a block, and what one is worth there."""

    number: int
    block_hash: str
    principal: int
    indices: Indices


@dataclass(frozen=True, slots=True)
class _Sums:
    """What happened in one block, in 1e-8 USD; deposits by asset, the base token's under the market's own address."""

    supplied_usd: Mapping[str, int]
    withdrawn_usd: Mapping[str, int]
    borrowed_usd: int
    repaid_usd: int
    liquidated_usd: int


class CometSource:
    """One Comet as a source of lending history, its events from `events` or the node's logs."""

    def __init__(
        self, reader: ChainReader, market: CometMarket, *, span_blocks: int, events: SubgraphLogs | None = None
    ) -> None:
        self._reader = reader
        self._market = market
        self._span_blocks = span_blocks
        self._events = events

    @property
    def name(self) -> str:
        """The market's name."""
        return self._market.name

    async def read(self, wallet: Address, at: BlockRef) -> LendingHistory:
        """Return the wallet's events up to the block and its position at it; see Source for the errors."""
        if at.number < self._market.start_block:
            return LendingHistory()
        logs = await self._wallets_logs(wallet, at) if self._events is None else await self._events.of(wallet, at)
        blocks = [list(group) for _, group in groupby(logs, key=lambda log: log.block_hash)]
        if not blocks or blocks[-1][0].block_number < at.number:
            blocks.append([])  # what happened to the balance since then
        places = [(block[0].block_number, block[0].block_hash) if block else (at.number, at.hash) for block in blocks]
        accounts = await all_of(self._account(number, block_hash, wallet) for number, block_hash in places)
        starts = [0, *(account.principal for account in accounts)]
        moves = await all_of(
            self._moves(wallet, block, start, account)
            for block, start, account in zip(blocks, starts[:-1], accounts, strict=True)
        )
        told = [
            (block, account, moved)
            for block, account, moved in zip(blocks, accounts, moves, strict=True)
            if block or moved != BaseMoves()
        ]
        sums = await all_of(self._sums(block, account.block_hash, moved) for block, account, moved in told)
        position = await self._position(wallet, at.hash)
        activity = Activity(
            liquidations=sum(log.topics[0] == ABSORB_DEBT.topic for log in logs),
            events=len(logs),
            used=any(_is_own(log, wallet) for log in logs)
            or await did_itself(self._reader, wallet, (log for log in logs if log.topics[0] in SUPPLIES)),
        )
        for (block, account, _), one in zip(told, sums, strict=True):
            # A block without an event is one that a transfer is seen in.
            seen = block[0] if block else Log(self._market.comet, (), b"", account.number, account.block_hash, 0)
            self._note(seen, one, activity)
        return await lending_history(self._reader, self.name, activity, position, position.health_factor_wad)

    def _note(self, seen: Log, sums: _Sums, activity: Activity) -> None:
        for asset, usd in sums.supplied_usd.items():
            activity.supply(seen, asset, usd)
        for asset, usd in sums.withdrawn_usd.items():
            activity.withdraw(seen, asset, usd)
        if sums.borrowed_usd:
            activity.borrow(seen, self._market.comet, sums.borrowed_usd)
        if sums.repaid_usd:
            activity.repay(seen, self._market.comet, sums.repaid_usd)
        activity.liquidated_usd += sums.liquidated_usd

    async def _wallets_logs(self, wallet: Address, at: BlockRef) -> list[Log]:
        user = address_topic(wallet)
        found = await all_of(
            self._logs(topics, at) for topics in ([list(OF_FIRST), user], [list(OF_SECOND), None, user])
        )
        return sorted((log for part in found for log in part), key=lambda log: (log.block_number, log.index))

    async def _logs(self, topics: Topics, at: BlockRef) -> list[Log]:
        market = self._market
        ranges = read_logs(self._reader, [market.comet], topics, market.start_block, at.number, self._span_blocks)
        return [log async for logs in ranges for log in logs]

    async def _account(self, number: int, block: str, wallet: Address) -> _Account:
        principal, totals = await all_of(
            [
                self._reader.call(self._market.comet, _ACCOUNT, wallet, block_hash=block),
                self._reader.call(self._market.comet, _TOTALS, block_hash=block),
            ]
        )
        return _Account(number, block, int(principal[0]), Indices(int(totals[0]), int(totals[1])))

    async def _moves(self, wallet: Address, logs: Sequence[Log], start: int, account: _Account) -> BaseMoves:
        """Return what moved the base token from a principal to that of a block with these logs.

        Raises HistoryIncomplete for what a transfer did that cannot be told.
        """
        moves, after = base_moves(logs, start, account.indices)
        # Logs of one transaction may come from a subgraph in another order, which rounds otherwise.
        if abs(after - account.principal) <= len(logs):
            return moves
        based = any(log.topics[0] in OF_BASE for log in logs)
        before = await self._principal_before(account, wallet) if based else account.principal
        if before < min(start, 0):
            raise HistoryIncomplete(
                f"{wallet} came into debt at {self.name} up to block {account.number} by no event of borrowing: by "
                "sending more of the base token than it had there, which is logged neither with a time nor an amount"
            )
        moves, after = base_moves(logs, before, account.indices)
        # A sender's debt and a debtor's relief depend on whether the transfer came before the events or after.
        if abs(after - account.principal) > len(logs):
            raise HistoryIncomplete(
                f"the balance of {wallet} at {self.name} moved in block {account.number} by more than its events tell: "
                "base tokens were sent in the same block, which may have made a debt or paid one off"
            )
        owed, left = (max(0, -account.indices.balance(principal)) for principal in (start, before))
        return moves + BaseMoves(repaid=max(0, owed - left))

    async def _principal_before(self, account: _Account, wallet: Address) -> int:
        number = account.number - 1
        block = await self._reader.request("eth_getBlockByNumber", [hex(number), False])
        if block is None:
            raise BlockUnavailable(f"the node has no block {number}, before one that {wallet} used {self.name} in")
        return await self._ask(_ACCOUNT, str(block["hash"]), wallet)

    async def _sums(self, logs: Sequence[Log], block: str, base: BaseMoves) -> _Sums:
        """Return what the logs of one block are worth, at its prices."""
        unit = await self._unit_usd(block)
        feed, scale = await self._base(block)
        price = await self._price(feed, block)

        def worth(amount: int) -> int:
            return amount * price * unit // (scale * USD)

        own, liquidated = str(self._market.comet), 0
        supplied, withdrawn = Counter({own: worth(base.supplied)}), Counter({own: worth(base.withdrawn)})
        for log in logs:
            if log.topics[0] == SUPPLY_COLLATERAL.topic:
                supplied[topic_address(log.topics[3])] += await self._collateral_usd(log, unit)
            elif log.topics[0] == WITHDRAW_COLLATERAL.topic:
                withdrawn[topic_address(log.topics[3])] += await self._collateral_usd(log, unit)
            elif log.topics[0] == ABSORB_COLLATERAL.topic:
                liquidated += int(ABSORB_COLLATERAL.decode(log.data)[1]) * unit // USD
        return _Sums(supplied, withdrawn, worth(base.borrowed), worth(base.repaid), liquidated)

    async def _collateral_usd(self, log: Log, unit: int) -> int:
        (amount,) = SUPPLY_COLLATERAL.decode(log.data)
        asset = await self._reader.call(
            self._market.comet, ASSET, topic_address(log.topics[3]), block_hash=log.block_hash
        )
        price = await self._price(_address(asset[2]), log.block_hash)
        return int(amount * price * unit // (asset[3] * USD))

    async def _position(self, wallet: Address, block: str) -> Position:
        unit, debt, count = await all_of(
            [self._unit_usd(block), self._ask(_DEBT, block, wallet), self._ask(_ASSET_COUNT, block)]
        )
        collateral_usd = backing_usd = debt_usd = 0
        for place in range(count):
            asset = await self._reader.call(self._market.comet, _ASSET_AT, place, block_hash=block)
            held = await self._ask(_COLLATERAL, block, wallet, asset[1])
            if held:
                usd = held * await self._price(_address(asset[2]), block) * unit // (asset[3] * USD)
                collateral_usd += usd
                backing_usd += usd * asset[5] // WAD
        if debt:
            feed, scale = await self._base(block)
            debt_usd = debt * await self._price(feed, block) * unit // (scale * USD)
        return Position(collateral_usd, backing_usd, debt_usd)

    async def _base(self, block: str) -> tuple[Address, int]:
        (feed,) = await self._reader.call(self._market.comet, _BASE_FEED, block_hash=block)
        return _address(feed), await self._ask(_BASE_SCALE, block)

    async def _price(self, feed: Address, block: str) -> int:
        try:
            price = await self._ask(PRICE, block, feed)
        except CallReverted:
            price = 0  # as Comets do for a feed that says nothing
        if price <= 0:
            raise HistoryIncomplete(f"{self._market.name} has no price from feed {feed} at block {block}")
        return price

    async def _unit_usd(self, block: str) -> int:
        """Return what one unit of the market's prices is worth, in 1e-8 USD."""
        feed = self._market.unit_price_feed
        if feed is None:
            return USD
        latest = await FeedRounds(self._reader, feed, block).latest()
        (decimals,) = await self._reader.call(feed, _DECIMALS, block_hash=block)
        return int(latest.answer * USD // 10**decimals)

    async def _ask(self, question: Function, block: str, *arguments: object) -> int:
        answer = await self._reader.call(self._market.comet, question, *arguments, block_hash=block)
        return int(answer[0])


def _is_own(log: Log, wallet: Address) -> bool:
    """Return whether only the wallet, or whom it let, can have done it: taken out, or paid in itself."""
    if log.topics[0] in OF_FIRST:
        return int.from_bytes(log.data[:_WORD], "big") > 0
    return log.topics[0] in SUPPLIES and log.topics[1] == address_topic(wallet)


def _address(value: object) -> Address:
    return Address(str(value).lower())
