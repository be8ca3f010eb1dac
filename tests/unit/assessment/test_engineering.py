"""Features by hand: a newcomer, a heavy user, bad debt, loans that cannot be valued."""

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.assessment.engineering import FeatureVector, engineer
from oracle.assessment.errors import DeclineReason, InvalidRequest, UnsupportedAsset
from oracle.assessment.features import ENCODED_ONE, FEATURES
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
from oracle.assessment.request import NATIVE_COIN, Address, BlockRef, LoanTerms

NOW = 1_700_000_000
DAY = 86_400
DOLLAR_TOKEN = Address("0x" + "aa" * 20)
UNKNOWN_TOKEN = Address("0x" + "bb" * 20)
MARKET = MarketState(
    coin_price_usd=2_000 * USD,
    volatility_ppm=600_000,
    base_fee_wei=12 * 10**9,
    token_prices_usd={DOLLAR_TOKEN: USD},
    token_decimals={DOLLAR_TOKEN: 6},
)
NEWCOMER = WalletHistory(
    chain_id=31337,
    wallet=Address("0x" + "11" * 20),
    block=BlockRef(100, "0x" + "33" * 32, NOW),
    lending=LendingHistory(),
    term_loans=TermLoanHistory(),
    transactions=TransactionHistory(),
    social=SocialRecord(),
    market=MARKET,
)
# One coin against two: 2,000 USD against 4,000 USD, for thirty days.
TERMS = LoanTerms(NATIVE_COIN, WAD, NATIVE_COIN, 2 * WAD, 30 * DAY)


def encoded(vector: FeatureVector, name: str) -> int:
    return vector.encoded[[feature.name for feature in FEATURES].index(name)]


def test_engineer__when_a_newcomer__then_absences_are_none_and_loan_and_market_stand() -> None:
    vector = engineer(NEWCOMER, TERMS)
    present = {name: value for name, value in vector.values.items() if value}
    assert present == {
        "market_volatility": Decimal("0.6"),
        "gas_affordability": Decimal(12),
        "loan_to_value": Decimal("0.5"),
        "collateral_buffer": Decimal(1),
        "loan_duration": Decimal(30),
    }
    absent = {name for name, value in vector.values.items() if value is None}
    assert {"health_factor", "debt_to_collateral", "repayment_rate", "transaction_frequency"} <= absent
    assert encoded(vector, "health_factor") == ENCODED_ONE
    assert encoded(vector, "transaction_success_rate") == ENCODED_ONE
    assert encoded(vector, "loan_to_volume") == ENCODED_ONE
    assert encoded(vector, "repayment_rate") == 0


def test_engineer__when_a_busy_wallet__then_every_formula_by_hand() -> None:
    history = replace(
        NEWCOMER,
        lending=LendingHistory(
            supplied_usd=10_000 * USD,
            borrowed_usd=4_000 * USD,
            repaid_usd=1_000 * USD,
            liquidation_count=3,
            first_borrow_at=NOW - 100 * DAY,
            collateral_usd=8_000 * USD,
            debt_usd=2_000 * USD,
            health_factor_wad=3 * WAD // 2,
            protocols=frozenset({"aave-v3"}),
        ),
        term_loans=TermLoanHistory(
            taken=5, repaid_on_time=3, repaid_late=1, first_taken_at=NOW - 200 * DAY, lenders=frozenset({"desk"})
        ),
        transactions=TransactionHistory(
            sent_count=40,
            failed_count=4,
            received_count=10,
            first_sent_at=NOW - 20 * DAY,
            last_sent_at=NOW - 10 * DAY,
            first_received_at=NOW - 300,
            last_received_at=NOW,
            sent_wei=8 * WAD,
            min_sent_wei=WAD // 100,
            received_wei=12 * WAD,
            min_received_wei=WAD // 10,
            max_received_wei=5 * WAD,
            senders=6,
            recipients=7,
            counterparties=11,
            balance_wei=3 * WAD,
        ),
        social=SocialRecord(frozenset({"ens"})),
        # An exchange is a protocol more; a name that lent as well counts once.
        exchanges=ExchangeHistory(swap_count=9, protocols=frozenset({"uniswap-v2", "desk"})),
    )
    assert engineer(history, TERMS).values == {
        "health_factor": Decimal("1.5"),
        "debt_to_collateral": Decimal("0.25"),
        "repayment_rate": Decimal("0.25"),
        "liquidation_risk": Decimal("0.75"),
        "late_share": Decimal("0.25"),
        "transaction_frequency": Decimal(2),
        "mean_transaction_value": Decimal(400),
        "transaction_success_rate": Decimal("0.9"),
        "utilization_rate": Decimal("0.4"),
        "protocol_diversity": Decimal(3),
        "supplied_value": Decimal(10_000),
        "borrowing_age": Decimal(200),
        "counterparties": Decimal(11),
        "verification_count": Decimal(1),
        "market_volatility": Decimal("0.6"),
        "gas_affordability": Decimal(12),
        "loan_to_value": Decimal("0.5"),
        "loan_to_volume": Decimal("0.05"),
        "collateral_buffer": Decimal(1),
        "loan_duration": Decimal(30),
        "sent_count": Decimal(40),
        "received_count": Decimal(10),
        "mean_minutes_between_sent": Decimal(360),
        "mean_minutes_between_received": Decimal("0.5"),
        "unique_senders": Decimal(6),
        "unique_recipients": Decimal(7),
        "min_value_received": Decimal("0.1"),
        "max_value_received": Decimal(5),
        "mean_value_received": Decimal("1.2"),
        "min_value_sent": Decimal("0.01"),
        "mean_value_sent": Decimal("0.2"),
        "balance": Decimal(3),
    }


