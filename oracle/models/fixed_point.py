"""The fixed-point format of every model: how weights and activations become the circuit's integers.

An input is an integer 0..1024 read as a fraction with INPUT_BITS; each layer multiplies by weights with
WEIGHT_BITS and the circuit never rescales, so the activations of depth d are integers with
INPUT_BITS + d * WEIGHT_BITS fractional bits and no rounding happens anywhere: 64-bit integer arithmetic gives the
circuit's outputs to the bit.
"""

from typing import Final

from oracle.assessment.features import ENCODED_ONE

INPUT_BITS: Final = ENCODED_ONE.bit_length() - 1
WEIGHT_BITS: Final = 10
BIAS_BITS: Final = 16
"""Coarser than the first layer's activations, and small enough for the float32 constants of the ONNX graph."""

DEPTH: Final = 4
OUTPUT_BITS: Final = INPUT_BITS + DEPTH * WEIGHT_BITS

DECOMPOSITION_BASE: Final = 4000
DECOMPOSITION_LEGS: Final = 4
LARGEST_MAGNITUDE: Final = DECOMPOSITION_BASE**DECOMPOSITION_LEGS - 1
"""The largest integer that a ReLU's range check can take apart; 4000 is close to the rows of a k = 12 table."""

LOGROWS: Final = 12
"""Every circuit has 2^12 rows: fewer do not hold the tables, more take too long to prove."""
RESERVED_ROWS: Final = 8
"""Halo2's blinding rows and the last row."""


def bits_at(depth: int) -> int:
    """Return the fractional bits of the activations after `depth` linear layers."""
    return INPUT_BITS + depth * WEIGHT_BITS
