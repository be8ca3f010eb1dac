"""Wallets with histories, and loans, for the tests of explanations."""

from dataclasses import replace
from typing import Any

from oracle.assessment.engineering import FeatureVector, engineer
from oracle.assessment.history import (
    USD,
    WAD,
    LendingHistory,
    MarketState,
    SocialRecord,
    TermLoanHistory,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef, LoanTerms
from oracle.models.levers import Situation

NOW, DAY = 1_700_000_000, 86_400

ACTIVE = TransactionHistory(
    sent_count=214,
    received_count=194,
    first_sent_at=NOW - 300 * DAY,
    last_sent_at=NOW - 10 * DAY,
    first_received_at=NOW - 300 * DAY,
    last_received_at=NOW - DAY,
    sent_wei=290 * WAD,
    min_sent_wei=WAD // 700,
    received_wei=331 * WAD,
    min_received_wei=WAD // 70,
    max_received_wei=18 * WAD,
    senders=6,
    recipients=4,
    counterparties=10,
    balance_wei=WAD // 10,
)
INDEBTED = LendingHistory(
    supplied_usd=200_000 * USD,
    borrowed_usd=250_000 * USD,
    repaid_usd=116_000 * USD,
    first_borrow_at=NOW - 200 * DAY,
    collateral_usd=180_000 * USD,
    debt_usd=134_000 * USD,
    health_factor_wad=11 * WAD // 10,
    protocols=frozenset({"aave"}),
)
LATE = TermLoanHistory(taken=2, repaid_late=2, first_taken_at=NOW - 100 * DAY, lenders=frozenset({"lender"}))
HISTORY = WalletHistory(
    chain_id=1,
    wallet=Address("0x" + "11" * 20),
    block=BlockRef(5, "0x" + "00" * 32, NOW),
    lending=LendingHistory(),
    term_loans=TermLoanHistory(),
    transactions=ACTIVE,
    social=SocialRecord(),
    market=MarketState(coin_price_usd=3_000 * USD, volatility_ppm=700_000, base_fee_wei=20 * 10**9),
)


def loan(principal: float, collateral: float, days: int) -> LoanTerms:
    return LoanTerms(NATIVE_COIN, int(principal * WAD), NATIVE_COIN, int(collateral * WAD), days * DAY)


def situation(terms: LoanTerms, **changes: Any) -> Situation:
    return Situation(replace(HISTORY, **changes), terms)


def features(now: Situation) -> FeatureVector:
    return engineer(now.history, now.terms)


SITUATIONS = {
    "safe": situation(loan(2, 4, 30)),
    "high loan to value": situation(loan(1.8, 2, 60)),
    "indebted": situation(loan(2, 4, 30), lending=INDEBTED),
    "liquidated twice and at the edge": situation(loan(8, 9, 120), lending=replace(INDEBTED, liquidation_count=2)),
    "late": situation(loan(4, 6, 90), term_loans=LATE),
    "new": situation(loan(1, 2.5, 30), transactions=TransactionHistory()),
    "unsecured": situation(loan(1, 0, 30)),
}
