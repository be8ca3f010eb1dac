"""A fleet on this machine: a Dask scheduler and provers as processes of their own, on loopback."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from oracle.devnet.machinery.anvil import free_port
from oracle.processes import Child, start, wait_until

_SECONDS = 120.0


@dataclass
class Machines:
    """The scheduler at `address`, and whatever provers were started for it with `options`."""

    folder: Path
    address: str
    scheduler: Child
    options: Sequence[str]
    provers: list[Child] = field(default_factory=list)

    def add(self, keys: Path) -> Child:
        """Start a prover with these keys and return it when the scheduler has taken it."""
        program = str(Path(sys.executable).with_name("risk-oracle"))
        words = ["prover", "serve", "--scheduler", self.address, "--keys", str(keys), *self.options]
        child = start("a prover", [program, *words], self.folder / f"prover-{len(self.provers)}.log")
        self.provers.append(child)
        wait_until(lambda: "are made here for" in child.log.read_text(), child, _SECONDS)
        return child


@contextmanager
def machines(
    folder: Path, *, scheme: str = "tcp", of_scheduler: Sequence[str] = (), of_provers: Sequence[str] = ()
) -> Iterator[Machines]:
    """Give a scheduler without provers."""
    port = free_port()
    words = ["--host", f"{scheme}://127.0.0.1", "--port", str(port), "--no-dashboard", *of_scheduler]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *words]
    scheduler = start("the scheduler", command, folder / "scheduler.log")
    running = Machines(folder, f"{scheme}://127.0.0.1:{port}", scheduler, of_provers)
    try:
        wait_until(lambda: "Scheduler at" in scheduler.log.read_text(), scheduler, _SECONDS)
        yield running
    finally:
        for child in (*running.provers, scheduler):
            child.stop(timeout_seconds=5)
