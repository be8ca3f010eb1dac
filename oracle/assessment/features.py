"""The feature table: what the model sees of a wallet and a loan, and how each number becomes an integer.

One row a feature: its unit, formula, clip range, source, and what its absence means. The encoded
integer is the only thing that training, inference, the circuit and its commitment ever see, so that all four
agree to the bit.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from enum import StrEnum
from typing import Final

from oracle.assessment.errors import InvalidFeature

ENCODED_ONE: Final = 1024
"""The encoded integer of a feature at the upper end of its clip range; the lower end is 0."""

SALT_ELEMENTS: Final = 5
SALT_ELEMENT_BITS: Final = 32
"""The private tensor ends with 5 uniform 32-bit integers, so its hash hides it behind 160 random bits."""

ARITHMETIC: Final = Context(prec=40, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])
"""The decimal arithmetic of features and their encoding: no caller's own context can change a result."""


class Scale(StrEnum):
    """How a clipped value is spread over 0..ENCODED_ONE."""

    LINEAR = "linear"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Feature:
    """One row of the table.

    `low` and `high` clip the value, in `unit`; a LOG feature is spread as log10(1 + (v - low) / log_unit).
    `absent` says in words what a missing history means and `absent_value` is the number used then.
    """

    name: str
    group: str
    unit: str
    formula: str
    low: Decimal
    high: Decimal
    source: str
    absent: str
    absent_value: Decimal
    scale: Scale = Scale.LINEAR
    log_unit: Decimal = Decimal(1)

    def clip(self, value: Decimal) -> Decimal:
        """Return the value inside the clip range; raises InvalidFeature for NaN."""
        if value.is_nan():
            raise InvalidFeature(f"feature {self.name}: the value is not a number; expected {self.unit}")
        return min(max(value, self.low), self.high)

    def encode(self, value: Decimal | None) -> int:
        """Return the integer 0..ENCODED_ONE of a value in `unit` (None: absent)."""
        clipped = self.clip(self.absent_value if value is None else value)
        with localcontext(ARITHMETIC):
            position = self._spread(clipped) / self._spread(self.high)
            return int((position * ENCODED_ONE).quantize(Decimal(1)))

    def decode(self, encoded: int) -> Decimal:
        """Return the value, in `unit`, that an encoded integer stands for (the middle of its step)."""
        if not 0 <= encoded <= ENCODED_ONE:
            raise InvalidFeature(f"feature {self.name}: encoded {encoded} is outside 0..{ENCODED_ONE}")
        with localcontext(ARITHMETIC):
            position = Decimal(encoded) / ENCODED_ONE * self._spread(self.high)
            if self.scale is Scale.LINEAR:
                return self.low + position
            return self.low + (Decimal(10) ** position - 1) * self.log_unit

    def _spread(self, value: Decimal) -> Decimal:
        distance = value - self.low
        if self.scale is Scale.LINEAR:
            return distance
        return (1 + distance / self.log_unit).log10()


def _row(
    name: str,
    group: str,
    unit: str,
    formula: str,
    clip: tuple[str, str],
    source: str,
    absent: tuple[str, str],
    log_unit: str | None = None,
) -> Feature:
    return Feature(
        name=name,
        group=group,
        unit=unit,
        formula=formula,
        low=Decimal(clip[0]),
        high=Decimal(clip[1]),
        source=source,
        absent=absent[1],
        absent_value=Decimal(absent[0]),
        scale=Scale.LINEAR if log_unit is None else Scale.LOG,
        log_unit=Decimal(log_unit or 1),
    )


