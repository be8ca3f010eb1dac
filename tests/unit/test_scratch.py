"""Scratch folders: private, removed by their owner, and by the next one when their owner was killed."""

import signal
import subprocess
import sys
from pathlib import Path

from oracle.scratch import ScratchFolder

_OWNER = """
import sys, time
from oracle.scratch import ScratchFolder
mine = ScratchFolder("left-", sys.argv[1])
print(mine.path, flush=True)
time.sleep(600)
"""


def test_folder__is_private_and_goes_when_removed(tmp_path: Path) -> None:
    folder = ScratchFolder("own-", str(tmp_path))
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "file").write_text("x")
    folder.remove()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_folder__whose_owner_was_killed__goes_when_the_next_is_made_and_not_while_it_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        left = Path(owner.stdout.readline().strip())
        (left / "states").write_text("large")
        ScratchFolder("left-", str(tmp_path)).remove()
        assert (left / "states").read_text() == "large"
        owner.send_signal(signal.SIGKILL)
    ScratchFolder("left-", str(tmp_path)).remove()
    assert not left.exists()


def test_folder_of_that_name_that_another_program_made__stays(tmp_path: Path) -> None:
    (tmp_path / "own-another").mkdir()
    ScratchFolder("own-", str(tmp_path)).remove()
    assert (tmp_path / "own-another").is_dir()
