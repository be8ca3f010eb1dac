"""`make bench-approval-peer`: the encrypted approval beside a library of one key, on the same table and fields.

Turn by turn on the same machine: a row through our lane (three keys, messages, decision and what-ifs) and the same row
through concrete-ml (one key in one process, as the original application has it; the decision alone). Last line: JSON.
"""

import asyncio
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from oracle.approval.fields import BY_NAME
from oracle.approval.model import load_model
from oracle.training.approval import MODELS, fold_of, levels_raw, people_of, read_applicants
from tests.benchmarks.approval import DATA, Taken, forms_of
from tests.support.lane import running_lane

PEER_PYTHON = Path("build/approval-peer/bin/python")
WORKER = Path(__file__).with_name("approval_peer_worker.py")
TURNS = int(os.environ.get("APPROVAL_TURNS", "5"))


@dataclass
class Turns:
    """The peer's seconds, by the clock and of processor."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


async def measure(folder: Path, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the figures of both."""
    model = load_model()
    asked = [name for name in BY_NAME if name in model.weights]
    known = folder / "table.npz"
    # The peer has no word for what is not known: the middle of its column stands there.
    features = pd.DataFrame(levels_raw(frame, MODELS["fair"]))
    np.savez(
        known,
        features=features.fillna(features.median()).to_numpy(dtype=np.float32),
        labels=frame["rejected"].to_numpy(dtype=np.int64),
        folds=fold_of(people_of(frame)),
    )
    rows = frame.sample(TURNS, random_state=1).index
    peer = await asyncio.create_subprocess_exec(
        PEER_PYTHON, WORKER, known,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        made = await _answer(peer)
        theirs, equal = Turns(), 0
        async with running_lane(folder / "lane") as lane:
            ours = Taken(lane)
            for row in rows:
                forms, _ = forms_of({str(name): value for name, value in frame.loc[row].items()}, asked)
                number = lane.next()
                with ours:
                    await lane.apply(number, forms)
                told = await _answer(peer, frame.index.get_loc(row))
                theirs.clock.append(told["seconds"])
                theirs.processor.append(told["processor_seconds"])
                equal += told["rejected"] == told["in_the_clear"]
    finally:
        if peer.returncode is None:
            peer.kill()
        await peer.wait()
    return {
        "application_seconds_median": round(median(ours.clock), 3),
        "peer_decision_seconds_median": round(median(theirs.clock), 3),
        "share_of_the_peers_time": round(median(ours.clock) / median(theirs.clock), 3),
        "application_processor_seconds_median": round(median(ours.processor), 3),
        "peer_decision_processor_seconds_median": round(median(theirs.processor), 3),
        "share_of_the_peers_processor_time": round(median(ours.processor) / median(theirs.processor), 3),
        "application_seconds": [round(seconds, 3) for seconds in ours.clock],
        "peer_decision_seconds": [round(seconds, 3) for seconds in theirs.clock],
        "turns": TURNS,
        "peer_equal_to_its_clear": equal,
        "peer_auc": round(made["auc"], 4),
        "peer_keys_seconds": round(made["keys_seconds"], 2),
        "peer_compile_seconds": round(made["compile_seconds"], 2),
        "peer_key_bytes": made["key_bytes"],
        "load_of_the_machine": round(os.getloadavg()[0], 1),
    }


async def _answer(peer: asyncio.subprocess.Process, row: int | None = None) -> dict[str, Any]:
    if peer.stdin is None or peer.stdout is None:
        raise RuntimeError("the peer has no pipes")
    if row is not None:
        peer.stdin.write(f"{row}\n".encode())
        await peer.stdin.drain()
    line = await peer.stdout.readline()
    if not line:
        raise RuntimeError(f"the peer ended: {PEER_PYTHON} {WORKER} says why")
    told: dict[str, Any] = json.loads(line)
    return told


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="risk-oracle-approval-peer-") as folder:
        print(json.dumps(asyncio.run(measure(Path(folder), read_applicants(DATA)))))


if __name__ == "__main__":
    main()
