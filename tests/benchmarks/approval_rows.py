"""Every row of the card table, evaluated encrypted: eight applications in the slots of one ciphertext."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oracle.approval.evaluation import row
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.layout import RING_SLOTS, SLOTS, Slots, clear_row
from tests.support.lane import Lane

TOGETHER = RING_SLOTS // SLOTS


async def equal_to_the_clear(lane: Lane, applicants: Sequence[Mapping[str, int]]) -> int:
    """Return for how many applicants, levels by field, decision and all what-ifs open to what the model says.

    Each party's engine evaluates, as in an application, and gives its shares of both openings.
    """
    equal = 0
    for some in _batched(applicants):
        opened = await _evaluated(lane, some)
        for number, levels in enumerate(some):
            mine = slice(number * SLOTS, (number + 1) * SLOTS)
            decision, what_ifs = (
                lane.layout.opened(name, np.concatenate([slots[mine], np.zeros(RING_SLOTS - SLOTS, dtype=np.int64)]))
                for name, slots in opened.items()
            )
            equal += (decision[0], what_ifs) == clear_row(lane.layout, levels)
    return equal


def _batched(applicants: Sequence[Mapping[str, int]]) -> list[Sequence[Mapping[str, int]]]:
    return [applicants[begin : begin + TOGETHER] for begin in range(0, len(applicants), TOGETHER)]


async def _evaluated(lane: Lane, some: Sequence[Mapping[str, int]]) -> dict[str, Slots]:
    layout = lane.layout
    parts: dict[str, bytes] = {}
    for place, party in enumerate(PARTIES):
        own = [{name: level for name, level in levels.items() if BY_NAME[name].party == party} for levels in some]
        drawn = [layout.blinds(party) for _ in some]
        slots = {
            "features": _joined([layout.features(party, levels) for levels in own]),
            "blinds": _joined([blinds for blinds, _ in drawn]),
            "shifts": _joined([shifts for _, shifts in drawn]),
        }
        made = await lane.engines[party].order("encrypt", slots)
        parts |= {f"{name}-{place}": raw for name, raw in made.items()}
    parts |= {"weights": _joined([layout.weights] * len(some)), "constants": _joined([layout.constants] * len(some))}
    parts |= {f"mask-{name}": _joined([mask] * len(some)) for name, mask in layout.masks.items()}
    results = await asyncio.gather(*(lane.engines[one].order("evaluate", parts, {"keep": True}) for one in PARTIES))
    if any(result != results[0] for result in results):
        raise RuntimeError("two engines evaluated the same ciphertexts to other bytes")
    return {name: await _opened(lane, results[0][name]) for name in ("decision", "whatifs")}


async def _opened(lane: Lane, result: bytes) -> Slots:
    about = hashlib.sha256(result).hexdigest()
    shares = {}
    for place, party in enumerate(PARTIES):
        fields: dict[str, Any] = {"result": about, "lead": place == 0}
        shares[f"share-{place}"] = (await lane.engines[party].order("share", {}, fields))["share"]
    return np.frombuffer((await lane.engines["applicant"].order("fuse", shares))["slots"], "<i8")


def _joined(rows: Sequence[Slots]) -> bytes:
    return b"".join(row(slots) for slots in rows)
