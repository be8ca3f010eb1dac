"""What a person can change about an assessment, and nothing else: the table of actionable features.

A lever changes the history or the loan, not the features: these follow by the code that made them in the first place.
Nothing here asks for other counterparties, smoother flows or another market: who a wallet deals with is no advice, and
the market is nobody's to change. What can be done about a passport is told to its owner alone: `private_levers`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from oracle.assessment.debts import debts_of, lowest_health_factor
from oracle.assessment.history import USD, LendingHistory, MarketState, TermLoan, WalletHistory
from oracle.assessment.request import NATIVE_COIN, Address, LoanTerms
from oracle.models.wording import plain_number

_DAY_SECONDS: Final = 86_400
_MONTH_DAYS: Final = 30
_COIN_DECIMALS: Final = 18
_DIGITS: Final = 3


@dataclass(frozen=True, slots=True)
class Situation:
    """What the features are made of: the wallet's history and the loan asked about."""

    history: WalletHistory
    terms: LoanTerms


Change = tuple[Situation, str]
"""The changed situation, and what to do for it in words."""


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing that a person can do, in `steps` growing amounts; None where there is nothing to change.

    `feature` is the public feature that it moves, `direction` 1 where that rises and -1 where it falls.
    """

    name: str
    feature: str
    direction: int
    steps: int
    pull: Callable[[Situation, int], Change | None]


def _borrow_less(now: Situation, step: int) -> Change | None:
    terms = now.terms
    principal = _rounded(terms.principal * (100 - step) // 100, up=False)
    if not 0 < principal < terms.principal:
        return None
    token, market = terms.principal_token, now.history.market
    words = f"borrow {_amount(token, principal, market)} instead of {_amount(token, terms.principal, market)}"
    return replace(now, terms=replace(terms, principal=principal)), words


def _more_collateral(now: Situation, step: int) -> Change | None:
    """Up to three times the collateral."""
    terms = now.terms
    collateral = terms.collateral + _rounded(-(-terms.collateral * 2 * step // 100), up=True)
    if not terms.collateral:
        return None
    token, market = terms.collateral_token, now.history.market
    words = f"put up {_amount(token, collateral, market)} as collateral instead of "
    words += _amount(token, terms.collateral, market)
    return replace(now, terms=replace(terms, collateral=collateral)), words


def _shorter_loan(now: Situation, step: int) -> Change | None:
    """Down to a day."""
    days = now.terms.duration_seconds // _DAY_SECONDS
    shorter = max(days * (100 - step) // 100, 1)
    if shorter >= days:
        return None
    words = f"borrow for {shorter} {'day' if shorter == 1 else 'days'} instead of {days}"
    return replace(now, terms=replace(now.terms, duration_seconds=shorter * _DAY_SECONDS)), words


def _repay_debt(now: Situation, step: int) -> Change | None:
    """All of it, at every market the same share."""
    lending = now.history.lending
    debt, factor = lending.debt_usd, lending.health_factor_wad
    if not debt or factor is None:
        return None
    amount = min(_rounded(-(-debt * step // 100), up=True), debt)
    kept = tuple(
        # Collateral and thresholds stay: the factor grows as the debt shrinks.
        replace(one, debt_usd=left, health_factor_wad=(one.health_factor_wad or 0) * one.debt_usd // left)
        for one in debts_of(lending)
        if (left := one.debt_usd * (debt - amount) // debt)
    )
    changed = replace(
        lending,
        debt_usd=debt - amount,
        repaid_usd=lending.repaid_usd + amount,
        health_factor_wad=lowest_health_factor(kept),
        debts=kept if lending.debts else (),
    )
    words = f"repay {_usd(amount)} of the open {_debts(lending)}"
    return replace(now, history=replace(now.history, lending=changed)), words


def _back_debt(now: Situation, step: int) -> Change | None:
    """Up to three times the collateral behind every open debt, of the same kind."""
    lending = now.history.lending
    debts = debts_of(lending)
    behind = sum(one.collateral_usd for one in debts)
    if not lending.debt_usd or lending.health_factor_wad is None or not behind:
        return None
    amount = _rounded(-(-behind * 2 * step // 100), up=True)
    backed = tuple(
        replace(
            one,
            collateral_usd=one.collateral_usd * (behind + amount) // behind,
            health_factor_wad=(one.health_factor_wad or 0) * (behind + amount) // behind,
        )
        for one in debts
    )
    changed = replace(
        lending,
        supplied_usd=lending.supplied_usd + amount,
        collateral_usd=lending.collateral_usd + amount,
        health_factor_wad=lowest_health_factor(backed),
        debts=backed if lending.debts else (),
    )
    words = f"supply {_usd(amount)} more collateral behind the open {_debts(lending)}"
    return replace(now, history=replace(now.history, lending=changed)), words


def _repay_on_time(now: Situation, step: int) -> Change | None:
    """More loans like the longest and largest of those that were late."""
    loans, block = now.history.term_loans, now.history.block
    late = [loan for loan in loans.loans if loan.late]
    if not loans.repaid_late + loans.defaulted or (loans.loans and not late):
        return None
    more: tuple[TermLoan, ...] = ()
    if late:
        model = max(late, key=lambda loan: loan.principal * ((loan.ended_at or block.timestamp) - loan.taken_at))
        more = (replace(model, late=False),) * step
    changed = replace(
        loans, taken=loans.taken + step, repaid_on_time=loans.repaid_on_time + step, loans=loans.loans + more
    )
    words = f"take and repay {step} more term {'loan' if step == 1 else 'loans'} on time"
    words += ", as large and as long as the late one" if late else ""
    return replace(now, history=replace(now.history, term_loans=changed)), words


def _debts(lending: LendingHistory) -> str:
    places = sum(one.debt_usd > 0 for one in debts_of(lending))
    if places <= 1:
        return f"debt of {_usd(lending.debt_usd)}"
    return f"debts of {_usd(lending.debt_usd)} at {places} markets, the same share at each"


def _wait(now: Situation, step: int) -> Change | None:
    """Up to a year, in months."""
    history = now.history
    if history.lending.first_borrow_at is None and history.term_loans.first_taken_at is None:
        return None
    later = replace(history.block, timestamp=history.block.timestamp + step * _MONTH_DAYS * _DAY_SECONDS)
    loans = tuple(_paid_when_due(loan, history.block.timestamp, later.timestamp) for loan in history.term_loans.loans)
    words = f"ask again after {step} more {'month' if step == 1 else 'months'} without liquidation or late payment"
    waited = replace(history, block=later, term_loans=replace(history.term_loans, loans=loans))
    return replace(now, history=waited), words


def _paid_when_due(loan: TermLoan, now: int, later: int) -> TermLoan:
    """Return an open loan as it is later when nothing more goes wrong with it."""
    falls_due = loan.ended_at is None and now <= loan.due_at < later
    return replace(loan, ended_at=loan.due_at) if falls_due else loan


LEVERS: Final = (
    Lever("borrow_less", "loan_to_value", -1, 99, _borrow_less),
    Lever("more_collateral", "loan_to_value", -1, 100, _more_collateral),
    Lever("shorter_loan", "loan_duration", -1, 99, _shorter_loan),
    Lever("repay_debt", "health_factor", 1, 100, _repay_debt),
    Lever("back_debt", "health_factor", 1, 100, _back_debt),
    Lever("repay_on_time", "late_share", -1, 12, _repay_on_time),
    Lever("wait", "borrowing_age", 1, 12, _wait),
)
"""The table of all that is ever advised."""


def _rounded(amount: int, *, up: bool) -> int:
    """Return an amount with three significant digits: advice is given, and checked, in round numbers."""
    unit: int = 10 ** max(len(str(amount)) - _DIGITS, 0)
    return -(-amount // unit) * unit if up else amount // unit * unit


def _usd(amount: int) -> str:
    return f"{plain_number(Decimal(amount) / USD, 2 if amount < 1_000 * USD else 0)} USD"


def _amount(token: Address, amount: int, market: MarketState) -> str:
    if token == NATIVE_COIN:
        return f"{plain_number(Decimal(amount) / 10**_COIN_DECIMALS, 4)} coins"
    return f"{plain_number(Decimal(amount) / 10 ** market.token_decimals[token], 4)} tokens"
