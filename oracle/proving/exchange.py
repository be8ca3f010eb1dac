"""A key folder is made beside the old one and takes its place when it is whole: a failed run leaves what was there."""

import contextlib
import ctypes
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from oracle.proving.errors import KeysFault

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, on the same file system, that is gone afterwards, also after a failure."""
    staging = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        staging.mkdir()
    except OSError as error:
        raise KeysFault(f"cannot write in {folder.parent} ({error.strerror}): name another folder") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def exchange(staging: Path, folder: Path, last: str) -> None:
    """Put what is in `staging` in the place of `folder`, in one step where the system can.

    Where it cannot (a mount, some layered file systems), file by file, and the one called `last` as the last.
    """
    if not folder.exists():
        staging.rename(folder)
        return
    before = folder.stat()
    staging.chmod(stat.S_IMODE(before.st_mode))
    with contextlib.suppress(PermissionError):  # only root gives folders away
        os.chown(staging, before.st_uid, before.st_gid)
    if _swap(staging, folder):
        return
    (folder / last).unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda one: one.name == last):
        shutil.move(path, folder / path.name)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two folders atomically (Linux's renameat2); False where that is not to be had."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done: int = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return done == 0


def _remove_leftovers(folder: Path) -> None:
    """Remove what runs that were killed left beside a folder."""
    for path in folder.parent.glob(f".{folder.name}.new-*"):
        pid = path.name.rpartition("-")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not Path("/proc", pid).exists()):
            shutil.rmtree(path, ignore_errors=True)
