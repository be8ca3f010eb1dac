"""The features in words: what each is called, and how its value is told with its unit."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from oracle.assessment.features import FEATURES, Feature

EXPLAINED: Final = {"score": "score", "fraud_likelihood": "fraud likelihood", "confidence": "confidence"}
"""The outputs that are explained, with their names in words; in points, 0 to 100."""

PRIVATE_GROUP: Final = "private credit history"
"""All private features have this one name: which of them matters, and its value, is the borrower's secret."""

_BOUNDLESS: Final = "without limit"


@dataclass(frozen=True, slots=True)
class Wording:
    """A public feature's name for people, and the way to tell its value."""

    name: str
    tell: Callable[[Decimal], str]


def plain_number(value: Decimal, places: int = 2) -> str:
    """Return a number with thousands separators, rounded, without trailing zeros: 1,200 or 0.61."""
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _ratio(value: Decimal) -> str:
    return f"{value:.2f}"


def _coins(value: Decimal) -> str:
    # However small: at least two digits that say something.
    places = 3 if abs(value) >= Decimal("0.01") or not value else min(1 - value.adjusted(), 18)
    return f"{plain_number(value, places)} coins"


def _with(unit: str, places: int = 2) -> Callable[[Decimal], str]:
    return lambda value: f"{plain_number(value, places)}{unit}"


def _percent(value: Decimal) -> str:
    return f"{plain_number(value * 100, 1)} %"


def _times(value: Decimal) -> str:
    # The feature is n / (n + 1).
    return _BOUNDLESS if value >= 1 else f"{round(value / (1 - value))} times"


_usd, _count = _with(" USD", 0), _with("", 0)
_minutes = _with(" minutes", 0)


def _days(value: Decimal) -> str:
    number = plain_number(value, 0)
    return f"{number} {'day' if number == '1' else 'days'}"


WORDING: Final[dict[str, Wording]] = {
    "health_factor": Wording("health factor of the open debt", _ratio),
    "debt_to_collateral": Wording("open debt over its collateral", _percent),
    "repayment_rate": Wording("repaid share of all that was borrowed", _percent),
    "liquidation_risk": Wording("liquidated so far", _times),
    "late_share": Wording("term loans repaid late or not at all", _percent),
    "transaction_frequency": Wording("transactions a day", _with("", 3)),
    "mean_transaction_value": Wording("mean value of a sent transaction", _usd),
    "transaction_success_rate": Wording("transactions that succeeded", _percent),
    "utilization_rate": Wording("borrowed over supplied, whole history", _percent),
    "protocol_diversity": Wording("DeFi protocols used", _count),
    "supplied_value": Wording("supplied to lending protocols", _usd),
    "borrowing_age": Wording("time since the first loan", _days),
    "counterparties": Wording("different counterparties", _count),
    "verification_count": Wording("identity records of the wallet", _count),
    "market_volatility": Wording("yearly volatility of the market", _percent),
    "gas_affordability": Wording("base fee of the block", _with(" gwei")),
    "loan_to_value": Wording("loan to value of this loan", _ratio),
    "loan_to_volume": Wording("this loan over all that the wallet moved", _percent),
    "collateral_buffer": Wording("collateral above this loan", _percent),
    "loan_duration": Wording("duration of this loan", _days),
    "sent_count": Wording("transactions sent", _count),
    "received_count": Wording("transactions received", _count),
    "mean_minutes_between_sent": Wording("mean time between sent transactions", _minutes),
    "mean_minutes_between_received": Wording("mean time between received transactions", _minutes),
    "unique_senders": Wording("different senders", _count),
    "unique_recipients": Wording("different recipients", _count),
    "min_value_received": Wording("smallest value received", _coins),
    "max_value_received": Wording("largest value received", _coins),
    "mean_value_received": Wording("mean value received", _coins),
    "min_value_sent": Wording("smallest value sent", _coins),
    "mean_value_sent": Wording("mean value sent", _coins),
    "balance": Wording("balance of the wallet", _coins),
}

_FEATURE: Final = {feature.name: feature for feature in FEATURES}


def feature_of(name: str) -> Feature:
    """Return a public feature's row of the table."""
    return _FEATURE[name]


def tell_value(name: str, value: Decimal | None) -> str:
    """Return a public feature's value with its unit; an absent one says what its absence means."""
    if value is None:
        return f"none ({feature_of(name).absent})"
    return WORDING[name].tell(value) if value.is_finite() else _BOUNDLESS