# fmt: off
FEATURES: Final[tuple[Feature, ...]] = (
    # --- credit (5)
    _row("health_factor", "credit", "ratio", "collateral × liquidation threshold / debt, the lowest of all markets and open term loans (threshold 1) that bear 1 USD of debt or more", ("0", "10"), "lending protocols and term lenders, positions at the block", ("10", "no debt: as safe as can be")),
    _row("debt_to_collateral", "credit", "ratio", "debt USD / collateral USD, the highest of all markets and open term loans that bear 1 USD of debt or more", ("0", "1.25"), "lending protocols and term lenders, positions at the block", ("0", "no debt")),
    _row("repayment_rate", "credit", "ratio", "repaid USD / borrowed USD, over the whole history, neither with what was borrowed and repaid in one block", ("0", "1"), "lending protocols, events", ("0", "never borrowed: nothing was ever repaid")),
    _row("liquidation_risk", "credit", "ratio", "n / (n + 1), n = times liquidated", ("0", "1"), "lending protocols, events", ("0", "never liquidated")),
    _row("late_share", "credit", "ratio", "(repaid late + defaulted + overdue) / (these + repaid on time), each loan by its USD at the block × seconds outstanding: on time none under 1 USD or a day, late at least as much", ("0", "1"), "term lenders, events", ("0", "no term loan fell due yet")),
    # --- transactions (3)
    _row("transaction_frequency", "transactions", "1/day", "sent transactions / max(days since the first, 1)", ("0", "100"), "transactions", ("0", "never sent one"), "0.01"),
    _row("mean_transaction_value", "transactions", "USD", "value sent to others / sent transactions", ("0", "1000000"), "transactions, price feed", ("0", "never sent one"), "1"),
    _row("transaction_success_rate", "transactions", "ratio", "1 - failed / sent", ("0", "1"), "transactions", ("1", "never sent one, so none failed")),
    # --- DeFi (4)
    _row("utilization_rate", "defi", "ratio", "borrowed USD / supplied USD, over the whole history, without what was returned in the same block", ("0", "2"), "lending protocols, events", ("0", "never supplied nor borrowed")),
    _row("protocol_diversity", "defi", "count", "distinct protocols that the wallet used itself", ("0", "10"), "lending protocols, exchanges, term lenders", ("0", "none used")),
    _row("supplied_value", "defi", "USD", "supplied USD, over the whole history, without what was withdrawn in the same block", ("0", "10000000"), "lending protocols, events", ("0", "never supplied"), "1"),
    _row("borrowing_age", "defi", "days", "days since the first borrow or term loan", ("0", "1460"), "lending protocols, term lenders: the first 1 USD or more that stayed borrowed for more than a block", ("0", "never borrowed"), "1"),
    # --- social (2)
    _row("counterparties", "social", "count", "distinct senders and recipients, where all that the wallet does is read", ("0", "10000"), "transactions", ("0", "none, or the wallet acts inside others' transactions, which are not read"), "1"),
    _row("verification_count", "social", "count", "identity records that resolve to the wallet", ("0", "3"), "identity registries", ("0", "none, or no registry on this chain")),
    # --- market (2)
    _row("market_volatility", "market", "1/year", "realised volatility of the native coin over 30 days, annualised", ("0", "3"), "price feed rounds", ("0.8", "feed younger than two days: a long-run mean")),
    _row("gas_affordability", "market", "gwei", "base fee of the block", ("0", "500"), "block header", ("0", "chain without a base fee"), "1"),
    # --- loan (3)
    _row("loan_to_value", "loan", "ratio", "principal USD / collateral USD", ("0", "2"), "request, protocol oracle", ("2", "no collateral")),
    _row("loan_to_volume", "loan", "ratio", "principal USD / USD the wallet ever sent to others and received from them", ("0", "10"), "request, transactions", ("10", "the wallet moved nothing yet"), "0.01"),
    _row("collateral_buffer", "loan", "ratio", "(collateral USD - principal USD) / principal USD", ("-1", "3"), "request, protocol oracle", ("-1", "no collateral")),
    # --- beyond the specification's 19
    _row("loan_duration", "loan", "days", "term of the loan", ("0", "365"), "request", ("0", "no term: repayable at once")),
    _row("sent_count", "flow", "count", "transactions sent", ("0", "100000"), "transactions", ("0", "none"), "1"),
    _row("received_count", "flow", "count", "transactions received from others", ("0", "100000"), "transactions", ("0", "none"), "1"),
    _row("mean_minutes_between_sent", "flow", "minutes", "span of sent transactions / sent transactions", ("0", "1000000"), "transactions", ("0", "fewer than two sent"), "1"),
    _row("mean_minutes_between_received", "flow", "minutes", "span of received transactions / received transactions", ("0", "1000000"), "transactions", ("0", "fewer than two received"), "1"),
    _row("unique_senders", "flow", "count", "distinct addresses that sent to the wallet", ("0", "100000"), "transactions", ("0", "none"), "1"),
    _row("unique_recipients", "flow", "count", "distinct addresses that the wallet sent to", ("0", "100000"), "transactions", ("0", "none"), "1"),
    _row("min_value_received", "flow", "coin", "smallest value received from others", ("0", "100000"), "transactions", ("0", "none"), "0.000001"),
    _row("max_value_received", "flow", "coin", "largest value received from others", ("0", "1000000"), "transactions", ("0", "none"), "0.000001"),
    _row("mean_value_received", "flow", "coin", "value received from others / transactions received", ("0", "100000"), "transactions", ("0", "none"), "0.000001"),
    _row("min_value_sent", "flow", "coin", "smallest value sent to others, 0 for a transaction to itself", ("0", "100000"), "transactions", ("0", "none"), "0.000001"),
    _row("mean_value_sent", "flow", "coin", "value sent to others / transactions sent", ("0", "100000"), "transactions", ("0", "none"), "0.000001"),
    _row("balance", "flow", "coin", "native balance at the block", ("0", "1000000"), "account state", ("0", "empty"), "0.000001"),
)

