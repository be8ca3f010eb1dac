"""One history out of several protocols'."""

from oracle.assessment.history import USD, WAD, LendingHistory, SocialRecord, TermLoanHistory
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
        # (2 × 30 + 1 × 10) / 40; what lies in a market without debt backs nothing.
        health_factor_wad=1_750_000_000_000_000_000,
        protocols=frozenset({"aave-v3", "aave-v2", "compound"}),
    )


def test_merge_lending__when_order_changes__then_the_same() -> None:
    assert merge_lending([IDLE, SECOND, FIRST]) == merge_lending([FIRST, SECOND, IDLE])


def test_merge_term_loans__when_several__then_sums_and_the_first_loan() -> None:
    first = TermLoanHistory(3, 1, 1, 1, 500, frozenset({"smart-lending"}))
    second = TermLoanHistory(1, 1, 0, 0, 400, frozenset({"token-lender"}))
    expected = TermLoanHistory(4, 2, 1, 1, 400, frozenset({"smart-lending", "token-lender"}))
    assert merge_term_loans([first, second, TermLoanHistory()]) == expected


def test_merge_social__when_several__then_all_names() -> None:
    parts = [SocialRecord(frozenset({"ens"})), SocialRecord(), SocialRecord(frozenset({"other"}))]
    assert merge_social(parts).verifications == {"ens", "other"}
