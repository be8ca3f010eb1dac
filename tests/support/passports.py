"""Passports that tests share: one of each kind, and random ones."""

import random
from decimal import Decimal
from typing import Any

from oracle.passports.passport import Passport
from oracle.passports.schema import GROUPS, SCHEMA_ID, Group

HOME: dict[str, Any] = {
    "employment_years": 7.5,
    "oldest_account_years": 14,
    "delinquent_accounts": 0,
    "derogatory_reports": 0,
    "recent_inquiries": 1,
    "debt_to_income": 0.31,
    "open_accounts": 18,
    "credit_requested": 23456,
    "mortgage_due": 123456.78,
    "property_value": 212345,
}
CARD: dict[str, Any] = {
    "card_months_behind": 0,
    "card_months_behind_before": 1,
    "card_late_months": 1,
    "card_longest_delay": 1,
    "card_full_payments": 4,
    "card_utilisation": 0.27,
    "card_payments": 1.07,
    "card_limit": 8765,
}
SALT = (0x01020304, 0xFFFFFFFF, 7, 0x80000000, 0xDEADBEEF)


def content_of(home: Any = HOME, card: Any = CARD) -> dict[str, Any]:
    """A passport's JSON."""
    return {"schema": SCHEMA_ID, "home": home, "card": card}


def random_passport(chance: random.Random) -> Passport:
    """A passport with random values, some unknown; now and then a group is absent."""
    home, card = (_random_values(group, chance) for group in GROUPS.values())
    return Passport(home, None) if chance.random() < 0.2 else Passport(None if chance.random() < 0.2 else home, card)


def _random_values(group: Group, chance: random.Random) -> dict[str, Decimal | None]:
    values: dict[str, Decimal | None] = {}
    for field in group.fields:
        low, high = float(field.feature.low), float(field.feature.high)
        value = chance.randint(int(low), int(high)) if field.whole else round(chance.uniform(low, high), 2)
        values[field.name] = None if chance.random() < 0.15 else Decimal(str(value))
    return values
