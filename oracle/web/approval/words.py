"""How names in a row, and sizes, are written on the page."""

from collections.abc import Sequence


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them: a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def size(count: int | None) -> str:
    """Return a number of bytes with the unit that fits."""
    if count is None:
        return ""
    for unit, one in (("MB", 1e6), ("kB", 1e3)):
        if count >= one:
            return f"{count / one:.3g} {unit}" if count < 100 * one else f"{count / one:.0f} {unit}"
    return f"{count} B"
