"""One history out of several protocols'."""

from oracle.assessment.history import USD, WAD, Debt, LendingHistory, SocialRecord, TermLoan, TermLoanHistory
from oracle.assessment.request import NATIVE_COIN
from oracle.history.merge import merge_lending, merge_social, merge_term_loans

FIRST = LendingHistory(
    supplied_usd=100 * USD,
    withdrawn_usd=10 * USD,
    borrowed_usd=50 * USD,
    repaid_usd=20 * USD,
    liquidation_count=1,
    liquidated_usd=5 * USD,
    event_count=6,
    first_borrow_at=2_000,
    collateral_usd=90 * USD,
    debt_usd=30 * USD,
    health_factor_wad=2 * WAD,
    protocols=frozenset({"aave-v3"}),
)
SECOND = LendingHistory(
    supplied_usd=7 * USD,
    borrowed_usd=3 * USD,
    event_count=2,
    first_borrow_at=1_000,
    collateral_usd=8 * USD,
    debt_usd=10 * USD,
    health_factor_wad=1 * WAD,
    protocols=frozenset({"aave-v2"}),
)
IDLE = LendingHistory(supplied_usd=1 * USD, event_count=1, collateral_usd=1 * USD, protocols=frozenset({"compound"}))


def test_merge_lending__when_nothing__then_an_empty_history() -> None:
    assert merge_lending([]) == LendingHistory()


def test_merge_lending__when_one__then_the_same() -> None:
    assert merge_lending([FIRST]) == FIRST


def test_merge_lending__when_several__then_sums_and_the_earliest_borrow() -> None:
    assert merge_lending([FIRST, SECOND, IDLE]) == LendingHistory(
        supplied_usd=108 * USD,
        withdrawn_usd=10 * USD,
        borrowed_usd=53 * USD,
        repaid_usd=20 * USD,
        liquidation_count=1,
        liquidated_usd=5 * USD,
        event_count=9,
        first_borrow_at=1_000,
        collateral_usd=99 * USD,
        debt_usd=40 * USD,
        # The worst market's: what lies in another backs nothing here.
        health_factor_wad=1 * WAD,
        protocols=frozenset({"aave-v3", "aave-v2", "compound"}),
    )


def test_merge_lending__when_several__then_each_debt_with_what_backs_it() -> None:
    debts = (Debt("aave-v2", 10 * USD, 8 * USD, 1 * WAD), Debt("aave-v3", 30 * USD, 90 * USD, 2 * WAD))
    assert merge_lending([FIRST, SECOND, IDLE]).debts == merge_lending([IDLE, SECOND, FIRST]).debts == debts
    # A lone debt beside idle collateral elsewhere is not backed by that.
    assert merge_lending([FIRST, IDLE]).debts == debts[1:]
    assert merge_lending([FIRST]).debts == ()


def test_merge_lending__when_order_changes__then_the_same() -> None:
    assert merge_lending([IDLE, SECOND, FIRST]) == merge_lending([FIRST, SECOND, IDLE])


def test_merge_term_loans__when_several__then_sums_and_the_first_loan() -> None:
    first = TermLoanHistory(3, 1, 1, 1, 500, frozenset({"smart-lending"}))
    second = TermLoanHistory(1, 1, 0, 0, 400, frozenset({"token-lender"}))
    expected = TermLoanHistory(4, 2, 1, 1, 400, frozenset({"smart-lending", "token-lender"}))
    assert merge_term_loans([first, second, TermLoanHistory()]) == expected


def test_merge_term_loans__when_several__then_each_loan_in_the_order_of_their_payment() -> None:
    loans = [TermLoan(name, NATIVE_COIN, 1, NATIVE_COIN, 2, taken, 900) for name, taken in (("b", 7), ("a", 3))]
    merged = merge_term_loans([TermLoanHistory(taken=1, loans=(one,)) for one in loans])
    assert [loan.lender for loan in merged.loans] == ["a", "b"]


def test_merge_social__when_several__then_all_names() -> None:
    parts = [SocialRecord(frozenset({"ens"})), SocialRecord(), SocialRecord(frozenset({"other"}))]
    assert merge_social(parts).verifications == {"ens", "other"}
