"""The price of ether over the local chain's past: a daily path with one crash, the same in every run."""

import hashlib
import itertools
from decimal import Decimal
from typing import Final

FINAL_PRICE_USD: Final = Decimal(3000)
_NOISE_PER_MILLE: Final = 30
_CENT: Final = Decimal("0.01")

# (day, price): straight lines between them.
_ANCHORS: Final = ((0, 2700), (60, 3100), (116, 3000), (119, 2200), (121, 2350), (135, 2950), (200, 3000))
CRASH_DAY: Final = 119
DAYS: Final = _ANCHORS[-1][0]


def ether_price_usd(day: int) -> Decimal:
    """Return the price on a day from 0 to DAYS, in USD with cents.

    Up to 3 % of noise a day around the line gives about 50 % of yearly volatility; the crash and the last day have
    none, because wallets' health factors hang on them.
    """
    line = _line(day)
    if day == DAYS or CRASH_DAY - 3 <= day <= CRASH_DAY + 2:
        return line.quantize(_CENT)
    draw = int.from_bytes(hashlib.sha256(f"ether price, day {day}".encode()).digest()[:4], "big")
    noise_per_mille = Decimal(draw % (2 * _NOISE_PER_MILLE + 1) - _NOISE_PER_MILLE)
    return (line * (1 + noise_per_mille / 1000)).quantize(_CENT)


def _line(day: int) -> Decimal:
    for (start, low), (end, high) in itertools.pairwise(_ANCHORS):
        if start <= day <= end:
            return Decimal(low) + Decimal(high - low) * (day - start) / (end - start)
    raise ValueError(f"day {day} is outside 0..{DAYS}")
