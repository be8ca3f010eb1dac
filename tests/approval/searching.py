"""Looks for known values in what a process holds in memory and on its disk."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from oracle.approval.fields import PARTIES, Answer
from oracle.approval.identity import Identity
from oracle.approval.layout import LANES, Layout
from oracle.approval.messages import read
from oracle.approval.transcript import SERVER, Transcript
from oracle.approval.vault import Vault
from tests.support.approval_processes import Processes
from tests.support.lane import ANSWERS

RARE: dict[str, dict[str, Answer]] = {
    "applicant": {**ANSWERS["applicant"], "annual_income": 271_828.1828},
    "bank": {"account_months": 10.35791113},
    "agency": {"employed": True, "years_employed": 9.31415926},
}
"""Answers whose numbers stand nowhere else by chance."""

_MOST_AT_ONCE = 64 << 20
_OVERLAP = 64
_PAGE = 4_096


def found_in(raw: bytes, known: np.ndarray) -> int:
    """Return how many of the known 64-bit words begin anywhere in these bytes."""
    padded = np.frombuffer(raw + bytes(16), dtype=np.uint8)
    begins, follows = np.zeros(1 << 16, dtype=bool), np.zeros(1 << 16, dtype=bool)
    begins[known & np.uint64(0xFFFF)] = True
    follows[known >> np.uint64(16) & np.uint64(0xFFFF)] = True
    count = 0
    for odd in (0, 1):
        pairs = padded[odd : odd + (len(padded) - odd) // 2 * 2].view("<u2")
        # A word's first two bytes, and then its next two: few places are left to look at whole.
        places = np.flatnonzero(begins[pairs[:-1]] & follows[pairs[1:]]) * 2 + odd
        places = places[places < len(raw)]
        words = padded[places[:, None] + np.arange(8)].copy().view("<u8")[:, 0] if len(places) else known[:0]
        count += int(np.isin(words, known).sum())
    return count


def memory_of(process: int) -> Iterator[bytes]:
    """Yield what a process may have written in its memory, in pieces that overlap; `process` is its id."""
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in span.split("-"))
            # Code and constants of libraries hold nobody's data.
            if not rights.startswith("rw"):
                continue
            place = begin
            while place < end:
                memory.seek(place)
                try:
                    found = memory.read(min(_MOST_AT_ONCE, end - place))
                except OSError:
                    found = b""
                yield found
                # What the kernel keeps for itself, a guard page: nobody can read it, and what follows it is read.
                place += _PAGE if not found else len(found) if place + len(found) >= end else len(found) - _OVERLAP


def known_words(world: Processes) -> tuple[np.ndarray, list[bytes]]:
    """Return 64-bit words of all key and decryption shares of a session, and the bytes of keys and answers.

    The last application's answers were RARE. A word is a share's residue: next to never anybody's number by chance.
    """
    session = world.session
    identities = {name: Identity.read(world.key(name)) for name in PARTIES}
    transcript = Transcript(session.id, session.model.digest)
    words: list[np.ndarray] = []
    for file in sorted((world.folder / SERVER).glob("*.message")):
        message = read(file.read_bytes(), session.roster)
        transcript.accept(message)
        head = message.head
        if head.kind == "keys":
            half = next(part.sha256 for part in head.parts if part.name == "public")
            vault = Vault(world.folder / head.party, session.id, head.party, identities[head.party])
            words.append(np.frombuffer(vault.share(half), "<u8")[::256])
        elif head.kind in ("decision-share", "whatifs-share"):
            bound = f"{session.id} {head.application} {head.kind} {head.party} {head.about}".encode()
            told = identities["bank"].unseal(message.parts[head.parts[0].name], bound, PARTIES.index("bank"))
            found = np.frombuffer(told, "<u8")
            words.append(found[::2_048] if head.kind == "decision-share" else found[found != 0])
        transcript.hold(message.announced())
    plain = [one.secret for one in identities.values()] + [one.secret.hex().encode() for one in identities.values()]
    layout = Layout(session.model)
    for party, answers in RARE.items():
        numbers = [value for value in answers.values() if isinstance(value, float)]
        plain += [struct.pack("<d", number) for number in numbers] + [str(number).encode() for number in numbers]
        row = layout.features(party, layout.model.levels_of(answers, party)[0])
        # A block's row of ones, as a party's engine is given it: from its first one to its last.
        ones = np.flatnonzero(row[:LANES])
        plain += [row[ones[0] : ones[-1] + 1].astype("<i8").tobytes()] if len(ones) > 2 else []
    return np.unique(np.concatenate(words)), plain
