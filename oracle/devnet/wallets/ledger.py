"""What the local chain's wallets were ordered to do: noted as they do it, never read back from the chain."""

from dataclasses import dataclass, field
from enum import StrEnum

from oracle.assessment.request import Address


class DeedKind(StrEnum):
    """What was done with money at a lender."""

    SUPPLY = "supply"
    WITHDRAW = "withdraw"
    BORROW = "borrow"
    REPAY = "repay"
    LIQUIDATED = "liquidated"
    LOAN_TAKEN = "loan taken"
    LOAN_REPAID = "loan repaid"
    LOAN_REPAID_LATE = "loan repaid late"


@dataclass(frozen=True, slots=True)
class Deed:
    """One act of a wallet at a lender; `usd` in 1e-8 USD at the price of that moment (a liquidation's: the collateral
    that went), 0 for term loans.
    """

    block: int
    timestamp: int
    wallet: Address
    kind: DeedKind
    usd: int


@dataclass(frozen=True, slots=True)
class PricePoint:
    """One published answer, in 1e-8 USD."""

    block: int
    timestamp: int
    symbol: str
    price_usd: int


@dataclass
class Ledger:
    """Every deed and every price, in order; transactions are in the transactor's own list."""

    deeds: list[Deed] = field(default_factory=list)
    prices: list[PricePoint] = field(default_factory=list)
