"""Aave V3's events from its subgraph (aave/protocol-subgraphs), the position at the block from the chain.

The subgraph's own prices at the events stand in for the oracle's: they are the last ones that it saw published.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from typing import Any, Final

from oracle.assessment.errors import HistoryIncomplete
from oracle.assessment.history import USD, LendingHistory
from oracle.assessment.request import Address, BlockRef
from oracle.history.aave_v3 import AaveV3Source
from oracle.history.configuration import AaveV3Market
from oracle.history.reader import ChainReader
from oracle.history.subgraph import SubgraphClient

_RESERVE: Final = "amount timestamp assetPriceUSD reserve { decimals }"
FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "supplies": ("user", _RESERVE),
    "redeemUnderlyings": ("user", _RESERVE),
    "borrows": ("user", _RESERVE),
    "repays": ("user", _RESERVE),
    "liquidationCalls": ("user", "timestamp collateralAmount collateralAssetPriceUSD collateralReserve { decimals }"),
    "flashLoans": ("target", "timestamp"),
}
"""The entities that hold a wallet's history, each with the argument that names it."""

_EXACT: Final = Context(prec=60, rounding=ROUND_DOWN)


@dataclass
class _Sums:
    usd: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    first_borrow_at: int | None = None

    def add(self, kind: str, entity: Mapping[str, Any]) -> None:
        self.counts[kind] += 1
        if kind == "flashLoans":
            return
        if kind == "liquidationCalls":
            amount, price, reserve = "collateralAmount", "collateralAssetPriceUSD", "collateralReserve"
        else:
            amount, price, reserve = "amount", "assetPriceUSD", "reserve"
        try:
            price_usd = int(_EXACT.multiply(Decimal(entity[price]), Decimal(USD)))
            self.usd[kind] += int(entity[amount]) * price_usd // 10 ** int(entity[reserve]["decimals"])
            moment = int(entity["timestamp"])
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise HistoryIncomplete(f"entity {entity.get('id')} of {kind} came without a number: {error}") from error
        if kind == "borrows":
            self.first_borrow_at = moment if self.first_borrow_at is None else min(self.first_borrow_at, moment)


class AaveV3SubgraphSource(AaveV3Source):
    """One Aave V3 market as a source of lending history, its events from a subgraph."""

    def __init__(self, reader: ChainReader, market: AaveV3Market, client: SubgraphClient) -> None:
        super().__init__(reader, market, span_blocks=1)
        self._client = client

    async def read(self, wallet: Address, at: BlockRef) -> LendingHistory:
        """Return the wallet's events up to the block and its position at it.

        Raises HistoryIncomplete when there is a debt, but no borrowing that it came from.
        """
        if at.number < self._market.start_block:
            return LendingHistory()
        sums = _Sums()
        async for pages in self._client.pages(FIELDS, wallet, at):
            for kind, entities in pages.items():
                for entity in entities:
                    sums.add(kind, entity)
        collateral_usd, debt_usd, health_factor_wad = await self._position(wallet, at, self._prices())
        if debt_usd and not sums.counts["borrows"]:
            raise HistoryIncomplete(f"{wallet} is in debt at {self.name}, but its subgraph knows of no borrowing")
        event_count = sum(sums.counts.values())
        return LendingHistory(
            supplied_usd=sums.usd["supplies"],
            withdrawn_usd=sums.usd["redeemUnderlyings"],
            borrowed_usd=sums.usd["borrows"],
            repaid_usd=sums.usd["repays"],
            liquidation_count=sums.counts["liquidationCalls"],
            liquidated_usd=sums.usd["liquidationCalls"],
            event_count=event_count,
            first_borrow_at=sums.first_borrow_at,
            collateral_usd=collateral_usd,
            debt_usd=debt_usd,
            health_factor_wad=health_factor_wad,
            protocols=frozenset({self.name} if event_count else ()),
        )
