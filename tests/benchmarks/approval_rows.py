"""Every row of the card table, evaluated encrypted: eight applications in the slots of one ciphertext."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oracle.approval.engine.frames import Parts
from oracle.approval.engine_process import Engine
from oracle.approval.evaluation import row
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.layout import SLOTS, TOGETHER, Slots, clear_row, placed
from tests.support.lane import Lane


async def equal_to_the_clear(lane: Lane, applicants: Sequence[Mapping[str, int]]) -> int:
    """Return for how many applicants, levels by field, decision and all what-ifs open to what the model says.

    Each party's engine evaluates, as in an application, and gives its share.
    """
    equal = 0
    for some in _batched(applicants):
        sums, masks = await _evaluated(lane, some)
        for place, levels in enumerate(some):
            layout, number = lane.layout, place + 1
            found = layout.sums(np.where(placed(np.ones(SLOTS, np.int64), number), sums, 0), number)
            told = [one[place] for one in masks]
            equal += (layout.decision(found), layout.answers(found, told)) == clear_row(layout, levels)
    return equal


def _batched(applicants: Sequence[Mapping[str, int]]) -> list[Sequence[Mapping[str, int]]]:
    return [applicants[begin : begin + TOGETHER] for begin in range(0, len(applicants), TOGETHER)]


async def _evaluated(lane: Lane, some: Sequence[Mapping[str, int]]) -> tuple[Slots, list[tuple[Slots, ...]]]:
    layout, numbers = lane.layout, range(1, 1 + len(some))
    inputs: dict[str, bytes] = {}
    blinds, masks = {"lanes": row(layout.first_lanes)}, []
    for place, party in enumerate(PARTIES):
        own = [{name: level for name, level in levels.items() if BY_NAME[name].party == party} for levels in some]
        features = sum(layout.features(party, levels, number) for levels, number in zip(own, numbers, strict=True))
        drawn = layout.blinds(party)
        masks.append(drawn.sums)
        slots = {"features": row(np.asarray(features)), "blinds": row(drawn.blinds), "masks": row(drawn.masks)}
        made = await lane.engines[party].order("encrypt", slots)
        inputs[f"features-{place}"] = made["features"]
        blinds |= {f"{name}-{place}": made[name] for name in ("blinds", "masks")}
    for name in ("weights", "constants", "own"):
        inputs[name] = row(sum(placed(getattr(layout, name), number) for number in numbers))
    results = await asyncio.gather(*(_result(lane.engines[one], blinds, inputs) for one in PARTIES))
    if any(result != results[0] for result in results):
        raise RuntimeError("two engines evaluated the same ciphertexts to other bytes")
    return await _opened(lane, results[0]), masks


async def _result(engine: Engine, blinds: Parts, inputs: Parts) -> bytes:
    await engine.order("take-blinds", blinds, {"name": "rows"})
    return (await engine.order("evaluate", inputs, {"keep": True, "blinds": "rows"}))["result"]


async def _opened(lane: Lane, result: bytes) -> Slots:
    about = hashlib.sha256(result).hexdigest()
    shares = {}
    for place, party in enumerate(PARTIES):
        fields: dict[str, Any] = {"result": about, "lead": place == 0}
        shares[f"share-{place}"] = (await lane.engines[party].order("share", {}, fields))["share"]
    return np.frombuffer((await lane.engines["applicant"].order("fuse", shares))["slots"], "<i8")
