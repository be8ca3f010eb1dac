"""Splits that depend on what a row is, never on where it stands in a file."""

import hashlib
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2

_VALIDATION_FROM = 0.77
_TEST_FROM = 0.85


def split_of(keys: Iterable[bytes], seed: int) -> npt.NDArray[np.int8]:
    """Return TRAIN (77 %), VALIDATION (8 %) or TEST (15 %) for each key; equal keys go to the same side."""
    shares = np.array([_share(key, seed) for key in keys])
    return np.where(shares >= _TEST_FROM, TEST, np.where(shares >= _VALIDATION_FROM, VALIDATION, TRAIN)).astype(np.int8)


def _share(key: bytes, seed: int) -> float:
    digest = hashlib.sha256(seed.to_bytes(8, "little") + key).digest()
    return int.from_bytes(digest[:8], "little") / 2**64
