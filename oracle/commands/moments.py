"""Moments as people type them: a time, or an age."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import typer

_AGE: Final = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_before(text: str, now: datetime, option: str = "--since") -> datetime:
    """Return the moment that a text names: ISO 8601 (UTC unless it says otherwise), or an age such as 90m or 2d.

    Raises BadParameter, which names the option.
    """
    try:
        if age := _AGE.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        moment = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time: expected one like 2026-01-31 or 2026-01-31T12:00, or an age like 90m, 12h, 2d",
            param_hint=option,
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def duration(text: str, option: str) -> timedelta:
    """Return the span of time that a text such as 90m, 12h or 2d names; raises BadParameter, which names the option."""
    if age := _AGE.fullmatch(text.strip().lower()):
        return timedelta(**{_UNITS[age[2]]: int(age[1])})
    raise typer.BadParameter(f"{text!r} is no span of time: expected one like 90m, 12h, 2d", param_hint=option)
