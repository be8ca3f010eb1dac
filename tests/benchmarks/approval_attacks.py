"""Bad messages and bad shares by the hundred: each is tried at the moment at which a good one would be accepted."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.approval.errors import EngineRefusal, Refused, Unopened
from oracle.approval.evaluation import Evaluator
from oracle.approval.fields import PARTIES
from oracle.approval.messages import MOST_BYTES, Head, Message, compose, read
from oracle.approval.transcript import SERVER, Transcript
from tests.support.lane import Lane

_OTHER = "e" * 64
_CLAIMED = ("product", "ready", "input", "decision-share", "decision", "whatifs-share", "whatifs", "evaluated")


@dataclass
class Tried:
    """How many bad ones were tried, and how many of them were taken."""

    tried: int = 0
    accepted: int = 0


async def attack(lane: Lane, most_bytes: int = MOST_BYTES) -> Tried:
    """Return what came of bad messages, before each message of the lane's session, and of bad shares at a fusion.

    Messages of more than `most_bytes` are taken as they are: spoiling keys in forty ways takes its time.
    """
    found = Tried()
    fresh = Transcript(lane.session, lane.layout.model.digest)
    for message in lane.board.transcript.messages:
        good = read(message.raw, lane.roster)
        # An abort is anybody's, upon anything: what is spoiled of it may be another good one.
        spared = len(message.raw) > most_bytes or message.head.kind == "abort"
        for raw in () if spared else _bad(lane, fresh, good):
            found.tried += 1
            try:
                fresh.accept(read(raw, lane.roster))
            except Refused:
                continue
            found.accepted += 1
        fresh.accept(good)
    await _bad_shares(lane, found)
    return found


def _bad(lane: Lane, fresh: Transcript, good: Message) -> Iterator[bytes]:
    raw, head = good.raw, good.head
    begin = 8 + int.from_bytes(raw[4:8], "big")
    parts_begin, length = begin + 64, len(raw)
    places = {0, 4, 7, 8, begin // 2, begin - 1, begin, begin + 63}
    places |= {parts_begin, (parts_begin + length) // 2, length - 1} if length > parts_begin else set()
    for place in sorted(places):
        for bit in (0, 5):
            bent = bytearray(raw)
            bent[place] ^= 1 << bit
            yield bytes(bent)
    yield from (raw[:-1], raw[: length // 2], raw + b"\0", b"")
    # Another signs in its name.
    for other, identity in lane.identities.items():
        if other != head.party:
            yield compose(identity, head, good.parts).raw
    own = lane.identities[head.party]
    for changes in _changes(fresh, head):
        yield compose(own, head.model_copy(update=changes), good.parts).raw
    for name, part in good.parts.items():
        yield compose(own, head, {**good.parts, name: part[:-8]}).raw
        yield compose(own, head, {other: raw for other, raw in good.parts.items() if other != name}).raw
    yield compose(own, head, {**good.parts, "more": b"1"}).raw
    # What was accepted before, again.
    yield from (old.raw for old in fresh.messages[-3:])


def _changes(fresh: Transcript, head: Head) -> Iterator[dict[str, Any]]:
    yield {"session": "e" * 32}
    yield {"model": _OTHER}
    yield {"application": head.application + 7}
    # Which joint key is right the first to be ready says; that the next two say so too is the rule. What is pledged its
    # party alone knows, until it sends its keys.
    if head.kind not in ("pledge", "blinds-pledge") and (
        head.kind != "ready" or fresh.get(0, "ready", PARTIES[0]) is not None
    ):
        yield {"about": _OTHER}
    if head.kind in ("decision", "whatifs") and fresh.get(head.application, head.kind, PARTIES[0]) is not None:
        yield {"said": "approved" if head.said == "denied" else "denied"}
    for kind in _CLAIMED:
        if kind != head.kind:
            yield {"kind": kind}


async def _bad_shares(lane: Lane, found: Tried) -> None:
    known = lane.board.transcript
    inputs, blinds = known.all_of(1, "input") or [], known.blinds_of(1) or []
    shares = {}
    for place, party in enumerate(PARTIES):
        made = await Evaluator(lane.engines[party], lane.layout).evaluate(1, blinds, inputs, keep=True)
        about = hashlib.sha256(made["result"]).hexdigest()
        given = await lane.engines[party].order("share", {}, {"result": about, "lead": place == 0})
        shares[f"share-{place}"] = given["share"]
        await lane.engines[party].order("forget", {})
    drawn = np.random.default_rng(1)
    for name, share in shares.items():
        numbers = np.frombuffer(share, "<u8")
        bent = [np.roll(numbers, 1), numbers[::-1], np.zeros_like(numbers), numbers[:-1]]
        for _ in range(8):
            one = numbers.copy()
            one[drawn.integers(len(one))] ^= np.uint64(1) << np.uint64(drawn.integers(59))
            bent.append(one)
        for bad in [one.astype("<u8").tobytes() for one in bent] + [shares["share-0"], shares["share-1"]]:
            if bad == share:
                continue
            found.tried += 1
            try:
                slots = np.frombuffer((await lane.engines[SERVER].order("fuse", {**shares, name: bad}))["slots"], "<i8")
                lane.layout.sums(slots, 1)
            except (EngineRefusal, Unopened):
                continue
            found.accepted += 1
