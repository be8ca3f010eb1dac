"""Children of the local stack end with their parent, however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from oracle.processes import ProgramError, start, wait_until

# What a shell starts in the background ignores SIGINT, and so do its children: these are to hear it.
_HEARS_SIGINT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""

_PARENT = (
    _HEARS_SIGINT
    + """
import sys, time
from pathlib import Path
from oracle.processes import start
child = start("sleeper", ["sleep", "60"], Path(sys.argv[1]))
print(child.pid, flush=True)
if sys.argv[2] == "fail":
    raise SystemExit("failed half-way")
time.sleep(60)
"""
)

_STACK = (
    _HEARS_SIGINT
    + """
import asyncio, sys
from pathlib import Path
from oracle.devnet.machinery.anvil import Anvil
from oracle.store.embedded import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]) / "data", durable=False)
    async with server, Anvil() as chain:
        print(server.pid, chain.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
)


def _parent(tmp_path: Path, mode: str) -> tuple["subprocess.Popen[str]", int]:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "child.log"), mode]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


def _is_alive(pid: int) -> bool:
    try:
        # A zombie that its new parent has not collected yet is dead.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not _is_alive(pid):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_child__when_parent_is_signalled__then_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    parent, child = _parent(tmp_path, "wait")
    assert _is_alive(child)
    parent.send_signal(number)
    parent.wait(60)
    assert _gone_within(child, 30)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_postgres_and_anvil__when_parent_is_signalled__then_both_end(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _STACK, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert [_is_alive(pid) for pid in children] == [True, True]
    parent.send_signal(number)
    parent.wait(60)
    assert all(_gone_within(pid, 30) for pid in children)


def test_child__when_parent_fails__then_it_ends(tmp_path: Path) -> None:
    parent, child = _parent(tmp_path, "fail")
    assert parent.wait(60) == 1
    assert _gone_within(child, 30)


def test_stop__when_child_ignores_its_signal__then_it_is_killed(tmp_path: Path) -> None:
    child = start("stubborn", ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"], tmp_path / "log")
    wait_until(lambda: "ready" in child.tail(), child, 30)
    child.stop(timeout_seconds=0.3)
    assert child.returncode == -signal.SIGKILL


def test_stop__when_child_has_children__then_the_whole_group_ends(tmp_path: Path) -> None:
    child = start("family", ["sh", "-c", "sleep 60 & echo $!; wait"], tmp_path / "log")
    wait_until(lambda: bool(child.tail()), child, 30)
    grandchild = int(child.tail())
    child.stop()
    assert _gone_within(grandchild, 30)


def test_wait_until__when_child_exits_first__then_error_quotes_its_output(tmp_path: Path) -> None:
    child = start("broken", ["sh", "-c", "echo no such luck; exit 3"], tmp_path / "log")
    with pytest.raises(ProgramError, match=r"broken exited with code 3(?s:.*)no such luck"):
        wait_until(lambda: False, child, 30)


def test_wait_until__when_child_is_slow__then_error_says_so(tmp_path: Path) -> None:
    child = start("slow", ["sleep", "60"], tmp_path / "log")
    with pytest.raises(ProgramError, match=r"slow was not ready within 0\.1 s"):
        wait_until(lambda: False, child, 0.1)
    child.stop()


def test_start__when_program_is_missing__then_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="/no/such/program"):
        start("ghost", ["/no/such/program"], tmp_path / "log")


def test_signal__when_child_is_gone__then_nothing_happens(tmp_path: Path) -> None:
    child = start("short", ["true"], tmp_path / "log")
    assert child.wait(30) == 0
    child.signal(signal.SIGTERM)