def test_engineer__when_a_whale__then_everything_is_clipped_into_range() -> None:
    huge = 10**40
    history = replace(
        NEWCOMER,
        lending=LendingHistory(supplied_usd=huge, borrowed_usd=huge, repaid_usd=huge, liquidation_count=huge),
        transactions=TransactionHistory(sent_count=10**12, first_sent_at=NOW, sent_wei=huge, balance_wei=huge),
        market=replace(MARKET, base_fee_wei=huge, volatility_ppm=huge),
    )
    vector = engineer(history, replace(TERMS, duration_seconds=2**32 - 1))
    assert all(0 <= value <= ENCODED_ONE for value in vector.encoded)
    for name in ("transaction_frequency", "supplied_value", "balance", "market_volatility", "loan_duration"):
        assert encoded(vector, name) == ENCODED_ONE


def test_engineer__when_debt_without_collateral__then_the_worst_of_the_range_not_the_absence() -> None:
    history = replace(NEWCOMER, lending=LendingHistory(debt_usd=USD, health_factor_wad=0, borrowed_usd=USD))
    vector = engineer(history, TERMS)
    assert encoded(vector, "debt_to_collateral") == ENCODED_ONE
    assert encoded(vector, "health_factor") == 0
    assert encoded(vector, "utilization_rate") == ENCODED_ONE


def test_engineer__when_a_loan_defaulted__then_it_counts_as_late_even_without_repayments() -> None:
    history = replace(NEWCOMER, term_loans=TermLoanHistory(taken=1, defaulted=1))
    assert engineer(history, TERMS).values["late_share"] == 1


def test_engineer__when_all_was_sent_today__then_frequency_counts_one_day_at_least() -> None:
    history = replace(NEWCOMER, transactions=TransactionHistory(sent_count=5, first_sent_at=NOW - 60))
    assert engineer(history, TERMS).values["transaction_frequency"] == 5


def test_engineer__when_the_first_event_is_after_the_block__then_its_age_is_zero_not_negative() -> None:
    history = replace(NEWCOMER, lending=LendingHistory(first_borrow_at=NOW + DAY))
    assert engineer(history, TERMS).values["borrowing_age"] == 0


def test_engineer__when_one_transaction_only__then_no_gap() -> None:
    history = replace(NEWCOMER, transactions=TransactionHistory(sent_count=1, first_sent_at=NOW, last_sent_at=NOW))
    assert engineer(history, TERMS).values["mean_minutes_between_sent"] is None


