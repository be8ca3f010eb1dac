"""What an opening was used for, on the borrower's own machine: a second request with it is linkable to the first."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from oracle.passports.errors import PrivateFileFault
from oracle.passports.opening import Opening, to_hex32

_FILE = "openings-used.json"


class Uses:
    """A record by commitment of the requests that an opening was handed over or proven for; it holds nothing else.

    `folder` is the platform's state folder unless given. Raises PrivateFileFault when it cannot be kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or user_state_path("risk-oracle")

    def of(self, opening: Opening) -> list[str]:
        """Return the requests that an opening was used for, each as `at` names it."""
        with self._kept() as record:
            return list(record.get(to_hex32(opening.commitment), []))

    def add(self, opening: Opening, request: str) -> list[str]:
        """Note a use; return the other requests that the opening was used for before."""
        with self._kept() as record:
            known = record.setdefault(to_hex32(opening.commitment), [])
            others = [one for one in known if one != request]
            if request not in known:
                known.append(request)
            return others

    @contextlib.contextmanager
    def _kept(self) -> Iterator[dict[str, Any]]:
        path = self._folder / _FILE
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+", encoding="ascii") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                before = file.read()
                record = json.loads(before or "{}")
                yield record
                if (after := json.dumps(record, indent=1)) != before:
                    file.seek(0)
                    file.truncate()
                    file.write(after)
        except (OSError, ValueError) as error:
            raise PrivateFileFault(f"{path}, the record of used openings, cannot be kept: {error}") from None


def request_at(url: str, request_id: int) -> str:
    """Return how the record names a request: by the daemon's address and its id."""
    return f"{url.rstrip('/')} {request_id}"
