"""The bank's customers in the demo: whom they are on the chain, what the bank knows of them, and what they ask for."""

from dataclasses import dataclass
from typing import Any, Final

from oracle.devnet.demo.private.desk import Ask
from oracle.passports.passport import Passport
from oracle.passports.schema import SCHEMA_ID

OPENING: Final = "opening"
PROOF: Final = "proving"


@dataclass(frozen=True)
class Customer:
    """`wallet` is one of the local stack's; `way` is how the private data reach the answer."""

    wallet: str
    story: str
    passport: Passport
    ask: Ask
    way: str


def _passport(home: dict[str, Any] | None, card: dict[str, Any] | None) -> Passport:
    return Passport.of({"schema": SCHEMA_ID, "home": home, "card": card})


CUSTOMERS: Final = {
    "low": Customer(
        "careful",
        "fifteen years in one job, never late; lets the oracle open the data in its prover's memory",
        _passport(
            {
                "employment_years": 15, "oldest_account_years": 22, "delinquent_accounts": 0, "derogatory_reports": 0,
                "recent_inquiries": 0, "debt_to_income": 0.22, "open_accounts": 17, "credit_requested": 25000,
                "mortgage_due": 60000, "property_value": 310000,
            },
            None,
        ),
        Ask(4_000, 4, 30),
        OPENING,
    ),
    "average": Customer(
        "newcomer",
        "pays a card, mostly in time; proves on its own machine, and shows the data to nobody",
        _passport(
            None,
            {
                "card_months_behind": 0, "card_months_behind_before": 1, "card_late_months": 1,
                "card_longest_delay": 1, "card_full_payments": 2, "card_utilisation": 0.55, "card_payments": 0.7,
                "card_limit": 6000,
            },
        ),
        Ask(2_000, 2, 30),
        PROOF,
    ),
    "high": Customer(
        "liquidated",
        "two years in the job, three accounts behind; lets the oracle open the data",
        _passport(
            {
                "employment_years": 2, "oldest_account_years": 4, "delinquent_accounts": 3, "derogatory_reports": 2,
                "recent_inquiries": 6, "debt_to_income": 0.52, "open_accounts": 9, "credit_requested": 40000,
                "mortgage_due": 180000, "property_value": 190000,
            },
            None,
        ),
        Ask(2_000, 1, 60),
        OPENING,
    ),
}  # fmt: skip

IMPOSTOR: Final = "phishing"
OF_THE_IMPOSTOR: Final = CUSTOMERS["high"].passport
"""What the bank knew of the impostor, before it withdrew it."""
INVENTED: Final = _passport(
    {
        "employment_years": 30, "oldest_account_years": 35, "delinquent_accounts": 0, "derogatory_reports": 0,
        "recent_inquiries": 0, "debt_to_income": 0.05, "open_accounts": 20, "credit_requested": 10000,
        "mortgage_due": 0, "property_value": 900000,
    },
    None,
)  # fmt: skip
"""What the impostor would like to be."""
