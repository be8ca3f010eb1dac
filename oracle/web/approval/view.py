"""What the page's templates are given: the state of the six steps, in words and figures."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.layout import Layout
from oracle.approval.messages import Kind
from oracle.approval.transcript import APPROVED, SERVER
from oracle.web.approval.gates import SHARES
from oracle.web.approval.holdings import HOLDERS, NEVER, SORTS, holdings
from oracle.web.approval.questions import title_of, told_level
from oracle.web.approval.record import Seen
from oracle.web.approval.showing import Application, Show
from oracle.web.approval.words import listed

KEY_KINDS: Final[tuple[Kind, ...]] = ("pledge", "keys", "product", "ready")
_KEY_MESSAGES: Final = len(KEY_KINDS) * len(PARTIES)
_SAID: Final = {
    "pledge": "the digest of its keys, before it sees the others'",
    "keys": "its parts of the joint keys",
    "product": "its part of the multiplication key",
    "ready": "confirms the joint keys",
    "blinds-pledge": "the digest of its blinds, before it sees the others'",
    "blinds": "its blinds and masks of eight applications, encrypted",
    "input": "its answers, encrypted",
    "agreement": "agrees that the decision is recorded",
    "evaluated": "the decision and the what-ifs, encrypted",
    "decision-share": "its share of the decision, sealed to the three",
    "whatifs-share": "what opens the what-ifs, as it pledged it, sealed to the three",
    "whatifs": "opened the what-ifs",
}
_DOING: Final = {
    "pledge": "makes its third, and pledges its keys by their digest",
    "keys": "sends its parts of the keys",
    "product": "makes its part of the multiplication key",
    "ready": "combines the keys and compares",
}


@dataclass(frozen=True)
class Line:
    """A message as a table shows it; `seconds` since its button was pressed, or since the message before it."""

    place: int
    message: Seen
    what: str
    seconds: float | None


@dataclass(frozen=True)
class Tried:
    """A what-if that was opened."""

    level: str
    approved: bool


def view_of(show: Show) -> dict[str, Any]:
    """Return what the live pieces of the page need."""
    application = show.application
    number = None if application is None else application.number
    filled = [] if application is None else list(application.tasks)
    return {
        "show": show,
        "application": application,
        "held": holdings(show.record, number, filled),
        "holders": HOLDERS,
        "parties": PARTIES,
        "never": NEVER,
        "sorts": SORTS,
        "keys": _keys(show),
        "inputs": _lines(show, "input"),
        "evaluated": _lines(show, "evaluated"),
        "decision": _opening(show, application, "decision"),
        "whatifs": _opening(show, application, "whatifs"),
        "ended": "" if number is None else show.ended_by(number),
        "changes": _changes(application),
        "tried": _tried(show),
        "log": _log(show),
        "status": _status(show),
        "folder": "" if show.lane is None else str(show.lane.folder / "board"),
    }


def _log(show: Show) -> list[Line]:
    found, pressed = [], {} if show.application is None else show.application.pressed
    current = None if show.application is None else show.application.number
    before = show.begun_at
    for place, one in enumerate(show.record.seen, 1):
        begun = pressed.get((one.kind, one.party)) if one.application == current else None
        begun = before if begun is None else begun
        what = f"opened: {one.said}" if one.kind == "decision" else _SAID.get(one.kind, one.said)
        found.append(Line(place, one, what, None if begun is None else max(one.at - begun, 0)))
        before = one.at
    return found


def _lines(show: Show, *kinds: Kind) -> list[Line]:
    if show.application is None:
        return []
    number = show.application.number
    return [line for line in _log(show) if line.message.application == number and line.message.kind in kinds]


def _keys(show: Show) -> dict[str, Any]:
    lines = [line for line in _log(show) if line.message.kind in KEY_KINDS]
    doing = ""
    if show.begun and not show.ready and not show.fault:
        doing = "four engines start, a process each"
        if show.lane is not None:
            doing = _next_key_step(show)
    last = lines[-1].message.at if lines else None
    seconds = None if show.begun_at is None or last is None or not show.ready else last - show.begun_at
    total = sum(line.message.size for line in lines)
    return {
        "lines": lines,
        "done": len(lines),
        "of": _KEY_MESSAGES,
        "doing": doing,
        "seconds": seconds,
        "bytes": total,
        "since": show.begun_at if doing else None,
    }


def _next_key_step(show: Show) -> str:
    for kind in KEY_KINDS:
        waiting = [party for party in PARTIES if show.record.find(0, kind, party) is None]
        if waiting:
            return f"{waiting[0]} {_DOING[kind]}" if len(waiting) == 1 else f"{listed(waiting)}: each {_DOING[kind]}"
    return ""


def _opening(show: Show, application: Application | None, opening: str) -> dict[str, Any]:
    kind = SHARES[0] if opening == "decision" else SHARES[1]
    told: Kind = "decision" if opening == "decision" else "whatifs"
    shares, opened = _lines(show, kind), _lines(show, told)
    number = 0 if application is None else application.number
    given = {line.message.party for line in shares}
    agreed = [party for party in PARTIES if show.words[party].has_agreed(number, kind)]
    said = opened[0].message.said if len(opened) == len(PARTIES) else ""
    return {
        "shares": shares,
        "opened": opened,
        "given": given,
        "waits": [party for party in agreed if party not in given],
        "missing": [party for party in PARTIES if party not in given],
        "said": said,
        "approved": said == APPROVED,
        "seconds": _between(shares, opened),
    }


def _between(shares: list[Line], opened: list[Line]) -> float | None:
    if len(opened) < len(PARTIES):
        return None
    return opened[-1].message.at - shares[-1].message.at


def _changes(application: Application | None) -> list[dict[str, Any]]:
    """What each party says of the fields that it knows: the smallest approved change from its own answer."""
    found = []
    for party, outcome in {} if application is None else application.outcomes.items():
        for name, level in outcome.changes.items():
            if BY_NAME[name].party == party:
                told = None if level is None else told_level(level)
                found.append({"party": party, "title": title_of(name), "name": name, "level": told})
    return found


def _tried(show: Show) -> list[tuple[str, list[Tried]]]:
    opened = _lines(show, "whatifs")
    if len(opened) < len(PARTIES) or show.lane is None:
        return []
    layout: Layout = show.lane.layout
    answers: Iterable[bool] = json.loads(opened[0].message.said)
    found: dict[str, list[Tried]] = {}
    for what_if, approved in zip(layout.what_ifs, answers, strict=True):
        found.setdefault(what_if.field, []).append(Tried(told_level(what_if.told), approved))
    return [(title_of(name), tried) for name, tried in found.items()]


def _status(show: Show) -> str:
    """What a listener is told: the newest turn of the story, and nothing between."""
    if show.fault:
        return "The session failed."
    if not show.begun:
        return ""
    if not show.ready:
        return "The joint keys are being made."
    application = show.application
    if application is None:
        return "The joint keys are there."
    if (ended := show.ended_by(application.number)) or application.faults:
        return f"Application {application.number} ended: {ended or '; '.join(application.faults.values())}"
    if len(_lines(show, "whatifs")) == len(PARTIES):
        return f"Application {application.number}: denied, and explained."
    if len(opened := _lines(show, "decision")) == len(PARTIES):
        return f"Application {application.number}: {opened[0].message.said}."
    if show.record.find(application.number, "evaluated", SERVER):
        return f"Application {application.number}: evaluated."
    return f"Application {application.number}: {len(_lines(show, 'input'))} of 3 answers are with the server."
