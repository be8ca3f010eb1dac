"""What stands in which slot: an application and its what-ifs, a block each, and one block whose answer is known.

A block has 64 lanes. A field's level, unless it is the base, has a lane of its own, in the model's order; a party puts
a one there. The sum of a block's weights is gathered in its first lane, multiplied by the blind and moved by the shift.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from oracle.approval.errors import ModelFault, Unopened
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.model import CardModel

Slots = npt.NDArray[np.int64]

LANES: Final = 64
BLOCKS: Final = 32
SLOTS: Final = LANES * BLOCKS
RING_SLOTS: Final = 16384
ASKED: Final = ("years_employed", "annual_income", "account_months", "own_property")
"""The fields whose every level is tried: the first as the original does, by its bins."""

LEAST_BLIND_BITS: Final = 12
MOST_BLIND_BITS: Final = 22
_CHECKED: Final = BLOCKS - 1
_CHECK_WEIGHTS: Final = (1009, 1511, 2003)
_CHECK_BLINDS: Final = (4_194_301, 4_194_287, 4_194_217)
_CHECK_SHIFTS: Final = (1_000_003, 1_200_007, 1_400_017)
CHECK: Final = (2 * sum(_CHECK_WEIGHTS) + 1) * sum(_CHECK_BLINDS) + sum(_CHECK_SHIFTS)
"""What the known block must open to: it goes through every step of the evaluation, near the end of the space."""


@dataclass(frozen=True)
class WhatIf:
    """One changed answer: a field at another level."""

    field: str
    level: int

    @property
    def told(self) -> str:
        """The level's name."""
        return BY_NAME[self.field].levels[self.level]


