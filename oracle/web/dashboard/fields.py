"""What stands in a page's address or form, checked: each fault names its field and says what is expected."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from oracle.assessment.errors import DeclineReason, InvalidRequest
from oracle.assessment.request import to_address
from oracle.assessment.states import State
from oracle.store.board_pages import Filter, Place
from oracle.web.dashboard.faults import BadField, NotThere

_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
_PLACE: Final = re.compile(r"(\d{1,18})-(\d{1,78})")
_LARGEST_ID: Final = 2**256 - 1


def request_id(text: str) -> int:
    """Return a request's id of a page's path; raises NotThere for what can be none."""
    if not text.isascii() or not text.isdigit() or len(text) > 78 or int(text) > _LARGEST_ID:
        raise NotThere(f"{text[:80]!r} is no request's id: expected a whole number")
    return int(text)


def text_of(values: Mapping[str, object], name: str, longest: int = 200) -> str:
    """Return a field without blanks around it; raises BadField when it is too long, or holds what no text does."""
    text = str(values.get(name, "")).strip()
    if len(text) > longest:
        raise BadField(name, f"has {len(text):,} characters: expected at most {longest}")
    if not text.isprintable():
        raise BadField(name, "holds a character that cannot be printed")
    return text


def wallet(values: Mapping[str, object], name: str) -> str | None:
    """Return an address of a field, None for an empty one."""
    if not (text := text_of(values, name)):
        return None
    try:
        return to_address(text)
    except InvalidRequest:
        raise BadField(name, f"{text!r} is not an address: expected 0x and 40 hex digits") from None


def requests_filter(values: Mapping[str, object]) -> Filter:
    """Return what a list of requests is narrowed down to."""
    since, until = _moment(values, "since"), _moment(values, "until")
    if since is not None and until is not None and since >= until:
        raise BadField("until", "is not after `since`")
    low, high = _score(values, "score_from"), _score(values, "score_to")
    if low is not None and high is not None and low > high:
        raise BadField("score_to", "is below `score_from`")
    return Filter(
        state=_state(values),
        decline_reason=_reason(values),
        model_id=_model(values),
        user=wallet(values, "wallet"),
        requester=wallet(values, "lender"),
        score_from=low,
        score_to=high,
        since=since,
        until=until,
    )


def _state(values: Mapping[str, object]) -> State | None:
    if not (text := text_of(values, "state")):
        return None
    try:
        return State(text)
    except ValueError:
        raise BadField("state", f"{text!r} is none: expected one of {', '.join(State)}") from None


def _reason(values: Mapping[str, object]) -> int | None:
    if not (text := text_of(values, "reason")):
        return None
    try:
        return DeclineReason[text.upper()].value
    except KeyError:
        known = ", ".join(one.name.lower() for one in DeclineReason)
        raise BadField("reason", f"{text!r} is none: expected one of {known}") from None


def _model(values: Mapping[str, object]) -> str | None:
    text = text_of(values, "model").lower()
    if not text:
        return None
    text = text if text.startswith("0x") else f"0x{text}"
    if not _HASH.fullmatch(text):
        raise BadField("model", "is not a model's id: expected 64 hex digits")
    return text


def _score(values: Mapping[str, object], name: str) -> int | None:
    if not (text := text_of(values, name, 10)):
        return None
    if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", text) or Decimal(text) > 100:
        raise BadField(name, f"{text!r} is no score: expected a number from 0 to 100")
    return int(Decimal(text) * 100)


def _moment(values: Mapping[str, object], name: str) -> int | None:
    if not (text := text_of(values, name, 40)):
        return None
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise BadField(name, f"{text!r} is no time: expected one like 2026-01-31T12:00 (UTC)") from None


def place(values: Mapping[str, object]) -> Place | None:
    """Return where the page before ended."""
    if not (text := text_of(values, "before")):
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise BadField("before", "is not where a page ends: use the link at the foot of a page")
    return int(found[1]), Decimal(found[2])


def row_place(values: Mapping[str, object]) -> int | None:
    """Return the row below which a page begins."""
    if not (text := text_of(values, "before")):
        return None
    if not text.isascii() or not text.isdigit() or int(text) >= 2**63:
        raise BadField("before", "is not where a page ends: use the link at the foot of a page")
    return int(text)


def address_of(path: str, values: Mapping[str, object], **more: str) -> str:
    """Return a page's address with the fields that are filled in, and others put in their place."""
    kept = {name: str(value) for name, value in values.items() if str(value) and name != "before"}
    return f"{path}?{urlencode({**kept, **more})}" if kept or more else path


def is_hash(text: str) -> bool:
    """Say whether a text is a transaction's hash."""
    return _HASH.fullmatch(text) is not None


def narrowed(by: Filter) -> bool:
    """Say whether a filter leaves anything out."""
    return any(value is not None for value in asdict(by).values())
