"""How much memory a program took, with everything that it started."""

from pathlib import Path

import psutil


def peak_memory_mb(pid: int) -> float:
    """Return the sum of the largest resident sizes that a process and its descendants had so far, in megabytes."""
    process = psutil.Process(pid)
    total = 0
    for member in (process, *process.children(recursive=True)):
        status = Path(f"/proc/{member.pid}/status").read_text()
        total += next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return total / 1024
