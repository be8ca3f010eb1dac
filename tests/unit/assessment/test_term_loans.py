"""Loans with a due date: what is open counts as debt, what is overdue as late, and dust washes nothing away."""

from dataclasses import replace
from decimal import Decimal

import pytest

from oracle.assessment.engineering import engineer
from oracle.assessment.history import WAD, TermLoan, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN, Address
from oracle.assessment.term_loans import first_taken_at, late_share, open_debts
from tests.unit.assessment.test_engineering import DAY, MARKET, NEWCOMER, NOW, TERMS

ETHER = WAD
TAKEN = NOW - 100 * DAY


def loan(principal: int = 10 * ETHER, days: int = 90, *, ended: int | None = None, late: bool = False) -> TermLoan:
    due = TAKEN + days * DAY
    return TermLoan("desk", NATIVE_COIN, principal, NATIVE_COIN, 2 * principal, TAKEN, due, ended, late)


def history(*loans: TermLoan) -> TermLoanHistory:
    return TermLoanHistory(taken=len(loans), first_taken_at=TAKEN, lenders=frozenset({"desk"}), loans=loans)


DEFAULT = loan(ended=NOW, late=True)
DUST = loan(1, 0, ended=TAKEN + 1)


def share(*loans: TermLoan, now: int = NOW) -> Decimal | None:
    return late_share(history(*loans), MARKET, now)


def test_late_share__of_a_default__is_washed_by_no_number_of_loans_of_a_wei_for_a_second() -> None:
    assert share(DEFAULT) == 1
    assert share(DEFAULT, *[DUST] * 19) == 1
    assert share(*[DUST] * 19) is None


def test_late_share__of_value_and_time__weighs_what_was_lent_and_how_long() -> None:
    month = loan(10 * ETHER, ended=TAKEN + 30 * DAY)
    assert share(DEFAULT, month) == Decimal(100) / 130
    assert share(DEFAULT, replace(month, principal=20 * ETHER)) == Decimal(100) / 160


@pytest.mark.parametrize(
    ("principal", "seconds"), [(1, 90 * DAY), (10 * ETHER, 1)], ids=["dust for long", "much for a second"]
)
def test_late_share__of_what_is_too_small_or_too_short__counts_on_time_for_nothing(
    principal: int, seconds: int
) -> None:
    assert share(DEFAULT, loan(principal, ended=TAKEN + seconds)) == 1


def test_late_share__of_a_late_loan_that_is_dust__counts_at_least_as_the_smallest_that_counts() -> None:
    found = share(loan(1, ended=NOW, late=True), loan(10 * ETHER, ended=NOW))
    assert found is not None
    assert 0 < found < Decimal("0.0001")


def test_late_share__of_an_open_loan__counts_from_its_due_date_on() -> None:
    open_loan = loan(days=90)
    assert share(open_loan, now=open_loan.due_at) is None
    assert share(open_loan, now=open_loan.due_at + 1) == 1


def test_features__of_an_open_loan__are_debt_that_its_own_collateral_backs() -> None:
    values = engineer(replace(NEWCOMER, term_loans=history(loan(days=300))), TERMS).values
    assert (values["health_factor"], values["debt_to_collateral"]) == (2, Decimal("0.5"))
    assert values["late_share"] is None
    overdue = engineer(replace(NEWCOMER, term_loans=history(loan())), TERMS).values
    assert overdue["late_share"] == 1


def test_features__of_two_open_loans__are_those_of_the_worse_backed_one() -> None:
    unbacked = replace(loan(days=300), collateral=0)
    values = engineer(replace(NEWCOMER, term_loans=history(loan(days=300), unbacked)), TERMS).values
    assert values["health_factor"] == 0
    assert values["debt_to_collateral"] == Decimal("Infinity")


def test_open_debts__of_a_token_without_a_price__are_as_much_as_what_backs_them() -> None:
    unknown = replace(loan(days=300), principal_token=Address("0x" + "99" * 20))
    [debt] = open_debts(history(unknown), MARKET)
    assert debt.debt_usd == debt.collateral_usd == 20 * MARKET.coin_price_usd
    assert debt.health_factor_wad == WAD


def test_borrowing_age__of_dust__does_not_begin() -> None:
    assert first_taken_at(history(DUST), MARKET) is None
    assert first_taken_at(history(DUST, loan(days=300)), MARKET) == TAKEN
    values = engineer(replace(NEWCOMER, term_loans=history(DUST)), TERMS).values
    assert values["borrowing_age"] is None


def test_late_share__of_counts_alone__weighs_each_loan_alike() -> None:
    counts = TermLoanHistory(taken=4, repaid_on_time=3, repaid_late=1)
    assert late_share(counts, MARKET, NOW) == Decimal("0.25")
