"""Where a page ends, as a text that only we read: bound to the list that it belongs to."""

import base64
import binascii
import hashlib
import re

from oracle.web.api.problems import Problem, wrong

_SHAPE = re.compile(rb"([0-9a-f]{16}):(0|[1-9][0-9]{0,77})")


def make(of: str, before: int) -> str:
    """Return a cursor for the page of a list below an id."""
    return base64.urlsafe_b64encode(f"{_mark(of)}:{before}".encode()).decode().rstrip("=")


def read(of: str, cursor: str) -> int:
    """Return the id that a cursor holds; raises Problem for one that is damaged, or of another list."""
    refused: Problem = wrong(
        "query.cursor", "is not a cursor of this list: give next_cursor of the page before as it is"
    )
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise refused from None
    found = _SHAPE.fullmatch(text)
    if found is None or found[1].decode() != _mark(of) or make(of, int(found[2])) != cursor:
        raise refused
    return int(found[2])


def _mark(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()[:16]
