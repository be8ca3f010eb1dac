"""Where a key folder's reference string comes from: made here, fetched from the ceremony's host, or a file."""

import asyncio
import hashlib
import shutil
from pathlib import Path
from typing import Final

import ezkl

from oracle.proving.ceremony import Ceremony, shipped_ceremony
from oracle.proving.circuit import Circuit
from oracle.proving.errors import KeysFault

DEVELOPMENT: Final = "development"
PRODUCTION: Final = "production"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def take_file(source: Path, k: int, target: Path, own: Ceremony | None) -> None:
    """Copy a reference string of 2^k rows; raises KeysFault for none, or a ceremony's of another size."""
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise KeysFault(f"reference string {source} cannot be read: {error.strerror or error}") from error
    sha256 = sha256_of(target)
    for ceremony in (shipped_ceremony(), own):
        size = None if ceremony is None else ceremony.size_of(sha256)
        if ceremony is not None and size not in (None, k):
            raise KeysFault(
                f"{source} is ceremony {ceremony.name}'s for 2^{size} rows; this model needs 2^{k}: "
                f"{ceremony.how_to_get(k)}"
            )


def generate(k: int, target: Path) -> None:
    """Write a development reference string: this process knows the secret with which proofs are forged."""
    ezkl.gen_srs(str(target), k)


def fetch(circuit: Circuit, target: Path) -> None:
    """Fetch the shipped ceremony's file from its host to a path where nothing is; raises KeysFault with the way out."""
    ceremony, k = shipped_ceremony(), circuit.logrows
    if k not in ceremony.sha256:
        raise KeysFault(f"there are no production keys for {circuit.model_dir}: {ceremony.how_to_get(k)}")
    try:
        asyncio.run(_fetch(circuit, target))
        if not ceremony.pins(k, found := sha256_of(target)):
            raise KeysFault(f"what was fetched is not it: its SHA-256 is {found}")
    except (RuntimeError, OSError, KeysFault) as error:
        raise KeysFault(
            f"the ceremony's reference string could not be fetched: {error}. Nothing was changed. Get the file on a "
            f"machine that reaches its host ({ceremony.how_to_get(k)}), bring it here, and run "
            "`risk-oracle setup --srs FILE`, which compares the hash"
        ) from error


async def _fetch(circuit: Circuit, target: Path) -> None:
    # The awaitable must be made inside the running loop. EZKL fetches only what is not there, and deletes what it
    # finds with another hash: the target is a path in a fresh folder.
    await ezkl.get_srs(str(circuit.settings), circuit.logrows, str(target))
