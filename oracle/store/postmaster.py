"""Which Postgres runs on a data folder, told by the file that the server keeps in it."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from oracle.processes import ProgramError

_FILE: Final = "postmaster.pid"
# Lines of that file: process id, data folder, start time, port, folder of the Unix socket, …
_PORT_LINE, _SOCKET_LINE = 3, 4
_POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server's process, and where it listens."""

    pid: int
    socket_dir: str
    port: str

    def wait(self, libpq_url: str, timeout_seconds: float) -> None:
        """Return once it answers; raises ProgramError when it does not, or does not let us in."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                with psycopg.connect(libpq_url, connect_timeout=2):
                    return
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or "ermission denied" in str(error) or not _runs(self.pid):
                    raise ProgramError(
                        f"the Postgres of process {self.pid} does not let this command in ({str(error).strip()}): "
                        "run it as the user that runs the daemon"
                    ) from error
            time.sleep(_POLL_SECONDS)


def running(data_dir: Path) -> Postmaster | None:
    """Return the server that runs on a data folder; None when there is none, also after a crash left its file.

    Raises ProgramError for a folder of another user.
    """
    try:
        lines = (data_dir / _FILE).read_text().splitlines()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ProgramError(f"{data_dir} belongs to another user: run this as the user that runs the daemon") from error
    if len(lines) <= _SOCKET_LINE or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    return Postmaster(pid, lines[_SOCKET_LINE].strip(), lines[_PORT_LINE].strip()) if _runs(pid) else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's, and so alive
    # A number is used again: after a crash it may be anybody's.
    name = Path(f"/proc/{pid}/comm")
    return name.read_text().strip() == "postgres" if name.exists() else True
