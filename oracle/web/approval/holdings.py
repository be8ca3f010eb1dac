"""Who holds what, drawn from the accepted messages alone: each of the four, and what it can read of what it holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from oracle.approval.fields import PARTIES
from oracle.approval.transcript import SERVER
from oracle.web.approval.record import Record, Seen
from oracle.web.approval.words import listed

Sort = Literal["clear", "secret", "sealed", "public"]
SORTS: Final[dict[Sort, str]] = {
    "clear": "in the clear",
    "secret": "secret, its own",
    "sealed": "encrypted: it cannot read it",
    "public": "public",
}
HOLDERS: Final = (*PARTIES, SERVER)
NEVER: Final = {
    "applicant": "never sees what bank and agency answered",
    "bank": "never sees what applicant and agency answered",
    "agency": "never sees what applicant and bank answered",
    "server": "never sees an answer or a share, nor a decision before all three have said it",
}


@dataclass(frozen=True)
class Holding:
    """Something that somebody holds; `fresh` where the newest message brought it, `parties` whose it is."""

    sort: Sort
    text: str
    size: int | None = None
    fresh: bool = False
    parties: tuple[str, ...] = ()


class _Drawn:
    def __init__(self) -> None:
        self.held: dict[str, dict[str, Holding]] = {holder: {} for holder in HOLDERS}

    def put(self, holders: Iterable[str], key: str, holding: Holding) -> None:
        for holder in holders:
            self.held[holder][key] = holding


def holdings(record: Record, application: int | None, filled: Iterable[str]) -> dict[str, list[Holding]]:
    """Return what each of the four holds now; `filled` are those who have answered application's form."""
    drawn = _Drawn()
    newest = record.seen[-1] if record.seen else None
    _keys(drawn, record, newest)
    for party in filled:
        drawn.put([party], "form", Holding("clear", "its own answers", parties=(party,)))
    if application is not None:
        _inputs(drawn, record, application, newest)
        for opening in ("decision", "whatifs"):
            _opening(drawn, record, application, opening, newest)
    return {holder: list(found.values()) for holder, found in drawn.held.items()}


def _keys(drawn: _Drawn, record: Record, newest: Seen | None) -> None:
    keys, products, ready = (record.of(0, kind) for kind in ("keys", "product", "ready"))
    for one in keys:
        drawn.put([one.party], "share", Holding("secret", "a third of the key", None, one is newest, (one.party,)))
    if parts := [*keys, *products]:
        senders = tuple(dict.fromkeys(one.party for one in parts))
        text = f"public parts of the keys, of {listed(senders)}"
        size = sum(one.size for one in parts)
        drawn.put([SERVER], "parts", Holding("public", text, size, newest in parts, senders))
    if not ready:
        return
    # The joint keys are as large as one party's parts of them: sums, coefficient by coefficient.
    sizes = {piece.name: piece.size for one in parts for piece in one.pieces}
    joint = sum(sizes.get(name, 0) for name in ("public", "product", "rotations"))
    for one in ready:
        drawn.put([one.party], "joint", Holding("public", "the joint public and evaluation keys", joint, one is newest))
    fresh = ready[0] is newest
    drawn.put([SERVER], "joint", Holding("public", "the joint public and evaluation keys", joint, fresh))


def _inputs(drawn: _Drawn, record: Record, application: int, newest: Seen | None) -> None:
    inputs = record.of(application, "input")
    for holder in HOLDERS:
        if theirs := [one for one in inputs if one.party != holder]:
            senders = tuple(one.party for one in theirs)
            size, fresh = sum(one.size for one in theirs), newest in theirs
            drawn.put([holder], "inputs", Holding("sealed", f"answers of {listed(senders)}", size, fresh, senders))
    evaluated = record.find(application, "evaluated", SERVER)
    if evaluated is not None:
        text, fresh = "the decision and the what-ifs", evaluated is newest
        drawn.put(HOLDERS, "result", Holding("sealed", text, evaluated.size, fresh))


def _opening(drawn: _Drawn, record: Record, application: int, opening: str, newest: Seen | None) -> None:
    decision = opening == "decision"
    shares = record.of(application, "decision-share" if decision else "whatifs-share")
    if shares:
        senders = tuple(one.party for one in shares)
        of = "the decision" if decision else "the what-ifs"
        text = f"shares of {of}, {len(shares)} of 3: {listed(senders)}"
        size, fresh = sum(one.size for one in shares), newest in shares
        drawn.put(HOLDERS, f"{opening}-shares", Holding("sealed", text, size, fresh, senders))
    opened = record.of(application, "decision" if decision else "whatifs")
    for one in opened:
        # Opened, they have done their work.
        drawn.held[one.party].pop(f"{opening}-shares", None)
        text = f"the decision: {one.said}" if decision else "the what-ifs"
        drawn.put([one.party], opening, Holding("clear", text, None, one is newest))
    if len(opened) == len(PARTIES):
        text = f"the decision, as all three say: {opened[0].said}" if decision else "the what-ifs, as all three say"
        drawn.put([SERVER], opening, Holding("clear", text, None, newest in opened))
