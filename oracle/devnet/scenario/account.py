"""The ledger's account of one wallet at one lender: what it did, in dollars of the moment, and where it stands."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from oracle.assessment.history import LendingHistory


class Kind(StrEnum):
    """What can be done at a lender."""

    SUPPLY = "supply"
    WITHDRAW = "withdraw"
    BORROW = "borrow"
    REPAY = "repay"
    LIQUIDATED = "liquidated"


@dataclass(frozen=True, slots=True)
class Standing:
    """A position now: 1e-8 USD, and the health factor with 18 decimals (None without debt)."""

    collateral_usd: int
    debt_usd: int
    health_factor_wad: int | None


@dataclass
class LenderAccount:
    """Amounts by symbol in smallest units (for Compound V2: shares), and what was done in 1e-8 USD.

    `in_mode` says that the wallet is in Aave's efficiency mode.
    """

    supplied: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    owed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    usd: dict[Kind, int] = field(default_factory=lambda: defaultdict(int))
    counts: dict[Kind, int] = field(default_factory=lambda: defaultdict(int))
    first_borrow_at: int | None = None
    used: bool = False
    in_mode: bool = False

    def note(self, kind: Kind, usd: int, at: int, *, own: bool = True) -> None:
        """Write an act down; `own` is what the wallet did itself, and nobody in its name."""
        self.usd[kind] += usd
        self.counts[kind] += 1
        self.used = self.used or (own and kind is not Kind.LIQUIDATED)
        if kind is Kind.BORROW and self.first_borrow_at is None:
            self.first_borrow_at = at

    def history(self, name: str, standing: Standing) -> LendingHistory:
        """Return what a source must find of it."""
        events = sum(self.counts.values())
        return LendingHistory(
            supplied_usd=self.usd[Kind.SUPPLY],
            withdrawn_usd=self.usd[Kind.WITHDRAW],
            borrowed_usd=self.usd[Kind.BORROW],
            repaid_usd=self.usd[Kind.REPAY],
            liquidation_count=self.counts[Kind.LIQUIDATED],
            liquidated_usd=self.usd[Kind.LIQUIDATED],
            event_count=events,
            first_borrow_at=self.first_borrow_at,
            collateral_usd=standing.collateral_usd,
            debt_usd=standing.debt_usd,
            health_factor_wad=standing.health_factor_wad,
            protocols=frozenset({name} if self.used else ()),
        )