@dataclass(frozen=True)
class Layout:
    """The slots of a model. Raises ModelFault for one that does not fit."""

    model: CardModel

    def __post_init__(self) -> None:
        if len(self.lanes) > LANES - len(PARTIES):
            raise ModelFault(f"model {self.model.name} has {len(self.lanes)} levels that weigh: at most {LANES - 3}")
        if len(self.what_ifs) + 2 > BLOCKS:
            raise ModelFault(f"model {self.model.name} asks {len(self.what_ifs)} what-ifs: at most {BLOCKS - 2}")

    @cached_property
    def lanes(self) -> dict[tuple[str, int], int]:
        """The lane of each level that is not its field's base."""
        known = [
            (field.name, level)
            for field in self.model.fields
            for level in range(len(field.levels))
            if level != field.base
        ]
        return {key: lane for lane, key in enumerate(known)}

    @cached_property
    def what_ifs(self) -> tuple[WhatIf, ...]:
        """The what-ifs in the order of their blocks, which begin after the application's own."""
        return tuple(
            WhatIf(name, level)
            for name in ASKED
            if name in self.model.weights
            for level in range(len(BY_NAME[name].levels))
            if level != BY_NAME[name].unknown
        )

    def levels_in(self, block: int, levels: Mapping[str, int]) -> dict[str, int]:
        """Return a party's levels as that block has them: its what-if's where it is asked, else its own."""
        found = dict(levels)
        if 0 < block <= len(self.what_ifs):
            asked = self.what_ifs[block - 1]
            if asked.field in found:
                found[asked.field] = asked.level
            # Years of employment are an employed person's.
            if asked.field == "years_employed" and "employed" in found:
                found["employed"] = 1
        return found

    def features(self, party: str, levels: Mapping[str, int]) -> Slots:
        """Return a party's row of ones for its own levels."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        for block in range(1 + len(self.what_ifs)):
            for key in self.levels_in(block, levels).items():
                if key in self.lanes:
                    row[block, self.lanes[key]] = 1
        row[_CHECKED, PARTIES.index(party)] = 1
        return row.reshape(SLOTS)

    def blinds(self, party: str) -> tuple[Slots, Slots]:
        """Return a party's random blinds and shifts: a positive factor whose size spreads over ten binary orders.

        A shift is below its blind, so that no sum of them turns a sign.
        """
        blinds, shifts = np.zeros((BLOCKS, LANES), dtype=np.int64), np.zeros((BLOCKS, LANES), dtype=np.int64)
        for block in range(1 + len(self.what_ifs)):
            bits = LEAST_BLIND_BITS + secrets.randbelow(MOST_BLIND_BITS - LEAST_BLIND_BITS)
            blinds[block, 0] = (1 << bits) + secrets.randbelow(1 << bits)
            shifts[block, 0] = secrets.randbelow(int(blinds[block, 0]))
        number = PARTIES.index(party)
        blinds[_CHECKED, 0], shifts[_CHECKED, 0] = _CHECK_BLINDS[number], _CHECK_SHIFTS[number]
        return blinds.reshape(SLOTS), shifts.reshape(SLOTS)

    @cached_property
    def weights(self) -> Slots:
        """Twice the model's weights, block by block."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        for (name, level), lane in self.lanes.items():
            row[: 1 + len(self.what_ifs), lane] = 2 * self.model.weights[name][level]
        row[_CHECKED, : len(PARTIES)] = [2 * weight for weight in _CHECK_WEIGHTS]
        return row.reshape(SLOTS)

    @cached_property
    def constants(self) -> Slots:
        """Twice the intercept and one: a margin becomes an odd number, which is never zero."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        row[: 1 + len(self.what_ifs), 0] = 2 * self.model.intercept + 1
        row[_CHECKED, 0] = 1
        return row.reshape(SLOTS)

    @cached_property
    def masks(self) -> dict[str, Slots]:
        """What each opening lets through: the decision, or the what-ifs; always the known block."""
        decision, what_ifs = np.zeros((BLOCKS, LANES), np.int64), np.zeros((BLOCKS, LANES), np.int64)
        decision[0, 0] = 1
        what_ifs[1 : 1 + len(self.what_ifs), 0] = 1
        decision[_CHECKED, 0] = what_ifs[_CHECKED, 0] = 1
        return {"decision": decision.reshape(SLOTS), "whatifs": what_ifs.reshape(SLOTS)}

    def opened(self, opening: str, slots: Slots) -> list[bool]:
        """Return what an opening says, approved or not, block by block.

        Raises Unopened, and returns nothing, where the known block or an empty slot is not what it must be: a share
        was wrong, or an input was encrypted under another key, or noise got the better of it.
        """
        mask = np.zeros(RING_SLOTS, dtype=np.int64)
        mask[:SLOTS] = self.masks[opening]
        if slots.shape != mask.shape or int(slots[_CHECKED * LANES]) != CHECK or bool(slots[mask == 0].any()):
            raise Unopened(
                f"the {opening} did not open: the known block is not what it must be, so one of the three shares is "
                "wrong, or an input was made under another key; which of them, nobody can tell from the shares"
            )
        found = slots[:SLOTS].reshape(BLOCKS, LANES)[:, 0]
        blocks = [0] if opening == "decision" else range(1, 1 + len(self.what_ifs))
        if any(int(found[block]) == 0 for block in blocks):
            raise Unopened(f"the {opening} did not open: a margin is odd, and its blind is no zero")
        return [bool(found[block] > 0) for block in blocks]

    def explain(self, levels: Mapping[str, int], answers: list[bool]) -> dict[str, str | None]:
        """Return for each field that was asked the smallest change upwards that would be approved, None for none.

        `levels` are the levels that the reader knows: of fields that it does not know, the lowest level is named.
        """
        found: dict[str, str | None] = {what_if.field: None for what_if in self.what_ifs}
        for what_if, approved in zip(self.what_ifs, answers, strict=True):
            higher = what_if.level > levels.get(what_if.field, -1)
            if approved and higher and found[what_if.field] is None:
                found[what_if.field] = what_if.told
        return found


def clear_row(layout: Layout, levels: Mapping[str, int]) -> tuple[bool, list[bool]]:
    """Return the decision and the what-ifs in the clear: what the encrypted evaluation must say."""
    margins = [layout.model.margin(layout.levels_in(block, levels)) for block in range(1 + len(layout.what_ifs))]
    return margins[0] >= 0, [margin >= 0 for margin in margins[1:]]
