"""What is not known lowers confidence to thin without fail: features of random loans, and the shipped integers."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.assessment.engineering import engineer
from oracle.assessment.features import FEATURES
from oracle.assessment.history import (
    USD,
    WAD,
    ExchangeHistory,
    LendingHistory,
    MarketState,
    SocialRecord,
    TermLoanHistory,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.outputs import OUTPUTS
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef, LoanTerms
from oracle.models import registry
from oracle.models.inference import Model
from oracle.models.policy import POLICY

NOW = 1_700_000_000
MODEL = Model.open(registry.load())
CONFIDENCE = [output.name for output in OUTPUTS].index("confidence")
COUNTS = st.integers(0, 10**6)
WEI = st.integers(0, 10**24)

MARKETS = st.builds(
    MarketState,
    coin_price_usd=st.integers(USD, 10**5 * USD),
    volatility_ppm=st.one_of(st.none(), st.integers(0, 4 * 10**6)),
    base_fee_wei=st.one_of(st.none(), st.integers(0, 10**12)),
)
LOANS = st.builds(
    LoanTerms,
    principal_token=st.just(NATIVE_COIN),
    principal=st.integers(1, 10**24),
    collateral_token=st.just(NATIVE_COIN),
    collateral=WEI,
    duration_seconds=st.integers(0, 2**32 - 1),
)
NAMES = st.builds(SocialRecord, st.frozensets(st.sampled_from(["ens", "other"])))
TRADES = st.builds(ExchangeHistory, swap_count=COUNTS, protocols=st.frozensets(st.sampled_from(["uniswap-v2", "x"])))

# A wallet that deals with itself alone: whatever it sends, nobody else is there, and coins to itself are no volume.
TO_ITSELF = st.builds(
    TransactionHistory,
    sent_count=COUNTS,
    failed_count=st.just(0),
    first_sent_at=st.integers(1, NOW),
    last_sent_at=st.just(NOW),
    gas_spent_wei=WEI,
    balance_wei=WEI,
)
# A contract, or a delegated wallet that a relayer drives: strangers' gifts are all that is seen of it.
UNREAD = st.builds(
    TransactionHistory,
    received_count=COUNTS,
    first_received_at=st.integers(1, NOW),
    last_received_at=st.just(NOW),
    received_wei=WEI,
    senders=COUNTS,
    counterparties=COUNTS,
    balance_wei=WEI,
    inner_calls_unread=st.just(True),
)
GIFTS = UNREAD.map(lambda one: replace(one, inner_calls_unread=False))
EMPTY = st.builds(TransactionHistory, balance_wei=WEI)


def _confidence(
    transactions: TransactionHistory,
    terms: LoanTerms,
    market: MarketState,
    social: SocialRecord,
    exchanges: ExchangeHistory,
    lending: LendingHistory | None = None,
) -> float:
    history = WalletHistory(
        chain_id=1,
        wallet=Address("0x" + "11" * 20),
        block=BlockRef(5, "0x" + "00" * 32, NOW),
        lending=lending or LendingHistory(),
        term_loans=TermLoanHistory(),
        transactions=transactions,
        social=social,
        market=market,
        exchanges=exchanges,
    )
    answer = MODEL.infer(engineer(history, terms).encoded)
    assert answer.scores.confidence_bps < 4_000, "the shipped lenders' minimum"
    return float(answer.fractions[CONFIDENCE])


@settings(max_examples=150, deadline=None)
@given(
    transactions=st.one_of(EMPTY, TO_ITSELF, UNREAD, GIFTS), terms=LOANS, market=MARKETS, social=NAMES, exchanges=TRADES
)
def test_confidence__of_what_is_not_known__is_thin_without_fail(
    transactions: TransactionHistory,
    terms: LoanTerms,
    market: MarketState,
    social: SocialRecord,
    exchanges: ExchangeHistory,
) -> None:
    assert _confidence(transactions, terms, market, social, exchanges) < POLICY.thin_below


@settings(max_examples=50, deadline=None)
@given(transactions=UNREAD, terms=LOANS, market=MARKETS, age=st.integers(0, NOW))
def test_confidence__of_a_contract_that_borrowed__is_thin_as_long_as_its_calls_are_not_read(
    transactions: TransactionHistory, terms: LoanTerms, market: MarketState, age: int
) -> None:
    lending = LendingHistory(
        supplied_usd=10**12, borrowed_usd=10**11, repaid_usd=10**11, first_borrow_at=NOW - age, event_count=9
    )
    found = _confidence(transactions, terms, market, SocialRecord(), ExchangeHistory(), lending)
    assert found < POLICY.thin_below


def test_confidence__of_the_circuits_integers__lets_no_column_make_up_for_two_missing_depths() -> None:
    names = [feature.name for feature in FEATURES]
    ordinary = MODEL.infer([0 if one.scale == "log" else 300 for one in FEATURES]).fractions[CONFIDENCE]
    assert ordinary < POLICY.thin_below
    rows = []
    for kept, _, _ in POLICY.depth_terms:
        for column in range(len(names)):
            for value in (0, 300, 1024):
                row = [300] * len(names)
                row[column] = value
                for name, _, _ in POLICY.depth_terms:
                    row[names.index(name)] = 1024 if name == kept else 0
                rows.append(row)
    found = [answer.fractions[CONFIDENCE] for answer in MODEL.infer_many(rows)]
    assert max(found) < POLICY.thin_below
    assert max(found) > POLICY.thin_below - 0.02  # the bound is met, not a head that says 0 to everything


@pytest.mark.parametrize("count", [1, 3, 7])
def test_confidence__of_a_wash_between_a_few_accounts__is_thin(count: int) -> None:
    washed = TransactionHistory(
        sent_count=100_000,
        received_count=100_000,
        first_sent_at=NOW - 10**8,
        last_sent_at=NOW,
        sent_wei=10**24,
        received_wei=10**24,
        min_sent_wei=WAD,
        min_received_wei=WAD,
        max_received_wei=WAD,
        senders=count,
        recipients=count,
        counterparties=count,
    )
    market = MarketState(coin_price_usd=2_000 * USD, volatility_ppm=700_000)
    terms = LoanTerms(NATIVE_COIN, WAD, NATIVE_COIN, 2 * WAD, 30 * 86_400)
    assert _confidence(washed, terms, market, SocialRecord(), ExchangeHistory()) < POLICY.thin_below
