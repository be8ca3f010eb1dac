"""`make bench-approval`: what the encrypted card approval takes; the last line is one JSON object.

Everything is on this machine: three parties, their server, an engine process each, of one thread. An application is
timed from its first encryption to the last party's knowledge of the what-ifs, messages included; blinds are made before
it, and those of the next eight in the time of each eighth. Beside the clock stand
seconds of processor, of all processes together: others that use the machine lengthen the one and hardly the other.
"""

import asyncio
import json
import os
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pandas as pd

from oracle.approval.evaluation import Evaluator
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.layout import clear_row
from oracle.approval.model import load_model
from oracle.approval.transcript import PARTS
from oracle.training.approval import answers_of, read_applicants, train_card_model
from tests.benchmarks.approval_attacks import attack
from tests.benchmarks.approval_rows import equal_to_the_clear
from tests.support.lane import Lane, running_lane

APPLICATIONS = int(os.environ.get("APPROVAL_APPLICATIONS", "20"))
ROWS = int(os.environ.get("APPROVAL_ROWS", "1234"))
DATA = Path("../shared/data")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Taken:
    """Seconds by the clock and of processor."""

    lane: Lane
    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def __enter__(self) -> None:
        self._begun = time.perf_counter(), processor_seconds(self.lane)

    def __exit__(self, *_: object) -> None:
        self.clock.append(time.perf_counter() - self._begun[0])
        self.processor.append(processor_seconds(self.lane) - self._begun[1])


def processor_seconds(lane: Lane) -> float:
    """Return what this process and the lane's engines have used so far."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ticks = 0
    for engine in lane.engines.values():
        fields = Path(f"/proc/{engine.pid}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return own.ru_utime + own.ru_stime + ticks / _TICKS


def forms_of(record: dict[str, Any], asked: list[str]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return a row's answers by party, and all together."""
    answers = answers_of(record)
    forms = {party: {name: answers[name] for name in asked if BY_NAME[name].party == party} for party in PARTIES}
    return forms, {name: answers[name] for name in asked}


async def measure(folder: Path, frame: pd.DataFrame) -> dict[str, Any]:
    """Return the figures."""
    model = load_model()
    asked = [name for name in BY_NAME if name in model.weights]
    used = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    async with running_lane(folder) as lane:
        keys_seconds = time.perf_counter() - started
        keys_processor = processor_seconds(lane) - used.ru_utime - used.ru_stime
        records = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
        levels = [model.levels_of(forms_of(record, asked)[1])[0] for record in records]
        taken, equal, denied = Taken(lane), 0, []
        for row in _drawn([model.margin(one) < 0 for one in levels]):
            forms, _ = forms_of(records[row], asked)
            decision, what_ifs = clear_row(lane.layout, levels[row])
            number = lane.next()
            with taken:
                outcomes = await lane.apply(number, forms)
            said = lane.board.transcript.get(number, "whatifs", "bank")
            opened = None if said is None else json.loads(said.head.said)
            equal += all(outcome.approved == decision for outcome in outcomes) and opened in (None, what_ifs)
            denied.append(not decision)
        bad = await attack(lane)
        rows = levels[:ROWS]
        began = time.perf_counter()
        rows_equal = await equal_to_the_clear(lane, rows)
        with_what_ifs = [seconds for seconds, after in zip(taken.clock, denied, strict=True) if after]
        return {
            "keys_seconds": round(keys_seconds, 2),
            "keys_processor_seconds": round(keys_processor, 2),
            "key_bytes_a_party": _key_bytes(lane),
            "key_bytes_sent_by_a_party": sum(sum(PARTS[kind].values()) for kind in ("keys", "product")),
            "what_ifs": len(lane.layout.what_ifs),
            "application_seconds_median": round(median(taken.clock), 3),
            # Each eighth makes the blinds of the next eight: the mean has their part, the median none.
            "application_seconds_mean": round(mean(taken.clock), 3),
            "application_seconds_worst": round(max(taken.clock), 3),
            "application_with_what_ifs_seconds_median": round(median(with_what_ifs), 3) if with_what_ifs else None,
            "application_processor_seconds_median": round(median(taken.processor), 3),
            "application_processor_seconds_mean": round(mean(taken.processor), 3),
            "evaluation_seconds": round(await _evaluation_seconds(lane), 3),
            "applications_a_minute": round(60 * len(taken.clock) / sum(taken.clock), 1),
            "applications": len(taken.clock),
            "denied": sum(denied),
            "equal_to_the_clear": equal,
            "rows": len(rows),
            "rows_equal_to_the_clear": rows_equal,
            "rows_seconds": round(time.perf_counter() - began, 1),
            "bad_messages_tried": bad.tried,
            "bad_messages_accepted": bad.accepted,
            "load_of_the_machine": round(os.getloadavg()[0], 1),
        }


def _drawn(denied: list[bool]) -> list[int]:
    """Return rows to apply with, half of them denied: those are the ones whose what-ifs are opened."""
    drawn, kinds = np.random.default_rng(1), np.array(denied)
    few = [drawn.permutation(np.flatnonzero(kinds == kind))[: APPLICATIONS // 2] for kind in (False, True)]
    return [int(row) for pair in zip(*few, strict=True) for row in pair]


def _key_bytes(lane: Lane) -> int:
    """The joint keys as an engine holds them, with the halves that nobody sends, and a share of the secret one."""
    parts = {**PARTS["keys"], **PARTS["product"]}
    share = (lane.folder / "bank" / f"{lane.session}.share").stat().st_size
    return 2 * parts["public"] + parts["product"] + 2 * parts["rotations"] + share


async def _evaluation_seconds(lane: Lane) -> float:
    known = lane.board.transcript
    inputs, blinds = known.all_of(1, "input") or [], known.blinds_of(1) or []
    evaluator = Evaluator(lane.engines["server"], lane.layout)
    await evaluator.evaluate(1, blinds, inputs)
    found = []
    for _ in range(3):
        start = time.perf_counter()
        await evaluator.evaluate(1, blinds, inputs)
        found.append(time.perf_counter() - start)
    return float(np.median(found))


def main() -> None:
    """Measure and print."""
    frame = read_applicants(DATA)
    with tempfile.TemporaryDirectory(prefix="risk-oracle-approval-") as folder:
        figures = asyncio.run(measure(Path(folder), frame))
        # The model is fitted and judged anew: not what its file says of it.
        judged = train_card_model(frame, load_model().name, Path(folder) / "models")
    for name in ("auc", "auc_interval", "boosting_auc", "boosting_auc_interval", "difference_interval"):
        figures[name] = judged[name]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
