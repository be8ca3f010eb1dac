"""Frames between a party and its engine: a JSON head and named byte parts, each with its length before it.

    frame = "AFE1" | u32 size of head | head | for each part of the head: u32 size | bytes

The head is an object of JSON with `parts`, the names in order. Numbers are big-endian. Nothing is pickled, nothing in
a frame is ever run. It is read by both sides, so it stays within Python 3.10.
"""

from __future__ import annotations

import json
from typing import IO, Any, Final

MAGIC: Final = b"AFE1"
MOST_HEAD_BYTES: Final = 1 << 20
MOST_PART_BYTES: Final = 256 << 20
MOST_PARTS: Final = 64

Parts = dict[str, bytes]


class BadFrame(ValueError):
    """What came is not a frame: its text says which part."""


def encode(head: dict[str, Any], parts: Parts) -> list[bytes]:
    """Return a frame as the pieces to write one after another."""
    text = json.dumps({**head, "parts": list(parts)}, separators=(",", ":"), allow_nan=False).encode()
    if len(text) > MOST_HEAD_BYTES or len(parts) > MOST_PARTS:
        raise BadFrame(f"a head of {len(text)} bytes and {len(parts)} parts is more than a frame holds")
    pieces = [MAGIC, _size(len(text)), text]
    for name, part in parts.items():
        if len(part) > MOST_PART_BYTES:
            raise BadFrame(f"part {name} has {len(part)} bytes, more than {MOST_PART_BYTES}")
        pieces += [_size(len(part)), part]
    return pieces


def parse_head(text: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return a head without its parts' names, and these; raises BadFrame."""
    try:
        head = json.loads(text)
    except ValueError as error:
        raise BadFrame("the head is not JSON") from error
    names = head.pop("parts", None) if isinstance(head, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadFrame("the head is no object with a list of parts")
    if len(names) > MOST_PARTS or len(set(names)) != len(names):
        raise BadFrame(f"{len(names)} parts, of which {len(set(names))} differ: at most {MOST_PARTS}, each once")
    return head, names


def checked_size(raw: bytes, most: int, what: str) -> int:
    """Return a size of four bytes; raises BadFrame over `most`."""
    size = int.from_bytes(raw, "big")
    if size > most:
        raise BadFrame(f"{what} claims {size} bytes, more than {most}")
    return size


def read(stream: IO[bytes]) -> tuple[dict[str, Any], Parts] | None:
    """Return the next frame, or None at the end of the stream; raises BadFrame for anything else."""
    magic = stream.read(len(MAGIC))
    if not magic:
        return None
    if magic != MAGIC:
        raise BadFrame(f"a frame begins with {MAGIC!r}, this with {magic!r}")
    head, names = parse_head(_exactly(stream, checked_size(_exactly(stream, 4), MOST_HEAD_BYTES, "the head")))
    return head, {
        name: _exactly(stream, checked_size(_exactly(stream, 4), MOST_PART_BYTES, f"part {name}")) for name in names
    }


def _exactly(stream: IO[bytes], size: int) -> bytes:
    found = stream.read(size)
    if len(found) != size:
        raise BadFrame(f"the stream ended {size - len(found)} bytes too early")
    return found


def _size(size: int) -> bytes:
    return size.to_bytes(4, "big")
