"""A small loan book for tests of training."""

import numpy as np

from oracle.training.book import Book
from oracle.training.split import TEST, TRAIN, VALIDATION


def book(rows: int = 300, seed: int = 0) -> Book:
    """A book in which a higher loan to value means more events."""
    rng = np.random.default_rng(seed)
    chain = rng.integers(0, 1025, (rows, 32))
    probability = 1 / (1 + np.exp(-(chain[:, 16] - 512) / 100))
    event = (rng.random(rows) < probability).astype(np.int64)
    ones = np.ones(rows)
    return Book(
        chain=chain,
        private=np.zeros((rows, 24), dtype=np.int64),
        event=event,
        failed=np.zeros(rows, dtype=np.int64),
        liquidated=event,
        part=np.resize(np.array([TRAIN, TRAIN, VALIDATION, TEST], dtype=np.int8), rows),
        week=np.arange(rows),
        weight=ones,
        lowest_ratio=ones,
        margin=ones,
        spread=ones,
        other=ones,
        structural=probability,
    )
