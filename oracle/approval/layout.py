"""What stands in which slot: an application and its what-ifs, a block each, and one block whose answer is known.

A block has 64 lanes. A field's level, unless it is the base, has a lane of its own, in the model's order; a party
puts a one there. Each lane's weight is multiplied by the block's blind, and a mask is added to it. Masks are random
numbers of the whole space, but for their sum: what is opened of a block says that sum and nothing of any lane.

A ciphertext holds eight applications. Blinds and masks of eight are sent together, before the first of them; the
features of each are a ciphertext of their own, in which the others' slots are zero.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from oracle.approval.errors import ModelFault, Unopened
from oracle.approval.fields import BY_NAME, PARTIES
from oracle.approval.model import CardModel

Slots = npt.NDArray[np.int64]

LANES: Final = 64
BLOCKS: Final = 32
MOST_WHAT_IFS: Final = BLOCKS - 2
SLOTS: Final = LANES * BLOCKS
RING_SLOTS: Final = 16384
TOGETHER: Final = RING_SLOTS // SLOTS
"""Applications whose blinds share a ciphertext."""
SPACE: Final = 274_881_052_673
"""What is computed with: numbers modulo this, which the engine's plaintext modulus is."""
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


class Blinds(NamedTuple):
    """A party's blinds and masks of eight applications, and what its masks of each one's what-ifs add up to."""

    blinds: Slots
    masks: Slots
    sums: tuple[Slots, ...]


