"""What a borrower's own proof takes: seconds from the features to the proof, memory, and the keys' download.

`python -m tests.benchmarks.borrower`; the last line is one JSON object. The command is run as a borrower runs it, in a
process of its own, against a daemon's doors on this machine.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from oracle.models import registry
from oracle.passports.opening import commit, new_salt
from oracle.passports.passport import Passport
from oracle.passports.private_files import OpeningFile, write_private
from oracle.proving.making import setup
from tests.support.borrower_doors import REQUEST, Doors
from tests.support.passports import content_of

PROOFS: Final = 5
_PROGRAM: Final = Path(sys.executable).with_name("risk-oracle")


def measure(proofs: int = PROOFS) -> dict[str, Any]:
    """Return the figures of one proof with an empty cache, and of `proofs` with the keys in it (medians)."""
    return asyncio.run(_measure(proofs))


async def _measure(proofs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passport = Passport.of(content_of())
        opening = commit(passport, new_salt())
        write_private(folder / "opening.json", OpeningFile(passport, opening).as_json())
        model = registry.load()
        keys = await asyncio.to_thread(setup, model.directory, folder / "made")
        async with Doors(model, keys, opening.commitment).server() as server:
            url = str(server.make_url("/"))
            first = await asyncio.to_thread(_prove, folder, url)
            without = await asyncio.to_thread(_prove, folder, url, "--dry-run")
            cached = [await asyncio.to_thread(_prove, folder, url) for _ in range(proofs)]
    return {
        "borrower_proves_seconds": statistics.median(one["seconds"] for one in cached),
        "borrower_proves_seconds_each": [one["seconds"] for one in cached],
        "borrower_command_seconds": statistics.median(one["command_seconds"] for one in cached),
        # On a busy machine this says more than the clock: what checking the keys and proving take of both cores.
        "borrower_proves_cpu_seconds": round(
            statistics.median(one["cpu_seconds"] for one in cached) - without["cpu_seconds"], 3
        ),
        "borrower_memory_mb": max(one["memory_mb"] for one in (first, *cached)),
        "borrower_download_mb": first["downloaded_bytes"] / 1e6,
        "borrower_first_seconds": first["seconds"],
        "borrower_cached_download_mb": max(one["downloaded_bytes"] for one in cached) / 1e6,
    }


def _prove(folder: Path, url: str, *options: str) -> dict[str, Any]:
    """Run the command once; return what it told, and what the system says that it took."""
    places = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_STATE_HOME": str(folder / "state")}
    words = [str(_PROGRAM), "passport", "prove", str(folder / "opening.json"), str(REQUEST), "--url", url, "--json"]
    words += options
    began = time.monotonic()
    with subprocess.Popen(words, env={**os.environ, **places}, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        output = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0
    return json.loads(output) | {
        "command_seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
        "memory_mb": round(used.ru_maxrss / 1024),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
