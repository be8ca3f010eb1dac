"""The engine as its party sees it: a process of its own on the Python that `openfhe` fits, one order at a time."""

import asyncio
import contextlib
import fcntl
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from oracle.approval.engine import frames
from oracle.approval.engine.frames import BadFrame, Parts
from oracle.approval.errors import EngineFault, EngineMissing, EngineRefusal

DEFAULT_PYTHON: Final = Path("build/approval-python/bin/python")
"""Where `make approval-python` puts the engine's Python."""

_START: Final = (
    "import runpy, sys; sys.path.append(sys.argv[1]); runpy.run_module('engine', run_name='__main__', alter_sys=True)"
)
_PACKAGE: Final = Path(__file__).parent
_PIPE_BYTES: Final = 1 << 20
_LAST_WORDS: Final = 2_000


def engine_python(named: Path | None = None) -> Path:
    """Return the engine's Python; raises EngineMissing, which says how to get one."""
    python = named or DEFAULT_PYTHON
    # Absolute, never resolved: the link in a virtual environment is what makes it one.
    if os.access(python, os.X_OK):
        return python.absolute()
    raise EngineMissing(
        f"{python} is not there: `make approval-python` makes it where a Python 3.10 is found "
        "(on a system with GCC 13's libstdc++ also 3.12); openfhe has a module for no other"
    )


class Engine:
    """One engine process; use it as an async context manager.

    What it refuses raises EngineRefusal and leaves it as it was. A process that dies raises EngineFault; so does every
    order after it. `threads` bounds what OpenMP takes.
    """

    def __init__(self, python: Path, log: Path, *, threads: int = 1) -> None:
        self._python = python
        self._log = log
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def pid(self) -> int:
        """The process id; only while it runs."""
        return self._running().pid

    async def __aenter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._process = await asyncio.to_thread(self._start)
        try:
            await self._exchange("ready", None)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    async def order(self, name: str, parts: Parts, fields: Mapping[str, Any] | None = None) -> Parts:
        """Give an order and return what it made; raises EngineRefusal or EngineFault.

        Cancelled, it ends the process: what would come then is nobody's answer.
        """
        async with self._one_at_a_time:
            head, made = await self._exchange(name, frames.encode({**(fields or {}), "order": name}, parts))
        if "refused" in head:
            raise EngineRefusal(str(head["refused"]))
        return made

    async def _exchange(self, name: str, pieces: list[bytes] | None) -> tuple[dict[str, Any], Parts]:
        try:
            return await asyncio.to_thread(_ask, self._running(), pieces)
        except (OSError, BadFrame) as error:
            await self.close()
            raise EngineFault(f"the engine died at {name}: {self._last_words()}") from error
        except asyncio.CancelledError:
            await self.close()
            raise

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            raise EngineFault(f"the engine is gone: {self._last_words()}")
        return self._process

    def _start(self) -> "subprocess.Popen[bytes]":
        # Nothing of our environment is the engine's business; secrets may stand in it.
        environment = {"OMP_NUM_THREADS": str(self._threads), "PATH": os.environ.get("PATH", os.defpath)}
        command = [os.fspath(self._python), "-I", "-c", _START, os.fspath(_PACKAGE)]
        with self._log.open("ab") as log:
            try:
                process = subprocess.Popen(  # noqa: S603 - the engine, on the Python that the operator named
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
                )
            except OSError as error:
                raise EngineFault(f"the engine's Python {self._python} cannot be run: {error}") from error
        for pipe in (process.stdin, process.stdout):
            # A joint key is 77 MB: in steps of the usual 64 KB both sides would wait for each other over and over.
            if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return process

    def _last_words(self) -> str:
        try:
            return self._log.read_text(errors="replace")[-_LAST_WORDS:].strip() or "it said nothing"
        except OSError as error:
            return f"its log cannot be read: {error}"


def _ask(process: "subprocess.Popen[bytes]", pieces: list[bytes] | None) -> tuple[dict[str, Any], Parts]:
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise BadFrame("the engine has no pipes")
    for piece in pieces or ():
        stdin.write(piece)
    stdin.flush()
    frame = frames.read(stdout)
    if frame is None:
        raise BadFrame("the engine closed its pipe")
    return frame
