"""The fraud table: accounts with their flow features, encoded as the daemon encodes a live wallet's."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from oracle.assessment.features import FEATURES
from oracle.models.network import FRAUD
from oracle.training.checks import UnusableData, check_apart, refuse_leaks
from oracle.training.split import TEST, TRAIN, VALIDATION, split_of
from oracle.training.tables import read_table

COLUMN_OF: Final[dict[str, str]] = {
    "sent_count": "Sent tnx",
    "received_count": "Received Tnx",
    "mean_minutes_between_sent": "Avg min between sent tnx",
    "mean_minutes_between_received": "Avg min between received tnx",
    "unique_senders": "Unique Received From Addresses",
    "unique_recipients": "Unique Sent To Addresses",
    "min_value_received": "min value received",
    "max_value_received": "max value received",
    "mean_value_received": "avg val received",
    "min_value_sent": "min val sent",
    "mean_value_sent": "avg val sent",
    "balance": "total ether balance",
}
"""No ERC-20 column (an artefact of collection) and no life span; see the data's README."""

_SENT, _RECEIVED = (list(COLUMN_OF).index(name) for name in ("sent_count", "received_count"))


@dataclass(frozen=True, slots=True)
class Accounts:
    """`encoded` (n, 12) integers 0..1024, `fraud` (n,) 0 or 1, `part` (n,) the split, `raw` the source rows.

    `empty` (n,) marks accounts that neither sent nor received coin: every one of them is labelled fraud in the source,
    which says at least as much about how its honest accounts were chosen as about wallets that show nothing.
    """

    encoded: npt.NDArray[np.int64]
    fraud: npt.NDArray[np.int64]
    part: npt.NDArray[np.int8]
    empty: npt.NDArray[np.bool_]
    raw: pd.DataFrame


def read_accounts(data_dir: Path, seed: int) -> Accounts:
    """Read and encode the accounts; rows with the same encoded features stay on one side of the split."""
    return accounts_of(read_table(data_dir, "fraud"), seed)


def accounts_of(frame: pd.DataFrame, seed: int) -> Accounts:
    """Encode a table of accounts."""
    labels = frame["FLAG"].to_numpy(dtype=np.int64)
    if set(np.unique(labels)) != {0, 1}:
        raise UnusableData(f"the fraud labels are {sorted(set(labels.tolist()))}, expected both 0 and 1")
    encoded = encode_flow(frame)
    part = split_of((row.tobytes() for row in encoded), seed)
    check_apart((row.tobytes() for row in encoded), part, "accounts (by their features)")
    check_apart(frame["Address"], part, "addresses")
    empty = (encoded[:, _SENT] == 0) & (encoded[:, _RECEIVED] == 0)
    return Accounts(encoded, labels, part, empty, frame)


def without_flow(accounts: Accounts) -> dict[str, int]:
    """Return how many accounts show no flow, how many of them are labelled fraud, how many differ, and where they are.

    They share their features, and so one side of every split.
    """
    parts = (("training", TRAIN), ("validation", VALIDATION), ("test", TEST))
    return {
        "rows": int(accounts.empty.sum()),
        "fraud": int(accounts.fraud[accounts.empty].sum()),
        "distinct": len(np.unique(accounts.encoded[accounts.empty], axis=0)),
        **{name: int((accounts.part[accounts.empty] == part).sum()) for name, part in parts},
    }


def encode_flow(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return the encoded flow features (n, 12) of source rows; raises UnusableData for NaN or infinities."""
    refuse_leaks(COLUMN_OF.values(), "the fraud table")
    features = FEATURES[FRAUD]
    columns = []
    for feature in features:
        values = frame[COLUMN_OF[feature.name]].to_numpy(dtype=float)
        if not np.isfinite(values).all():
            raise UnusableData(f"column {COLUMN_OF[feature.name]!r} holds NaN or infinities")
        distinct, inverse = np.unique(values, return_inverse=True)
        codes = np.array([feature.encode(Decimal(repr(float(value)))) for value in distinct], dtype=np.int64)
        columns.append(codes[inverse])
    return np.stack(columns, axis=1)
