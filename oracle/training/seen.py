"""Which rows a model was trained on, or chosen by: fingerprints in its folder, so that a judgement can leave them out.

A row is known by what its split was drawn by: its encoded features, or the wallet it belongs to. Four bytes of a digest
are kept of each, sorted; of a hundred thousand strangers' rows about two are taken for seen by chance.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from oracle.models.registry import ModelFault
from oracle.training.accounts import Accounts
from oracle.training.borrowers import read_liquidations, read_term_loans
from oracle.training.judged import Fingerprints, Judged, fingerprints_of_rows, fingerprints_of_wallets
from oracle.training.passports import Passports
from oracle.training.split import TEST

SEEN: Final = "seen_rows.bin"
"""In a model folder: the sorted fingerprints, 4 bytes each, big-endian."""

_STORED: Final = np.dtype(">u4")


def seen_of(accounts: Accounts, home: Passports, card: Passports, data_dir: Path, seed: int) -> Fingerprints:
    """Return the fingerprints of all rows of the training and validation parts, sorted, each once."""
    known = accounts.part != TEST
    parts = [
        fingerprints_of_rows("fraud", accounts.encoded[known]),
        fingerprints_of_wallets("fraud", accounts.raw["Address"][known]),
    ]
    for name, passports in (("home", home), ("card", card)):
        parts.append(fingerprints_of_rows(name, passports.encoded[passports.part != TEST]))
    loans = read_term_loans(data_dir, seed)
    parts.append(fingerprints_of_wallets("loans", [loan.borrower for loan in loans if loan.part != TEST]))
    events = read_liquidations(data_dir, seed)
    parts.append(fingerprints_of_wallets("liquidations", events.wallets[events.wallet[events.part != TEST]]))
    return np.unique(np.concatenate(parts))


def write_seen(folder: Path, seen: Fingerprints) -> None:
    """Keep the fingerprints in a model folder."""
    (folder / SEEN).write_bytes(seen.astype(_STORED).tobytes())


def read_seen(folder: Path) -> Fingerprints | None:
    """Return a model folder's fingerprints, None when it has none; raises ModelFault for a damaged file."""
    path = folder / SEEN
    if not path.is_file():
        return None
    content = path.read_bytes()
    if len(content) % _STORED.itemsize:
        raise ModelFault(f"{path} is damaged: {len(content)} bytes are no whole number of fingerprints")
    return np.frombuffer(content, dtype=_STORED).astype(np.uint32)


def was_seen(rows: Judged, seen: Fingerprints) -> npt.NDArray[np.bool_]:
    """Return whether each row (n,) was trained on, or chosen by."""
    if rows.fingerprints is None:
        return np.zeros(len(rows.labels), dtype=np.bool_)
    return np.asarray(np.isin(rows.fingerprints, seen).any(axis=1))
