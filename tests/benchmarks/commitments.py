"""Whether JavaScript encodes and commits as the circuit does: 10,000 passports and private tensors, and the edges.

`python -m tests.benchmarks.commitments`; the last line is one JSON object.
"""

import json
import os
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from oracle.devnet.machinery.node import REPOSITORY, node_binary
from oracle.passports.passport import Passport
from oracle.proving.commitment import commit_private
from tests.support.passports_at_random import passports, tensors

COUNT: Final = 10_000
_PACKAGE: Final = REPOSITORY / "clients" / "js"


def measure(count: int = COUNT, seed: int = 15) -> dict[str, Any]:
    """Return how many of `count` commitments and encodings are equal, and how long JavaScript took."""
    _node("node_modules/typescript/bin/tsc", "--project", "tsconfig.json")
    texts, hashed = list(passports(count, seed)), list(tensors(count, seed))
    halves = 2
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(halves) as pool:
        began = time.monotonic()
        parts = [(Path(folder) / f"{part}.json", texts[part::halves], hashed[part::halves]) for part in range(halves)]
        told = list(pool.map(lambda part: _in_javascript(*part), parts))
        seconds = time.monotonic() - began
    commitments = [commit_private(tensor) for tensor in hashed]
    equal = sum(
        int(found, 16) == expected
        for part in range(halves)
        for found, expected in zip(told[part]["commitments"], commitments[part::halves], strict=True)
    )
    same = sum(
        found == list(Passport.parse(text.encode()).encoded())
        for part in range(halves)
        for found, text in zip(told[part]["encoded"], texts[part::halves], strict=True)
    )
    return {"commitments": count, "commitments_equal": equal, "encodings_equal": same, "seconds": round(seconds, 1)}


def _in_javascript(file: Path, texts: list[str], hashed: list[list[int]]) -> dict[str, Any]:
    file.write_text(json.dumps({"passports": texts, "tensors": hashed}))
    # A package finds itself by its own name, once it is built.
    return dict(json.loads(_node("test/commitments.mjs", str(file))))


def _node(*arguments: str) -> str:
    environment = {**os.environ, "PATH": f"{node_binary().parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(node_binary()), *arguments]
    return subprocess.run(command, cwd=_PACKAGE, env=environment, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    print(json.dumps(measure()))