def test_engineer__when_tokens_are_priced__then_their_decimals_count() -> None:
    terms = LoanTerms(DOLLAR_TOKEN, 1_000 * 10**6, NATIVE_COIN, WAD, DAY)
    assert engineer(NEWCOMER, terms).values["loan_to_value"] == Decimal("0.5")


def test_engineer__when_there_is_no_collateral__then_the_worst_value_and_its_token_does_not_matter() -> None:
    vector = engineer(NEWCOMER, replace(TERMS, collateral_token=UNKNOWN_TOKEN, collateral=0))
    assert vector.values["loan_to_value"] is None
    assert encoded(vector, "loan_to_value") == ENCODED_ONE
    assert vector.values["collateral_buffer"] == -1
    assert encoded(vector, "collateral_buffer") == 0


@pytest.mark.parametrize(
    "terms", [replace(TERMS, principal_token=UNKNOWN_TOKEN), replace(TERMS, collateral_token=UNKNOWN_TOKEN)]
)
def test_engineer__when_a_token_has_no_price__then_unsupported_asset_by_name(terms: LoanTerms) -> None:
    with pytest.raises(UnsupportedAsset, match=f"token {UNKNOWN_TOKEN} has no price") as refused:
        engineer(NEWCOMER, terms)
    assert refused.value.reason is DeclineReason.UNSUPPORTED_ASSET


@pytest.mark.parametrize("market", [{"token_prices_usd": {DOLLAR_TOKEN: 0}}, {"token_decimals": {}}])
def test_engineer__when_price_is_zero_or_decimals_unknown__then_unsupported_asset(market: dict[str, object]) -> None:
    history = replace(NEWCOMER, market=replace(MARKET, **market))
    with pytest.raises(UnsupportedAsset):
        engineer(history, replace(TERMS, principal_token=DOLLAR_TOKEN))


def test_engineer__when_the_principal_is_zero__then_refused() -> None:
    with pytest.raises(InvalidRequest, match="principal is worth nothing"):
        engineer(NEWCOMER, replace(TERMS, principal=0))


def test_engineer__when_market_is_unknown__then_the_absent_values() -> None:
    vector = engineer(replace(NEWCOMER, market=MarketState(coin_price_usd=USD)), TERMS)
    assert vector.values["market_volatility"] is None
    assert vector.values["gas_affordability"] is None
    assert encoded(vector, "market_volatility") == 273  # 0.8 of 3


amounts = st.integers(0, 2**128 - 1)


@given(sent=amounts, received=amounts, debt=amounts, collateral=amounts, principal=st.integers(1, 2**128 - 1))
def test_engineer__when_the_caller_has_another_decimal_context__then_the_same_vector(
    sent: int, received: int, debt: int, collateral: int, principal: int
) -> None:
    history = replace(
        NEWCOMER,
        lending=LendingHistory(debt_usd=debt, collateral_usd=collateral, health_factor_wad=sent),
        transactions=TransactionHistory(sent_count=3, received_count=7, sent_wei=sent, received_wei=received),
    )
    terms = replace(TERMS, principal=principal, collateral=collateral)
    here = engineer(history, terms)
    with localcontext(prec=3, rounding=ROUND_DOWN, Emax=5, Emin=-5):
        there = engineer(history, terms)
    assert there.encoded == here.encoded
    assert {name: str(value) for name, value in there.values.items()} == {
        name: str(value) for name, value in here.values.items()
    }


def test_engineer__when_what_came_went_in_the_same_block__then_it_is_no_record() -> None:
    own = LendingHistory(supplied_usd=400 * USD, borrowed_usd=200 * USD, repaid_usd=50 * USD)
    flash = 1_000_000 * USD
    lifted = replace(
        own,
        supplied_usd=own.supplied_usd + flash,
        withdrawn_usd=flash,
        borrowed_usd=own.borrowed_usd + flash,
        repaid_usd=own.repaid_usd + flash,
        returned_at_once_usd=flash,
        withdrawn_at_once_usd=flash,
    )
    plain, after = (engineer(replace(NEWCOMER, lending=one), TERMS).values for one in (own, lifted))
    assert plain["repayment_rate"] == Decimal("0.25")
    names = ("repayment_rate", "utilization_rate", "supplied_value")
    assert [after[name] for name in names] == [plain[name] for name in names]
