"""Child processes that never outlive their parent, however the parent ends."""

import atexit
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from oracle.assessment.errors import OracleError

_PR_SET_PDEATHSIG: Final = 1
_STOP_SECONDS: Final = 8.0
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_running: set["Child"] = set()


class ProgramError(OracleError):
    """A program that is needed is missing, did not start, or refused an order; its text says what to do."""


class Child:
    """One running program in its own process group, its output in a file.

    On Linux the kernel signals it when the thread that started it dies, so start children from the main thread.
    """

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", log: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self.log = log
        self._process = process
        self._stop_signal = stop_signal
        _running.add(self)

    @property
    def pid(self) -> int:
        """The process id, which is its group's id as well."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not exited yet."""
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit code (negative: the signal), or None while it runs."""
        return self._process.poll()

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group; a group that is gone already is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def wait(self, timeout_seconds: float) -> int:
        """Return the exit code; raises subprocess.TimeoutExpired."""
        code = self._process.wait(timeout_seconds)
        _running.discard(self)
        return code

    def stop(self, timeout_seconds: float = _STOP_SECONDS) -> None:
        """End the group: its stop signal first, SIGKILL when that takes longer than `timeout_seconds`."""
        if self.running:
            self.signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_seconds)
        # Also after a clean exit: a grandchild may have stayed behind in the group.
        self.signal(signal.SIGKILL)
        self._process.wait()
        _running.discard(self)


def start(
    name: str,
    command: Sequence[str | os.PathLike[str]],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    uid: int | None = None,
    gid: int | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a program; its output goes to `log`, and `stop_signal` is also what the kernel sends if we die.

    `uid` and `gid` run it as another user (only root may). Raises ProgramError when it cannot be executed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                [os.fspath(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                process_group=0,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
                preexec_fn=_die_with(os.getpid(), stop_signal),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ProgramError(f"{name}: cannot execute {os.fspath(command[0])}: {error}") from error
    return Child(name, process, log, stop_signal)


def wait_until(ready: Callable[[], bool], child: Child, timeout_seconds: float, poll_seconds: float = 0.02) -> None:
    """Return once `ready()` is true; raises ProgramError, with the program's last words, if it exits or is too slow."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if not child.running:
            raise ProgramError(f"{child.name} exited with code {child.returncode} before it was ready:\n{child.tail()}")
        if time.monotonic() > deadline:
            raise ProgramError(f"{child.name} was not ready within {timeout_seconds:g} s:\n{child.tail()}")
        time.sleep(poll_seconds)


def _die_with(parent: int, number: signal.Signals) -> Callable[[], None] | None:
    if _LIBC is None:
        return None
    prctl = _LIBC.prctl

    def arm() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        # The parent may have died between fork and prctl; then nobody would send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return arm


@atexit.register
def _stop_all() -> None:
    for child in tuple(_running):
        child.stop(timeout_seconds=2.0)
