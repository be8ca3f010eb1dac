"""The engine's loop: a frame in, a frame out, until its party closes the pipe."""

from __future__ import annotations

import os
import sys
from typing import Any

from . import frames
from .objects import BadObject
from .work import Refusal, Work


def main() -> int:
    """Follow orders from standard input; a frame that is none ends the process."""
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not stand between frames.
    os.dup2(2, 1)
    work = Work()
    _answer(answers, {"ready": True}, {})
    while True:
        try:
            frame = frames.read(sys.stdin.buffer)
        except frames.BadFrame as error:
            sys.stderr.write(f"the party's frame is none: {error}\n")
            return 1
        if frame is None:
            return 0
        head, parts = frame
        try:
            fields, made = work.do(str(head.get("order")), head, parts)
        except (Refusal, BadObject) as refusal:
            _answer(answers, {"refused": str(refusal)}, {})
        else:
            _answer(answers, fields, made)


def _answer(stream: Any, fields: dict[str, Any], parts: frames.Parts) -> None:
    for piece in frames.encode(fields, parts):
        stream.write(piece)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
