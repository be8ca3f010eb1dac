"""One history out of several protocols'."""

from collections.abc import Iterable, Sequence

from oracle.assessment.debts import debts_of, lowest_health_factor
from oracle.assessment.history import ExchangeHistory, LendingHistory, SocialRecord, TermLoanHistory, TransactionHistory


def merge_lending(parts: Sequence[LendingHistory]) -> LendingHistory:
    """Return the sum over money markets, each debt kept with what backs it; the health factor is the worst market's."""
    debts = sorted(
        (debt for part in parts for debt in debts_of(part, ", ".join(sorted(part.protocols)))),
        key=lambda debt: (debt.market, debt.debt_usd, debt.collateral_usd),
    )
    return LendingHistory(
        supplied_usd=sum(part.supplied_usd for part in parts),
        withdrawn_usd=sum(part.withdrawn_usd for part in parts),
        borrowed_usd=sum(part.borrowed_usd for part in parts),
        repaid_usd=sum(part.repaid_usd for part in parts),
        liquidation_count=sum(part.liquidation_count for part in parts),
        liquidated_usd=sum(part.liquidated_usd for part in parts),
        event_count=sum(part.event_count for part in parts),
        first_borrow_at=_earliest(part.first_borrow_at for part in parts),
        collateral_usd=sum(part.collateral_usd for part in parts),
        debt_usd=sum(part.debt_usd for part in parts),
        health_factor_wad=lowest_health_factor(debts),
        protocols=frozenset(name for part in parts for name in part.protocols),
        returned_at_once_usd=sum(part.returned_at_once_usd for part in parts),
        withdrawn_at_once_usd=sum(part.withdrawn_at_once_usd for part in parts),
        debts=tuple(debts) if len(parts) > 1 else parts[0].debts if parts else (),
    )


def merge_exchanges(parts: Sequence[ExchangeHistory]) -> ExchangeHistory:
    """Return the sum over exchanges."""
    return ExchangeHistory(
        swap_count=sum(part.swap_count for part in parts),
        liquidity_count=sum(part.liquidity_count for part in parts),
        open_positions=sum(part.open_positions for part in parts),
        removal_count=sum(part.removal_count for part in parts),
        collect_count=sum(part.collect_count for part in parts),
        contracts_left_out=sum(part.contracts_left_out for part in parts),
        protocols=frozenset(name for part in parts for name in part.protocols),
    )


def router_exchanges(transactions: TransactionHistory) -> list[ExchangeHistory]:
    """Return the use of exchanges that only a wallet's transactions tell of."""
    return [
        ExchangeHistory(swap_count=count, protocols=frozenset({name}))
        for name, count in transactions.router_swaps.items()
    ]


def merge_term_loans(parts: Sequence[TermLoanHistory]) -> TermLoanHistory:
    """Return the sum over term lenders."""
    return TermLoanHistory(
        taken=sum(part.taken for part in parts),
        repaid_on_time=sum(part.repaid_on_time for part in parts),
        repaid_late=sum(part.repaid_late for part in parts),
        defaulted=sum(part.defaulted for part in parts),
        first_taken_at=_earliest(part.first_taken_at for part in parts),
        lenders=frozenset(name for part in parts for name in part.lenders),
        loans=tuple(sorted((loan for part in parts for loan in part.loans), key=lambda loan: loan.taken_at)),
    )


def merge_social(parts: Sequence[SocialRecord]) -> SocialRecord:
    """Return the records of all registries."""
    return SocialRecord(frozenset(name for part in parts for name in part.verifications))


def _earliest(moments: Iterable[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
