"""How far a run is: a bar on a terminal, plain lines with seconds everywhere else."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars


class Progress:
    """Counts stages, and steps within the present one.

    `say` receives each line; without it lines go to standard output, below bars when that is a terminal.
    """

    def __init__(self, stages: int, say: Callable[[str], None] | None = None) -> None:
        self._started = time.monotonic()
        self._bars: Bars | None = None
        self._say = say or print
        if say is None and sys.stdout.isatty():
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bars = Bars(*columns, console=Console())
            self._say = self._bars.console.print
            self._all = self._bars.add_task("stages", total=stages)
            self._own = self._bars.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def say(self, line: str) -> None:
        """Tell a line, with the seconds since the start."""
        self._say(f"[{time.monotonic() - self._started:6.1f} s] {line}")

    def begin(self, name: str, steps: int) -> None:
        """A stage of so many steps begins."""
        if self._bars is not None:
            self._bars.update(self._own, description=name, total=steps, completed=0, visible=True)

    def step(self) -> None:
        """A step of the present stage is done."""
        if self._bars is not None:
            self._bars.advance(self._own)

    def finish(self, name: str, said: str) -> None:
        """A stage is done."""
        if self._bars is not None:
            self._bars.advance(self._all)
            self._bars.update(self._own, visible=False)
        self.say(f"{name}: {said}" if said else name)
