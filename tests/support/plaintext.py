"""Looks for passports in the clear: in a process's memory, and in files."""

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from oracle.passports.opening import Opening

_WIDTH = 8
_CHUNK = 1 << 24
_TABLE_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)


def forms(opening: Opening) -> Iterator[bytes]:
    """Yield how the values of an opening might lie anywhere: as JSON and other texts, and as arrays of integers."""
    encoded, salt = list(opening.encoded), list(opening.salt)
    for values in (encoded, salt):
        for text in (json.dumps(values), json.dumps(values, separators=(",", ":")), repr(tuple(values))):
            yield text.strip("[]()").encode()
        yield " ".join(map(str, values)).encode()
        yield ",".join(f'"{value}"' for value in values).encode()
    for kind in ("<H", ">H", "<I", ">I", "<q", ">q", "<f", "<d"):
        yield b"".join(struct.pack(kind, value) for value in encoded)
    for kind in ("<I", ">I", "<q", ">q", "<d"):
        yield b"".join(struct.pack(kind, value) for value in salt)
    yield b"".join(value.to_bytes(4, "big") for value in salt).hex().encode()
    # As EZKL writes field elements.
    yield from (value.to_bytes(32, "little").hex().encode() for value in salt)


class Needles:
    """Many byte strings that are looked for at once, each by the first eight bytes that say something."""

    def __init__(self, openings: Iterable[Opening]) -> None:
        self._needles: dict[int, list[bytes]] = {}
        self.count = 0
        for opening in openings:
            for form in forms(opening):
                head = int.from_bytes(form[:_WIDTH], "little")
                self._needles.setdefault(head, []).append(form)
                self.count += 1
        heads = np.array(list(self._needles), dtype=np.uint64)
        self._table = np.zeros(1 << _TABLE_BITS, dtype=bool)
        self._table[(heads * _MIX) >> np.uint64(64 - _TABLE_BITS)] = True

    def found_in(self, content: bytes) -> list[bytes]:
        """Return the needles that a piece of memory or of a file holds."""
        if len(content) < _WIDTH:
            return []
        found = []
        for shift in range(_WIDTH):
            count = (len(content) - shift) // _WIDTH
            words = np.frombuffer(content, dtype="<u8", count=count, offset=shift)
            for place in np.flatnonzero(self._table[(words * _MIX) >> np.uint64(64 - _TABLE_BITS)]):
                start = int(place) * _WIDTH + shift
                for needle in self._needles.get(int(words[place]), ()):
                    if content.startswith(needle, start):
                        found.append(needle)
        return found

    def in_files(self, folders: Iterable[Path]) -> tuple[list[str], int]:
        """Return where needles are in the files below folders, and how many bytes were looked at."""
        hits, size = [], 0
        for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
            content = path.read_bytes()
            size += len(content)
            hits += [f"{path}: {needle[:24]!r}" for needle in self.found_in(content)]
        return hits, size

    def in_process(self, pid: int) -> tuple[list[str], int]:
        """Return where needles are in what a process may write, and how many bytes were looked at."""
        hits, size = [], 0
        with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
            for begin, end in _writable(pid):
                for start in range(begin, end, _CHUNK):
                    try:
                        memory.seek(start)
                        # An overlap, for what lies across two pieces.
                        content = memory.read(min(_CHUNK + 4_096, end - start))
                    except OSError:
                        break  # given back meanwhile, or never touched
                    size += len(content)
                    hits += [f"{start:x}: {needle[:24]!r}" for needle in self.found_in(content)]
        return hits, size


def _writable(pid: int) -> Iterator[tuple[int, int]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        place, mode, *_ = line.split()
        if mode.startswith("rw") and "[v" not in line:
            begin, _, end = place.partition("-")
            yield int(begin, 16), int(end, 16)
