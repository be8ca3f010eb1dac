"""The protocol's rules: which message may follow which. Server and parties keep a transcript each and trust no other.

    pledge         each                                  the digest of the keys that it has made
    keys           each                                  its halves of the joint keys, about the three pledges
    product        each                                  about the three keys
    ready          each                                  about the joint key that it computed: three times the same
    blinds-pledge  each, for every eight applications    the digest of its blinds; what will open the what-ifs, hashed
    blinds         each, for every eight applications    ciphertexts, about the three pledges
    input          each                                  an application: a ciphertext, about the joint key and blinds
    agreement      applicant, once its input is there    that the decision may be recorded, about the three inputs
    evaluated      server                                about the three inputs
    decision-share each                                  sealed, about the result that it evaluated itself
    decision       each                                  what it opened: three times the same
    whatifs-share  each                                  sealed, what opens the what-ifs: only after a denial
    whatifs        each                                  what it opened: three times the same

Blinds stand under the first of their eight applications. Whoever could choose masks after seeing the others' could take
them away again, so they are pledged first, as keys are.

A message that does not fit is refused, and the transcript stays as it was.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from oracle.approval.errors import EngineRefusal, Refused
from oracle.approval.fields import APPLICANT, PARTIES
from oracle.approval.layout import MOST_WHAT_IFS, TOGETHER, first_of
from oracle.approval.messages import Kind, Message, pledge_kept

SERVER: Final = "server"
APPROVED: Final = "approved"
DENIED: Final = "denied"

_RUN: Final = 16384 * 8
_TOWERS: Final = 5
_CIPHERTEXT: Final = 2 * _TOWERS * _RUN
_HALF_KEY: Final = _TOWERS**2 * _RUN
_RESULT: Final = 6 * _RUN
_SEAL: Final = 32 + 1 + len(PARTIES) * 48 + 16
SALT: Final = 32
SUMS: Final = 8 * MOST_WHAT_IFS + SALT
"""Bytes of what opens one application's what-ifs."""
# Of each key the half that is its party's own: the other is drawn from the session's name.
_KEYS: Final = {"public": _TOWERS * _RUN, "switching": _HALF_KEY, "rotations": 6 * _HALF_KEY}
PARTS: Final[Mapping[Kind, Mapping[str, int]]] = {
    "pledge": {},
    "keys": _KEYS,
    "product": {"product": 2 * _HALF_KEY},
    "ready": {},
    "blinds-pledge": {},
    "blinds": {"blinds": _CIPHERTEXT, "masks": _CIPHERTEXT},
    "input": {"features": _CIPHERTEXT},
    "agreement": {},
    "evaluated": {"result": _RESULT},
    "decision-share": {"share": 3 * _RUN + _SEAL},
    "decision": {},
    "whatifs-share": {"sums": SUMS + _SEAL},
    "whatifs": {},
    "abort": {},
}
"""The parts of each kind, with their sizes in bytes: no other is accepted."""

_OF_KEYS: Final = ("pledge", "keys", "product", "ready")
_OF_BLINDS: Final = ("blinds-pledge", "blinds")
_ORDER: Final[tuple[Kind, ...]] = (
    "pledge", "keys", "product", "ready",
    "blinds-pledge", "blinds", "input", "evaluated", "decision-share", "decision", "whatifs-share", "whatifs",
)  # fmt: skip
_AGREED: Final = ("ready", "decision", "whatifs")
_PLEDGED_SUMS: Final = re.compile(f"[0-9a-f]{{{64 * TOGETHER}}}")


