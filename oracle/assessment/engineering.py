"""From a wallet's history and a loan to the feature vector: the same code in the daemon, training and audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from oracle.assessment.debts import debts_of, highest_debt_to_collateral, lowest_health_factor
from oracle.assessment.errors import InvalidRequest, UnsupportedAsset
from oracle.assessment.features import ARITHMETIC, FEATURES, encode_all
from oracle.assessment.history import (
    USD,
    WAD,
    Debt,
    LendingHistory,
    MarketState,
    TransactionHistory,
    WalletHistory,
)
from oracle.assessment.request import NATIVE_COIN, Address, LoanTerms
from oracle.assessment.term_loans import first_taken_at, late_share, open_debts

_DAY = Decimal(86_400)
_GWEI = Decimal(10**9)

Values = dict[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class FeatureVector:
    """The features of one assessment: `values` in their units (None: absent), `encoded` as the circuit sees them."""

    values: Values
    encoded: tuple[int, ...]


def engineer(history: WalletHistory, terms: LoanTerms) -> FeatureVector:
    """Return the 32 features of FEATURES for a wallet's history and the loan asked about.

    Raises UnsupportedAsset when a token of the loan has no price, InvalidRequest when the principal is zero.
    """
    values = measure(history, terms)
    return FeatureVector(values, encode_all(FEATURES, values))


def measure(history: WalletHistory, terms: LoanTerms) -> Values:
    """Return the features' values alone, in their units; raises as `engineer` does."""
    with localcontext(ARITHMETIC):
        return {
            **_credit(history),
            **_transactions(history),
            **_defi(history),
            "counterparties": _counterparties(history.transactions),
            "verification_count": Decimal(len(history.social.verifications)),
            **_market(history.market),
            **_loan(history, terms),
            **_flow(history.transactions),
        }


def _ratio(numerator: int, denominator: int) -> Decimal | None:
    return Decimal(numerator) / Decimal(denominator) if denominator else None


def _days_since(moment: int | None, now: int) -> Decimal | None:
    return None if moment is None else Decimal(max(now - moment, 0)) / _DAY


def _credit(history: WalletHistory) -> Values:
    lending, loans, market = history.lending, history.term_loans, history.market
    debts = [*debts_of(lending), *open_debts(loans, market)]
    factor = lowest_health_factor(debts)
    at_once = lending.returned_at_once_usd
    return {
        "health_factor": None if factor is None else Decimal(factor) / WAD,
        "debt_to_collateral": _debt_to_collateral(lending, debts),
        "repayment_rate": _ratio(lending.repaid_usd - at_once, lending.borrowed_usd - at_once),
        "liquidation_risk": _ratio(lending.liquidation_count, lending.liquidation_count + 1),
        "late_share": late_share(loans, market, history.block.timestamp),
    }


def _debt_to_collateral(lending: LendingHistory, debts: Sequence[Debt]) -> Decimal | None:
    highest = highest_debt_to_collateral(debts)
    return Decimal(0) if highest is None and lending.collateral_usd else highest


def _transactions(history: WalletHistory) -> Values:
    done = history.transactions
    age_days = _days_since(done.first_sent_at, history.block.timestamp)
    return {
        "transaction_frequency": None if age_days is None else done.sent_count / max(age_days, Decimal(1)),
        "mean_transaction_value": _ratio(done.sent_wei * history.market.coin_price_usd, done.sent_count * WAD * USD),
        "transaction_success_rate": _ratio(done.sent_count - done.failed_count, done.sent_count),
    }


def _defi(history: WalletHistory) -> Values:
    lending, loans, exchanges = history.lending, history.term_loans, history.exchanges
    taken = first_taken_at(loans, history.market)
    starts = [at for at in (lending.first_borrow_at, taken) if at is not None]
    borrowed = lending.borrowed_usd - lending.returned_at_once_usd
    supplied = lending.supplied_usd - lending.withdrawn_at_once_usd
    utilization = _ratio(borrowed, supplied)
    if utilization is None and borrowed:
        utilization = Decimal("Infinity")
    return {
        "utilization_rate": utilization,
        "protocol_diversity": Decimal(len(lending.protocols | loans.lenders | exchanges.protocols)),
        "supplied_value": Decimal(supplied) / USD,
        "borrowing_age": _days_since(min(starts, default=None), history.block.timestamp),
    }


def _counterparties(done: TransactionHistory) -> Decimal | None:
    # A contract's, or a delegated wallet's, are not known by those that sent it coins: anybody may.
    return None if done.inner_calls_unread else Decimal(done.counterparties)


def _market(market: MarketState) -> Values:
    return {
        "market_volatility": None if market.volatility_ppm is None else Decimal(market.volatility_ppm) / 10**6,
        "gas_affordability": None if market.base_fee_wei is None else market.base_fee_wei / _GWEI,
    }


def _loan(history: WalletHistory, terms: LoanTerms) -> Values:
    market, done = history.market, history.transactions
    principal = _usd(terms.principal_token, terms.principal, market)
    collateral = _usd(terms.collateral_token, terms.collateral, market) if terms.collateral else Decimal(0)
    if principal <= 0:
        raise InvalidRequest("the loan's principal is worth nothing: ask for an amount above zero")
    volume = Decimal((done.sent_wei + done.received_wei) * market.coin_price_usd) / (WAD * USD)
    return {
        "loan_to_value": principal / collateral if collateral else None,
        "loan_to_volume": principal / volume if volume else None,
        "collateral_buffer": (collateral - principal) / principal,
        "loan_duration": terms.duration_seconds / _DAY,
    }


def _usd(token: Address, amount: int, market: MarketState) -> Decimal:
    if token == NATIVE_COIN:
        return Decimal(amount * market.coin_price_usd) / (WAD * USD)
    price, decimals = market.token_prices_usd.get(token), market.token_decimals.get(token)
    if not price or decimals is None:
        raise UnsupportedAsset(f"token {token} has no price in the configured oracle: ask about a listed asset")
    return Decimal(amount * price) / (Decimal(10) ** decimals * USD)


def _flow(done: TransactionHistory) -> Values:
    return {
        "sent_count": Decimal(done.sent_count),
        "received_count": Decimal(done.received_count),
        "mean_minutes_between_sent": _mean_gap(done.first_sent_at, done.last_sent_at, done.sent_count),
        "mean_minutes_between_received": _mean_gap(done.first_received_at, done.last_received_at, done.received_count),
        "unique_senders": Decimal(done.senders),
        "unique_recipients": Decimal(done.recipients),
        "min_value_received": _coins(done.min_received_wei),
        "max_value_received": _coins(done.max_received_wei),
        "mean_value_received": _ratio(done.received_wei, done.received_count * WAD),
        "min_value_sent": _coins(done.min_sent_wei),
        "mean_value_sent": _ratio(done.sent_wei, done.sent_count * WAD),
        "balance": _coins(done.balance_wei),
    }


def _mean_gap(first: int | None, last: int | None, count: int) -> Decimal | None:
    # Divided by the count, not by the gaps: the public fraud data that the model learns from does so.
    if first is None or last is None or count < 2:
        return None
    return Decimal(last - first) / 60 / count


def _coins(wei: int | None) -> Decimal | None:
    return None if wei is None else Decimal(wei) / WAD