@dataclass(frozen=True)
class Layout:
    """The slots of a model. Raises ModelFault for one that does not fit."""

    model: CardModel

    def __post_init__(self) -> None:
        if len(self.lanes) > LANES - len(PARTIES):
            raise ModelFault(f"model {self.model.name} has {len(self.lanes)} levels that weigh: at most {LANES - 3}")
        if len(self.what_ifs) > MOST_WHAT_IFS:
            raise ModelFault(f"model {self.model.name} asks {len(self.what_ifs)} what-ifs: at most {MOST_WHAT_IFS}")

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

    def features(self, party: str, levels: Mapping[str, int], number: int = 1) -> Slots:
        """Return a party's row of ones for its own levels, in the slots of application `number`."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        for block in range(1 + len(self.what_ifs)):
            for key in self.levels_in(block, levels).items():
                if key in self.lanes:
                    row[block, self.lanes[key]] = 1
        row[_CHECKED, PARTIES.index(party)] = 1
        return placed(row, number)

    def blinds(self, party: str) -> Blinds:
        """Return a party's random blinds and masks of eight applications: what it draws for each afresh.

        A blind is positive, and its size spreads over ten binary orders. A shift is below its blind, so that no sum of
        them turns a sign.
        """
        number, asked = PARTIES.index(party), 1 + len(self.what_ifs)
        blinds = np.zeros((TOGETHER, BLOCKS), dtype=np.int64)
        shifts = np.zeros_like(blinds)
        for section in range(TOGETHER):
            for block in range(asked):
                bits = LEAST_BLIND_BITS + secrets.randbelow(MOST_BLIND_BITS - LEAST_BLIND_BITS)
                blinds[section, block] = (1 << bits) + secrets.randbelow(1 << bits)
                shifts[section, block] = secrets.randbelow(int(blinds[section, block]))
        blinds[:, _CHECKED], shifts[:, _CHECKED] = _CHECK_BLINDS[number], _CHECK_SHIFTS[number]
        sums = np.zeros_like(blinds)
        sums[:, 1:asked] = _uniform((TOGETHER, asked - 1))
        masks = np.zeros((TOGETHER, BLOCKS, LANES), dtype=np.int64)
        used = [*range(asked), _CHECKED]
        masks[:, used, 1:] = _uniform((TOGETHER, len(used), LANES - 1))
        masks[:, :, 0] = shifts + sums - masks.sum(axis=2)
        return Blinds(
            np.pad(blinds[:, :, None], ((0, 0), (0, 0), (0, LANES - 1))).reshape(RING_SLOTS),
            centred(masks).reshape(RING_SLOTS),
            tuple(row[1 : 1 + MOST_WHAT_IFS].copy() for row in sums),
        )

    @cached_property
    def first_lanes(self) -> Slots:
        """A one on the first lane of each block of each application: where a blind stands."""
        row = np.zeros((TOGETHER, BLOCKS, LANES), dtype=np.int64)
        row[:, [*range(1 + len(self.what_ifs)), _CHECKED], 0] = 1
        return row.reshape(RING_SLOTS)

    @cached_property
    def weights(self) -> Slots:
        """Twice the model's weights, block by block."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        for (name, level), lane in self.lanes.items():
            row[: 1 + len(self.what_ifs), lane] = 2 * self.model.weights[name][level]
        row[_CHECKED, : len(PARTIES)] = [2 * weight for weight in _CHECK_WEIGHTS]
        return row

    @cached_property
    def constants(self) -> Slots:
        """Twice the intercept and one: a margin becomes an odd number, which is never zero."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        row[: 1 + len(self.what_ifs), 0] = 2 * self.model.intercept + 1
        row[_CHECKED, 0] = 1
        return row

    @cached_property
    def own(self) -> Slots:
        """A one on each lane that has a mask: those of its blocks that are asked, and of the known one."""
        row = np.zeros((BLOCKS, LANES), dtype=np.int64)
        row[[*range(1 + len(self.what_ifs)), _CHECKED]] = 1
        return row

    def sums(self, slots: Slots, number: int) -> Slots:
        """Return what the blocks of an opened application add up to, each sum around zero.

        Raises Unopened, and returns nothing, where the known block or an empty slot is not what it must be: a share
        was wrong, or an input was encrypted under another key, or noise got the better of it.
        """
        own = placed(self.own, number)
        found = np.zeros(BLOCKS, dtype=np.int64)
        if slots.shape == own.shape:
            found = centred(slots[own == 1].reshape(-1, LANES).sum(axis=1))
        if slots.shape != own.shape or int(found[-1]) != CHECK or bool(slots[own == 0].any()):
            raise Unopened(
                "the result did not open: the known block is not what it must be, so one of the three shares is "
                "wrong, or an input was made under another key; which of them, nobody can tell from the shares"
            )
        return found[:-1]

    def decision(self, sums: Slots) -> bool:
        """Return the decision that opened blocks say; raises Unopened for a number that none can be."""
        return _approved(sums[:1])[0]

    def answers(self, sums: Slots, masks: Sequence[Slots]) -> list[bool]:
        """Return the what-ifs of opened blocks, once each party has told what its masks of them add up to.

        Raises Unopened for a number that none can be.
        """
        known = sum((row[: len(self.what_ifs)] for row in masks), np.zeros(len(self.what_ifs), dtype=np.int64))
        return _approved(centred(sums[1:] - known))

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


def first_of(number: int) -> int:
    """Return the first of the eight applications whose blinds are sent with those of this one."""
    return number - (number - 1) % TOGETHER


def placed(row: Slots, number: int) -> Slots:
    """Return an application's blocks in their place of a ciphertext's slots: those of the others are zero."""
    found = np.zeros((TOGETHER, SLOTS), dtype=np.int64)
    found[(number - 1) % TOGETHER] = row.reshape(SLOTS)
    return found.reshape(RING_SLOTS)


def centred(values: Slots) -> Slots:
    """Return numbers modulo the space, around zero."""
    found: Slots = (values + SPACE // 2) % SPACE - SPACE // 2
    return found


def _approved(sums: Slots) -> list[bool]:
    if not sums.all():
        raise Unopened("the result did not open: a margin is odd, and its blind is no zero")
    return [bool(one > 0) for one in sums]


def _uniform(shape: tuple[int, ...]) -> Slots:
    """Return random numbers of the whole space: none is likelier than another."""
    wanted = int(np.prod(shape))
    found = np.zeros(0, dtype=np.int64)
    while len(found) < wanted:
        # Of 39 bits, what is not in the space is passed over: a remainder would favour the low ones.
        drawn = np.frombuffer(secrets.token_bytes(8 * (wanted - len(found) + 8)), dtype="<u8") >> np.uint64(25)
        found = np.concatenate([found, drawn[drawn < SPACE].astype(np.int64)])
    return found[:wanted].reshape(shape)


def clear_row(layout: Layout, levels: Mapping[str, int]) -> tuple[bool, list[bool]]:
    """Return the decision and the what-ifs in the clear: what the encrypted evaluation must say."""
    margins = [layout.model.margin(layout.levels_in(block, levels)) for block in range(1 + len(layout.what_ifs))]
    return margins[0] >= 0, [margin >= 0 for margin in margins[1:]]