PRIVATE_FEATURES: Final[tuple[Feature, ...]] = (
    # --- a home owner's passport (15)
    _row("passport_present", "passport", "flag", "1 with a home owner's passport, else 0", ("0", "1"), "borrower", ("0", "no passport: the next fourteen are 0 too")),
    _row("employment_years", "passport", "years", "years in the present job", ("0", "40"), "borrower", ("0", "not stated")),
    _row("oldest_account_years", "passport", "years", "age of the oldest credit account", ("0", "40"), "borrower", ("0", "no account")),
    _row("delinquent_accounts", "passport", "count", "credit accounts now or once delinquent", ("0", "10"), "borrower", ("0", "none")),
    _row("derogatory_reports", "passport", "count", "major derogatory reports", ("0", "10"), "borrower", ("0", "none")),
    _row("recent_inquiries", "passport", "count", "credit inquiries of late", ("0", "16"), "borrower", ("0", "none")),
    _row("debt_to_income", "passport", "ratio", "monthly debt service / monthly income", ("0", "1"), "borrower", ("0", "no debt, or not stated")),
    _row("open_accounts", "passport", "count", "open credit accounts", ("0", "60"), "borrower", ("0", "none")),
    _row("credit_requested", "passport", "USD", "amount of the credit last asked for", ("0", "200000"), "borrower", ("0", "none"), "1000"),
    _row("mortgage_due", "passport", "USD", "amount due on the mortgage", ("0", "1000000"), "borrower", ("0", "no mortgage"), "1000"),
    _row("property_value", "passport", "USD", "value of the property", ("0", "1000000"), "borrower", ("0", "no property, or not stated"), "1000"),
    _row("debt_to_income_stated", "passport", "flag", "1 when the passport states debt to income", ("0", "1"), "borrower", ("0", "not stated")),
    _row("property_value_stated", "passport", "flag", "1 when the passport states the property's value", ("0", "1"), "borrower", ("0", "not stated")),
    _row("derogatory_reports_stated", "passport", "flag", "1 when the passport states derogatory reports", ("0", "1"), "borrower", ("0", "not stated")),
    _row("employment_stated", "passport", "flag", "1 when the passport states the years in the job", ("0", "1"), "borrower", ("0", "not stated")),
    # --- a card holder's passport (9)
    _row("card_present", "card", "flag", "1 with a card holder's passport, else 0", ("0", "1"), "borrower", ("0", "no passport: the next eight are 0 too")),
    _row("card_months_behind", "card", "months", "how late the account is now", ("0", "8"), "borrower", ("0", "not late")),
    _row("card_months_behind_before", "card", "months", "how late the account was a month ago", ("0", "8"), "borrower", ("0", "not late")),
    _row("card_late_months", "card", "count", "months late, of the last six", ("0", "6"), "borrower", ("0", "none")),
    _row("card_longest_delay", "card", "months", "longest delay within the last six months", ("0", "8"), "borrower", ("0", "never late")),
    _row("card_full_payments", "card", "count", "months paid in full, of the last six", ("0", "6"), "borrower", ("0", "none")),
    _row("card_utilisation", "card", "ratio", "present bill / limit", ("0", "1.5"), "borrower", ("0", "nothing drawn")),
    _row("card_payments", "card", "ratio", "sum of the last six payments / limit", ("0", "6"), "borrower", ("0", "nothing paid"), "0.01"),
    _row("card_limit", "card", "USD", "credit limit", ("0", "100000"), "borrower", ("0", "none"), "100"),
)
# fmt: on


def feature_spec_hash(tables: Sequence[Sequence[Feature]] = (FEATURES, PRIVATE_FEATURES)) -> bytes:
    """Return the 32-byte SHA-256 of the canonical JSON of both tables, the encoding and the salt layout."""
    spec = {
        "encoded_one": ENCODED_ONE,
        "salt": [SALT_ELEMENTS, SALT_ELEMENT_BITS],
        "tables": [[{key: str(value) for key, value in asdict(row).items()} for row in table] for table in tables],
    }
    return hashlib.sha256(json.dumps(spec, sort_keys=True, separators=(",", ":")).encode()).digest()


def encode_all(table: Sequence[Feature], values: Mapping[str, Decimal | None]) -> tuple[int, ...]:
    """Return the encoded integers of a table's features, in the table's order.

    Raises InvalidFeature when a name is missing or unknown.
    """
    names = {feature.name for feature in table}
    if names != values.keys():
        missing, unknown = sorted(names - values.keys()), sorted(values.keys() - names)
        raise InvalidFeature(f"feature names do not match the table: missing {missing}, unknown {unknown}")
    return tuple(feature.encode(values[feature.name]) for feature in table)


NEUTRAL_PRIVATE: Final[tuple[int, ...]] = (0,) * (len(PRIVATE_FEATURES) + SALT_ELEMENTS)
"""The private tensor of a request without private data: no passport, zero salt."""
