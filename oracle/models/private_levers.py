"""What a person can change about a passport, and nothing else: the table of actionable private features.

A lever changes the passport's values in their units; the encoding that training uses follows. Left out on purpose:
what is only past (delinquent accounts, derogatory reports), what only age brings (years in the job, age of accounts,
which stand in for a person's own), what others decide (a limit, a property's value), and what is no improvement by
itself (how many accounts are open, how much credit was asked for). No demographic is a feature at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from oracle.models.wording import plain_number

Private = Mapping[str, Decimal]
"""Private features by name, in their units."""

PrivateChange = tuple[dict[str, Decimal], str]
"""The features that change, and what to do for it in words."""

_WINDOW_MONTHS: Final = 6


@dataclass(frozen=True, slots=True)
class PrivateLever:
    """One thing that a person can do about a passport, in `steps` growing amounts; None where nothing is to change."""

    name: str
    features: tuple[str, ...]
    steps: int
    pull: Callable[[Private, int], PrivateChange | None]


def _lower_debt_service(now: Private, step: int) -> PrivateChange | None:
    before = now["debt_to_income"]
    if not now["debt_to_income_stated"] or not before:
        return None
    after = (before * (100 - step) / 100).quantize(Decimal("0.01"))
    words = f"lower monthly debt service to {_percent(after)} of income, from {_percent(before)}"
    return ({"debt_to_income": after}, words) if after < before else None


def _repay_mortgage(now: Private, step: int) -> PrivateChange | None:
    before = now["mortgage_due"]
    after = (before * (100 - step) / 100).quantize(Decimal(1000))
    words = f"repay the mortgage to {plain_number(after, 0)} USD, from {plain_number(before, 0)} USD"
    return ({"mortgage_due": after}, words) if after < before else None


def _fewer_inquiries(now: Private, step: int) -> PrivateChange | None:
    before = now["recent_inquiries"].quantize(Decimal(1))
    after = max(before - step, Decimal(0))
    if after == before:
        return None
    return {"recent_inquiries": after}, f"ask nobody for credit until {after} recent inquiries are left, of {before}"


def _repay_card(now: Private, step: int) -> PrivateChange | None:
    before = now["card_utilisation"]
    if not now["card_present"]:
        return None
    after = (before * (100 - step) / 100).quantize(Decimal("0.01"))
    words = f"repay the card's balance to {_percent(after)} of its limit, from {_percent(before)}"
    return ({"card_utilisation": after}, words) if after < before else None


def _pay_card_on_time(now: Private, months: int) -> PrivateChange | None:
    """As the card's account is after so many months paid in full."""
    if not now["card_present"] or not any(now[name] for name in _ARREARS):
        return None
    left = Decimal(_WINDOW_MONTHS - months)
    after = {"card_months_behind": Decimal(0), "card_late_months": min(now["card_late_months"], left)}
    if months > 1:
        after["card_months_behind_before"] = Decimal(0)
    if not after["card_late_months"]:
        after["card_longest_delay"] = Decimal(0)
    after["card_full_payments"] = max(now["card_full_payments"], Decimal(months))
    what = "month" if months == 1 else "months"
    return after, f"catch up on the card and pay it in full for {months} {what}"


_ARREARS: Final = ("card_months_behind", "card_months_behind_before", "card_late_months", "card_longest_delay")

PRIVATE_LEVERS: Final = (
    PrivateLever("lower_debt_service", ("debt_to_income",), 99, _lower_debt_service),
    PrivateLever("repay_mortgage", ("mortgage_due",), 100, _repay_mortgage),
    PrivateLever("fewer_inquiries", ("recent_inquiries",), 16, _fewer_inquiries),
    PrivateLever("repay_card", ("card_utilisation",), 100, _repay_card),
    PrivateLever("pay_card_on_time", (*_ARREARS, "card_full_payments"), _WINDOW_MONTHS, _pay_card_on_time),
)
"""The table of all that is ever advised about a passport."""


def _percent(share: Decimal) -> str:
    return f"{plain_number(share * 100, 0)} %"