@dataclass
class Transcript:
    """The accepted messages of one session; `sizes` are those of each kind's parts."""

    session: str
    model: str
    sizes: Mapping[Kind, Mapping[str, int]] = field(default_factory=lambda: PARTS)
    _kept: dict[tuple[int, Kind, str], Message] = field(default_factory=dict)
    _ended: dict[int, Message] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _last: int = 0

    def get(self, application: int, kind: Kind, party: str) -> Message | None:
        """Return a message, or None where it is still to come."""
        return self._kept.get((application, kind, party))

    def all_of(self, application: int, kind: Kind) -> list[Message] | None:
        """Return the messages of all who send this kind, in the parties' order, or None while one is missing."""
        found = [self._kept.get((application, kind, party)) for party in _senders(kind)]
        return None if None in found else [message for message in found if message is not None]

    def missing(self, application: int, kind: Kind) -> list[str]:
        """Return who has still to send this kind."""
        return [party for party in _senders(kind) if (application, kind, party) not in self._kept]

    def ended(self, application: int) -> Message | None:
        """Return the abort that ended an application or, in application 0, the session."""
        return self._ended.get(0) or self._ended.get(application)

    @property
    def messages(self) -> list[Message]:
        """All accepted messages, in the order of their coming."""
        return list(self._kept.values())

    @property
    def last_application(self) -> int:
        """The number of the newest application, 0 for none."""
        return self._last

    @property
    def open_applications(self) -> list[int]:
        """The applications that began and are not finished, the oldest first."""
        return [] if 0 in self._ended else sorted(self._open)

    def finished(self, application: int) -> bool:
        """Whether nothing more can come of an application: it was decided, and explained if denied; or it ended."""
        if self.ended(application) is not None:
            return True
        decided = self.all_of(application, "decision")
        if decided is None:
            return False
        return decided[0].head.said == APPROVED or self.all_of(application, "whatifs") is not None

    def in_application(self, application: int) -> list[Message]:
        """Return an application's accepted messages, in the order of their rounds."""
        found = (self._kept.get((application, kind, party)) for kind in PARTS for party in (*PARTIES, SERVER))
        return [message for message in found if message is not None]

    def basis(self, application: int, kind: Kind, party: str) -> str | None:
        """Return the digest that a message must be about: of everything that it rests upon. None: of nothing."""
        rests_on: dict[Kind, tuple[int, Kind]] = {
            "keys": (0, "pledge"),
            "product": (0, "keys"),
            "blinds": (application, "blinds-pledge"),
            "agreement": (application, "input"),
            "evaluated": (application, "input"),
            "decision": (application, "decision-share"),
            "whatifs-share": (application, "decision"),
            "whatifs": (application, "whatifs-share"),
        }
        if kind in rests_on:
            return _digest_of(self.all_of(*rests_on[kind]) or [])
        if kind == "input":
            return _digest_of([*(self.all_of(0, "ready") or []), *(self.blinds_of(application) or [])])
        evaluated = self.get(application, "evaluated", SERVER)
        if kind == "decision-share" and evaluated is not None:
            return evaluated.head.parts[0].sha256
        return None

    def blinds_of(self, application: int) -> list[Message] | None:
        """Return the three messages of an application's blinds, or None while one is missing."""
        return self.all_of(first_of(application), "blinds")

    def hold(self, message: Message) -> None:
        """Take the parts of a message that was accepted by its head."""
        head = message.head
        kept = self._kept.get((head.application, head.kind, head.party))
        if kept is None or kept.digest != message.digest:
            raise Refused(head.party, head.kind, "it is not the message that was accepted here")
        self._kept[head.application, head.kind, head.party] = message

    def shed(self, application: int) -> None:
        """Let go of the parts of an application's messages, or the keys': their heads stay, and bind the same."""
        for message in self.in_application(application):
            self.hold(message.announced())

    def accept(self, message: Message) -> None:
        """Keep a message; raises Refused, which names its party, its kind and what does not fit."""
        self.check(message)
        head = message.head
        if head.kind == "abort":
            self._ended[head.application] = message
        self._kept[head.application, head.kind, head.party] = message
        if head.application and head.kind not in _OF_BLINDS:
            self._last = max(self._last, head.application)
            self._open.add(head.application)
            if self.finished(head.application):
                self._open.discard(head.application)

    def check(self, message: Message) -> None:
        """Raise Refused unless the message fits; nothing is kept."""
        if (fault := self._fault(message)) is not None:
            raise Refused(message.head.party, message.head.kind, fault)

    def _fault(self, message: Message) -> str | None:
        head = message.head
        if head.session != self.session:
            return f"it is of session {head.session}, this is {self.session}"
        if head.model != self.model:
            return f"it is about model {head.model[:12]}…, this session evaluates {self.model[:12]}…"
        if (head.application, head.kind, head.party) in self._kept:
            return "one was accepted before: a round has one message of each party"
        if (end := self.ended(head.application)) is not None:
            return f"{end.head.party} ended it: {end.head.said}"
        if {part.name: part.size for part in head.parts} != self.sizes[head.kind]:
            return "its parts are not those of its kind, each of its size"
        if head.kind == "abort":
            # Else a number far ahead would use up all that lie before it, or an ending change what was decided.
            if head.application > self.last_application:
                return f"application {head.application} has not begun"
            return f"application {head.application} is decided" if self.finished(head.application) else None
        if head.party not in _senders(head.kind):
            return f"it is {' or '.join(_senders(head.kind))} who sends it"
        if (head.kind in _OF_KEYS) != (head.application == 0):
            return f"application {head.application} has no such message"
        return self._early(message) or self._unfounded(message)

    def _early(self, message: Message) -> str | None:
        head = message.head
        if head.kind == "pledge":
            return None
        if head.kind in ("blinds-pledge", "input"):
            if self.all_of(0, "ready") is None:
                return f"{self.missing(0, 'ready')[0]} has not confirmed the joint key"
            if head.application > self.last_application + 1:
                return f"application {self.last_application + 1} comes next"
        if head.kind in _OF_BLINDS and head.application != first_of(head.application):
            return f"the blinds of application {head.application} stand under {first_of(head.application)}"
        if head.kind == "blinds-pledge":
            return None
        # What may come besides the rounds: who wants it waits for it.
        before: Kind = "input" if head.kind == "agreement" else _ORDER[_ORDER.index(head.kind) - 1]
        place = 0 if before in _OF_KEYS else first_of(head.application) if before == "blinds" else head.application
        if waiting := self.missing(place, before):
            return f"{waiting[0]}'s {before} comes first"
        decided = self.get(head.application, "decision", PARTIES[0])
        if head.kind == "whatifs-share" and decided is not None and decided.head.said != DENIED:
            return "what-ifs are opened after a denial alone"
        return None

    def _unfounded(self, message: Message) -> str | None:
        head = message.head
        if head.kind in ("pledge", "ready", "blinds-pledge"):
            if head.about is None:
                return "it names nothing that it pledges or confirms"
        elif head.about != self.basis(head.application, head.kind, head.party):
            return "it rests on other messages than those that were accepted here"
        if head.kind in ("keys", "blinds"):
            pledge = self.get(head.application, "pledge" if head.kind == "keys" else "blinds-pledge", head.party)
            if pledge is None or pledge.head.about != pledge_kept(head):
                return f"its parts are not the {head.kind} that it pledged before it saw the others'"
        if head.kind == "blinds-pledge" and not _PLEDGED_SUMS.fullmatch(head.said):
            return f"it does not pledge what opens the what-ifs of {TOGETHER} applications"
        if head.kind == "decision" and head.said not in (APPROVED, DENIED):
            return f"it says neither {APPROVED} nor {DENIED}"
        if head.kind in _AGREED:
            for other in PARTIES:
                theirs = self.get(head.application, head.kind, other)
                if theirs is not None and (theirs.head.about, theirs.head.said) != (head.about, head.said):
                    return f"it says otherwise than {other}'s"
        return None


def _senders(kind: Kind) -> tuple[str, ...]:
    if kind == "agreement":
        return (APPLICANT,)
    return (SERVER,) if kind == "evaluated" else PARTIES


def blamed(refusal: EngineRefusal, kind: str) -> Refused:
    """Return a refusal of a part as one of its message: the engine names parts by their party's place, as `share-1`."""
    found = re.search(r"\b([a-z]+)-([0-2])\b", str(refusal))
    party = PARTIES[int(found[2])] if found else "one of the three"
    told = str(refusal) if found is None else str(refusal).replace(found[0], found[1])
    return Refused(party, kind, told)


def no_input(refused: Refused) -> str:
    """Return what ends an application of which an input is no ciphertext."""
    return f"an input is none: {refused.why}; it is that of {refused.party}"


def _digest_of(messages: list[Message]) -> str:
    return hashlib.sha256("".join(message.digest for message in messages).encode()).hexdigest()
