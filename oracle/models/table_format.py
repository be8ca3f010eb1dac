"""The integers of a batch circuit: two lookup tables, what may enter them, and how answers are packed.

Everything is an integer at one bookkeeping scale, SCALE_BITS, that the circuit never changes: weights have none. Two
tables over the same arguments are all that is not linear. CLIP is the identity from 0 on and 0 below; SHRINK is a
ReLU that divides by about a hundred, which is what allows depth. Whatever enters a table must lie in LOWEST..HIGHEST:
a value beyond has no proof. So a wallet is looked at before it joins a batch, and the rare one that does not fit is
answered alone, by the single circuit.
"""

import math
from functools import cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

from oracle.assessment.errors import OracleError

LOGROWS: Final = 15
RESERVED_ROWS: Final = 8
"""Halo2's blinding rows and the last row."""
HIGHEST: Final = 2 ** (LOGROWS - 1) - RESERVED_ROWS // 2 - 1
LOWEST: Final = HIGHEST + 1 - (2**LOGROWS - RESERVED_ROWS)
"""The table is one full column: EZKL fills it from its lower end on."""

SCALE_BITS: Final = 100
"""A power x^a becomes 2^(SCALE_BITS (1 - a)) x^a: a large scale lets an exponent near 1 shrink."""
CLIP_EXPONENT: Final = 1 + 2.0**-23
"""The float32 next to 1: with 1 itself the library drops the operation, and with it the range check."""
SHRINK_EXPONENT: Final = float(np.float32(1.0755))

INPUT_STRETCH: Final = 15
"""Features 0..1024 are stretched over the table before they shrink to 0..170: SHRINK alone would leave 8 steps."""

FLOAT32_INTEGERS: Final = 2**24
"""The graph's constants are float32."""


class OutsideTables(OracleError):
    """A wallet's features lead to a value that a table does not hold: the batch circuit has no proof for them."""


def clip(values: Tensor) -> Tensor:
    """Return integers after the CLIP table; raises OutsideTables for one that the table does not hold."""
    return _looked_up(CLIP_EXPONENT, values)


def shrink(values: Tensor) -> Tensor:
    """Return integers after the SHRINK table; raises OutsideTables for one that the table does not hold."""
    return _looked_up(SHRINK_EXPONENT, values)


@cache
def table_of(exponent: float) -> Tensor:
    """Return a table's values for the arguments 0..HIGHEST, as the library computes them; those below 0 give 0."""
    scale = 2.0**SCALE_BITS
    # The platform's own pow, as the library calls it: NumPy's may differ in the last bit.
    values = [math.floor(scale * math.pow(argument / scale, exponent) + 0.5) for argument in range(HIGHEST + 1)]
    return torch.tensor(values, dtype=torch.int64)


def _looked_up(exponent: float, values: Tensor) -> Tensor:
    if values.numel() and not LOWEST <= int(values.min()) <= int(values.max()) <= HIGHEST:
        raise OutsideTables(
            f"{int(values.min())}..{int(values.max())} is outside the table's {LOWEST}..{HIGHEST}: answer these"
            " requests one by one, by the single circuit"
        )
    return table_of(exponent)[values.clamp(min=0)]
