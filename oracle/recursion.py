"""How deep strangers' JSON is followed, whatever a library set for the whole process."""

import contextlib
import sys
from typing import Final

DEEPEST: Final = 4_000


def bound() -> None:
    """Set the limit of recursion, for good.

    One library raises it to 100,000 when it is imported: a deeply nested text would then end the process, where it
    should be an error. It is imported here, before the limit is set, since it does so the first time alone.
    """
    with contextlib.suppress(ImportError):
        import py_ecc  # noqa: F401
    sys.setrecursionlimit(DEEPEST)
