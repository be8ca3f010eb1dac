"""How numbers, times and names are written on the pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from oracle.assessment.errors import DeclineReason
from oracle.assessment.outputs import Category
from oracle.store.tallies import as_coins

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
DASH: Final = "–"
_DASH: Final = Markup("–")


def duration(seconds: float | None) -> str:
    """Return a duration with the two units that say most: 340 ms, 2.4 s, 3 min 20 s, 5 d 2 h."""
    if seconds is None:
        return DASH
    if seconds < 0:
        return f"−{duration(-seconds)}"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    left = round(seconds)
    told: list[str] = []
    for size, unit in (*_UNITS, (1, "s")):
        if left >= size or told:
            told.append(f"{left // size} {unit}" if left >= size else "")
            left %= size
        if len(told) == 2:
            break
    return " ".join(one for one in told if one)


def moment(at: datetime | int | float | None) -> Markup:
    """Return a moment in UTC as a <time>."""
    if at is None:
        return _DASH
    if not isinstance(at, datetime):
        try:
            at = datetime.fromtimestamp(at, UTC)
        except (OverflowError, ValueError, OSError):
            return Markup("{} s").format(at)
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M:%S}")


def ago(at: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was."""
    return DASH if at is None else duration(max((now - at).total_seconds(), 0))


def coins(wei: int | Decimal | None, places: int = 6) -> str:
    """Return wei as coins, rounded."""
    if wei is None:
        return DASH
    value = as_coins(int(wei))
    if value and abs(value) < Decimal(1).scaleb(-places):
        return f"{'−' if value < 0 else ''}< {Decimal(1).scaleb(-places):f}"
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def gwei(wei: int | Decimal | None) -> str:
    """Return wei as gwei."""
    return DASH if wei is None else f"{Decimal(wei).scaleb(-9):,.3f}".rstrip("0").rstrip(".")


def percent(bps: int | float | None, places: int = 1) -> str:
    """Return basis points as percent."""
    return DASH if bps is None else f"{bps / 100:.{places}f} %"


def points(bps: int | float | None) -> str:
    """Return a score in points of 100."""
    return DASH if bps is None else f"{bps / 100:.1f}"


def count(value: int | None) -> str:
    """Return a whole number with thousands separators."""
    return DASH if value is None else f"{value:,}"


def short(text: str | None, keep: int = 6) -> str:
    """Return an address or a hash with its middle left out."""
    if not text:
        return DASH
    return text if len(text) <= 2 * keep + 3 else f"{text[: keep + 2]}…{text[-keep:]}"


def words(name: str | None) -> str:
    """Return a name of the program as words."""
    return DASH if not name else name.replace("_", " ")


def reason(number: int | None) -> str:
    """Return why a request was declined."""
    if not number:
        return DASH
    try:
        return words(DeclineReason(number).name.lower())
    except ValueError:
        return f"reason {number}"


def category(number: Any) -> str:
    """Return a risk category's name."""
    try:
        return Category(number).name.lower()
    except ValueError:
        return DASH


FILTERS: Final[dict[str, Callable[..., str]]] = {
    "duration": duration,
    "moment": moment,
    "coins": coins,
    "gwei": gwei,
    "percent": percent,
    "points": points,
    "count_of": count,
    "short": short,
    "words": words,
    "reason": reason,
    "category": category,
}
