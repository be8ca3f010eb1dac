"""Temporary folders that do not outlive their owner, however it ends: what a killed process left, the next one removes.

The owner holds a lock on a file in its folder, which the kernel lets go of with the process. A process number would
not do: it is used again, and means another process where containers share the temporary folder.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LOCK: Final = ".owned"
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - for private folders of our own


def memory_folder() -> Path:
    """Return where files live in memory alone, so that no disk ever holds them: the temporary folder where nowhere."""
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())


class ScratchFolder:
    """A new private folder named by `prefix`, in `parent` or the system's temporary folder; `remove` ends it.

    Folders of that prefix whose owner is gone are removed first. Raises OSError when none can be made.
    """

    def __init__(self, prefix: str, parent: str | None = None) -> None:
        base = Path(parent or tempfile.gettempdir())
        for left in base.glob(f"{prefix}*"):
            _remove_if_left(left)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=base))
            self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            if _locked(self._lock):
                return
            os.close(self._lock)  # one that cleans up came between the file and its lock, and removes it

    def remove(self) -> None:
        """Remove it with all that is in it; a second time does nothing."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1


def _remove_if_left(folder: Path) -> None:
    # Without the file it is another program's, or just being made.
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError), _opened(folder / _LOCK) as lock:
        if _locked(lock):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
