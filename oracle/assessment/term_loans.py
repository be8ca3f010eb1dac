"""What loans with a due date say of a wallet at a block: what is open and what backs it, and how much was late.

A loan weighs what it was worth times how long it was out, so that no number of small, short loans washes a default
away. Worth is at the block's prices: a feature must not depend on more than the block.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from oracle.assessment.history import USD, WAD, Debt, MarketState, TermLoan, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN, Address

WORTH_COUNTING_USD: Final = USD
"""A loan under a dollar was repaid by nobody who could have failed to."""

SHORTEST_SECONDS: Final = 86_400
"""Nor was one that was out for less than a day."""

_LEAST_WEIGHT: Final = WORTH_COUNTING_USD * SHORTEST_SECONDS


def worth_usd(token: Address, amount: int, market: MarketState) -> int | None:
    """Return what an amount is worth at the block, in 1e-8 USD; None for a token without a price there."""
    if token == NATIVE_COIN:
        return amount * market.coin_price_usd // WAD
    price, decimals = market.token_prices_usd.get(token), market.token_decimals.get(token)
    return None if not price or decimals is None else int(amount * price // 10**decimals)


def principal_usd(loan: TermLoan, market: MarketState) -> int:
    """Return what a loan's principal is worth; of a token without a price, as much as what backs it."""
    known = worth_usd(loan.principal_token, loan.principal, market)
    if known is None:
        known = worth_usd(loan.collateral_token, loan.collateral, market)
    return known or 0


def open_debts(loans: TermLoanHistory, market: MarketState) -> list[Debt]:
    """Return the loans that are not paid back, each with its own collateral: it may be worth as much as is owed."""
    debts = []
    for loan in loans.loans:
        if loan.ended_at is None:
            owed = principal_usd(loan, market)
            backing = worth_usd(loan.collateral_token, loan.collateral, market) or 0
            debts.append(Debt(loan.lender, owed, backing, backing * WAD // owed if owed else None))
    return debts


def late_share(loans: TermLoanHistory, market: MarketState, now: int) -> Decimal | None:
    """Return how much of what fell due was late, defaulted or is overdue, 0..1; None when nothing fell due.

    Loans that only their counts are known of weigh alike.
    """
    if not loans.loans:
        late = loans.repaid_late + loans.defaulted
        resolved = late + loans.repaid_on_time
        return Decimal(late) / resolved if resolved else None
    late, punctual = _weights(loans.loans, market, now)
    return Decimal(late) / (late + punctual) if late + punctual else None


def overdue(loan: TermLoan, now: int) -> bool:
    """Return whether a loan should have been repaid by now, and was not."""
    return loan.ended_at is None and now > loan.due_at


def first_taken_at(loans: TermLoanHistory, market: MarketState) -> int | None:
    """Return when the first loan worth counting was paid out, in Unix seconds; None without one."""
    if not loans.loans:
        return loans.first_taken_at
    counting = (loan.taken_at for loan in loans.loans if principal_usd(loan, market) >= WORTH_COUNTING_USD)
    return min(counting, default=None)


def _weights(loans: Iterable[TermLoan], market: MarketState, now: int) -> tuple[int, int]:
    """Return the weights of what was late and of what was on time, in 1e-8 USD times seconds."""
    late = punctual = 0
    for loan in loans:
        worth = principal_usd(loan, market)
        seconds = max((now if loan.ended_at is None else loan.ended_at) - loan.taken_at, 0)
        if overdue(loan, now) or (loan.ended_at is not None and loan.late):
            late += max(worth * seconds, _LEAST_WEIGHT)
        elif loan.ended_at is not None and worth >= WORTH_COUNTING_USD and seconds >= SHORTEST_SECONDS:
            punctual += worth * seconds
    return late, punctual
