"""`make bench-approval`: what the encrypted card approval takes; the last line is one JSON object.

Everything is on this machine: three parties, their server, an engine process each, of one thread. An application is
timed from its first encryption to the last party's knowledge of the what-ifs, messages included.
"""

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from oracle.approval.evaluation import evaluate
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.layout import clear_row
from oracle.approval.model import load_model
from oracle.training.approval import answers_of, read_applicants
from tests.support.lane import Lane, running_lane

APPLICATIONS = int(os.environ.get("APPROVAL_APPLICATIONS", "20"))
DATA = Path("../shared/data")


async def measure(folder: Path, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the figures."""
    model = load_model()
    started = time.perf_counter()
    async with running_lane(folder) as lane:
        keys_seconds = time.perf_counter() - started
        asked = [name for name in BY_NAME if name in model.weights]
        drawn = frame.sample(min(APPLICATIONS, len(frame)), random_state=1).to_dict("records")
        seconds, equal, denied = [], 0, 0
        began = time.perf_counter()
        for record in drawn:
            answers = answers_of({str(name): value for name, value in record.items()})
            forms = {
                party: {name: answers[name] for name in asked if BY_NAME[name].party == party} for party in PARTIES
            }
            levels = model.levels_of({name: answers[name] for name in asked})[0]
            decision, what_ifs = clear_row(lane.layout, levels)
            number = lane.next()
            start = time.perf_counter()
            outcomes = await lane.apply(number, forms)
            seconds.append(time.perf_counter() - start)
            said = lane.board.transcript.get(number, "whatifs", "bank")
            opened = None if said is None else json.loads(said.head.said)
            equal += all(outcome.approved == decision for outcome in outcomes) and opened in (None, what_ifs)
            denied += not decision
        minutes = (time.perf_counter() - began) / 60
        return {
            "keys_seconds": round(keys_seconds, 2),
            "key_bytes_a_party": sum(len(part) for part in _kept_keys(lane)),
            "what_ifs": len(lane.layout.what_ifs),
            "application_seconds_median": round(median(seconds), 3),
            "application_seconds_worst": round(max(seconds), 3),
            "evaluation_seconds": round(await _evaluation_seconds(lane), 3),
            "applications_a_minute": round(len(seconds) / minutes, 1),
            "applications": len(seconds),
            "denied": denied,
            "equal_to_the_clear": equal,
            "load_of_the_machine": round(os.getloadavg()[0], 1),
        }


def _kept_keys(lane: Lane) -> list[bytes]:
    """The joint public, multiplication and rotation keys, and a share: what a party needs for further applications."""
    parts = lane.board.transcript.all_of(0, "keys") or []
    share = (lane.folder / "bank" / f"{lane.session}.share").read_bytes()
    return [parts[-1].parts[name] for name in ("public", "switching", "rotations")] + [share]


async def _evaluation_seconds(lane: Lane) -> float:
    inputs = lane.board.transcript.all_of(1, "input") or []
    found = []
    for _ in range(3):
        start = time.perf_counter()
        await evaluate(lane.engines["server"], lane.layout, inputs)
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="risk-oracle-approval-") as folder:
        print(json.dumps(asyncio.run(measure(Path(folder), read_applicants(DATA)))))


if __name__ == "__main__":
    main()
