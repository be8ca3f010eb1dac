"""The wallet that explanations compare with: a borrower in good standing, active, who asks for an ordinary loan.

It is a yardstick, not an average: a reason says by how much a wallet differs from it, and what that costs. The loan is
the one on which histories are judged in the model card; the flow is the median of the 543 honest accounts of
`eth_fraud_accounts` that sent 100 to 1,000 transactions; the rest is a choice.
"""

from decimal import Decimal
from typing import Final

from oracle.assessment.features import FEATURES, encode_all

_GIVEN: Final = {
    # Nothing owed, everything repaid, never liquidated, never late.
    "repayment_rate": "1",
    "transaction_frequency": "0.5",
    "mean_transaction_value": "1000",
    "transaction_success_rate": "0.98",
    "utilization_rate": "0.5",
    "protocol_diversity": "2",
    "supplied_value": "10000",
    "borrowing_age": "365",
    "counterparties": "10",
    "market_volatility": "0.8",
    "gas_affordability": "20",
    # An ordinary loan: a month, at half the collateral's value.
    "loan_to_value": "0.5",
    "loan_to_volume": "0.1",
    "collateral_buffer": "1",
    "loan_duration": "30",
    # Medians of honest accounts.
    "sent_count": "214",
    "received_count": "194",
    "mean_minutes_between_sent": "155.84",
    "mean_minutes_between_received": "2225.82",
    "unique_senders": "6",
    "unique_recipients": "4",
    "min_value_received": "0.015",
    "max_value_received": "18.344075",
    "mean_value_received": "1.707317",
    "min_value_sent": "0.001295",
    "mean_value_sent": "1.356666",
    "balance": "0.092841",
}

BASELINE: Final[dict[str, Decimal | None]] = {
    feature.name: Decimal(_GIVEN[feature.name]) if feature.name in _GIVEN else None for feature in FEATURES
}
"""The values in their units; None is absent, as for a wallet."""

BASELINE_ENCODED: Final = encode_all(FEATURES, BASELINE)
