"""What debts at several places say together: nothing that backs one of them backs another.

Health and leverage are those of the worst place, never a mean: a debt more, at whatever place, cannot make a wallet
look safer, and collateral at one place cannot hide a debt at another.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from oracle.assessment.history import USD, WAD, Debt, LendingHistory

WORTH_NAMING_USD: Final = USD
"""A debt under a dollar is what a liquidation or a rounding left over: it condemns nobody."""

SAFE_HEALTH_FACTOR_WAD: Final = 10 * WAD
"""The upper end of the feature's range: no debt, or none worth naming, is as safe as can be."""


def debts_of(lending: LendingHistory, market: str = "") -> tuple[Debt, ...]:
    """Return the debts of a history by market: its only one under the name given, where the sums are one market's."""
    if lending.debts or not (lending.debt_usd or lending.health_factor_wad is not None):
        return lending.debts
    return (Debt(market, lending.debt_usd, lending.collateral_usd, lending.health_factor_wad),)


def worth_naming(debt: Debt) -> bool:
    """Return whether a debt says anything about who owes it."""
    return debt.debt_usd >= WORTH_NAMING_USD


def lowest_health_factor(debts: Iterable[Debt]) -> int | None:
    """Return the health factor of the worst market, with 18 decimals; None without one.

    A debt that is not worth naming counts as safe, so that growing into one that is cannot raise the factor.
    """
    return min(
        (
            debt.health_factor_wad if worth_naming(debt) else max(debt.health_factor_wad, SAFE_HEALTH_FACTOR_WAD)
            for debt in debts
            if debt.health_factor_wad is not None
        ),
        default=None,
    )


def highest_debt_to_collateral(debts: Iterable[Debt]) -> Decimal | None:
    """Return debt over collateral at the worst market, infinite where nothing backs it; None without a debt."""
    return max((_ratio(debt) for debt in debts if worth_naming(debt)), default=None)


def riskiest(debts: Sequence[Debt]) -> Debt | None:
    """Return the debt that the health factor is of; None when no debt worth naming has one."""
    named = [debt for debt in debts if worth_naming(debt) and debt.health_factor_wad is not None]
    return min(named, key=lambda debt: (debt.health_factor_wad or 0, debt.market), default=None)


def _ratio(debt: Debt) -> Decimal:
    return Decimal(debt.debt_usd) / debt.collateral_usd if debt.collateral_usd else Decimal("Infinity")
