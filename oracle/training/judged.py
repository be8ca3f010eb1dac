"""Rows that a model is judged on, with what baselines and intervals need of them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from oracle.training.checks import UnusableData
from oracle.training.split import TRAIN

Codes = npt.NDArray[np.int64]
Fingerprints = npt.NDArray[np.uint32]

FRAUD_OUTPUT: Final = "fraud_likelihood"
DEFAULT_OUTPUT: Final = "probability_of_default"
LATE_SHARE: Final = 0.25
"""The share of rows, the latest, that a split by time judges."""


_FINGERPRINT_BYTES: Final = 4


def fingerprints_of_rows(table: str, encoded: Codes) -> Fingerprints:
    """Return what tells (n,) encoded rows (n, columns) of a table, which its split was drawn by."""
    return _fingerprints(table, (np.ascontiguousarray(row).tobytes() for row in encoded))


def fingerprints_of_wallets(table: str, addresses: Iterable[object]) -> Fingerprints:
    """Return what tells (n,) the wallets of a table, however their addresses are written."""
    return _fingerprints(table, (str(address).strip().lower().encode() for address in addresses))


def _fingerprints(table: str, keys: Iterable[bytes]) -> Fingerprints:
    digests = (hashlib.sha256(f"{table}:".encode() + key).digest()[:_FINGERPRINT_BYTES] for key in keys)
    return np.frombuffer(b"".join(digests), dtype=">u4").astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows: `chain` (n, 32), `private` (n, 24), `labels` (n,), the output that is judged.

    `groups` (n,) are resampled whole, and learned baselines have each on one side of their folds; `together` (n,) are
    only the latter; without both, rows of equal `learned` are. `learned` (n, columns) is for learned baselines.
    `heuristics` are scores (n,) that need no learning. `populations` (n,) bool are judged apart. `kept` marks the rows
    of the source that are judged. `fingerprints` (n, any) tell rows that a model was trained on; see `seen`.
    `starts` and `known` (n,): when a row begins, and when its outcome is known, in seconds; where the source has dates.
    """

    output: str
    chain: Codes
    private: Codes
    labels: Codes
    learned: Codes
    groups: Codes | None = None
    together: Codes | None = None
    heuristics: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    populations: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    kept: npt.NDArray[np.bool_] | None = None
    starts: npt.NDArray[np.float64] | None = None
    known: npt.NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    fingerprints: Fingerprints | None = None

    def only(self, rows: npt.NDArray[np.bool_]) -> "Judged":
        """Return a part of the rows."""
        return Judged(
            output=self.output,
            chain=self.chain[rows],
            private=self.private[rows],
            labels=self.labels[rows],
            learned=self.learned[rows],
            groups=None if self.groups is None else self.groups[rows],
            together=None if self.together is None else self.together[rows],
            heuristics={name: values[rows] for name, values in self.heuristics.items()},
            populations={name: mask[rows] for name, mask in self.populations.items()},
            starts=None if self.starts is None else self.starts[rows],
            known=None if self.known is None else self.known[rows],
            notes=self.notes,
            fingerprints=None if self.fingerprints is None else self.fingerprints[rows],
        )

    def by_time(self, part: npt.NDArray[np.int8]) -> "tuple[Judged, Judged]":
        """Return what to judge and what to fit on when the split is by wallet and by time, both.

        Judged: the latest LATE_SHARE of the rows, of wallets outside the training part. Fitted on: rows of wallets of
        the training part whose outcome was known before those begin. Raises UnusableData without dates.
        """
        if self.starts is None or self.known is None:
            raise UnusableData("this set has no dates: it cannot be split by time")
        cut = np.quantile(self.starts, 1 - LATE_SHARE)
        return self.only((part != TRAIN) & (self.starts >= cut)), self.only((part == TRAIN) & (self.known < cut))
