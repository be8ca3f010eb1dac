"""A model folder's files and identity: what a reader needs without the libraries that make or run a model."""

import hashlib
from pathlib import Path
from typing import Final

from oracle.assessment.features import feature_spec_hash

GRAPH: Final = "model.onnx"
SETTINGS: Final = "settings.json"
MANIFEST: Final = "model.json"

OPEN: Final = "open"
"""The folder of a model's open circuit, below the model's: graph, settings and manifest."""

COMMITMENT_HEX_DIGITS: Final = 64
"""A commitment is written as the 32 bytes that a contract takes."""


def model_id_of(folder: Path) -> bytes:
    """Return the model's identity: SHA-256 over the digests of graph, settings and feature table."""
    parts = [hashlib.sha256((folder / file).read_bytes()).digest() for file in (GRAPH, SETTINGS)]
    return hashlib.sha256(b"".join([b"risk-oracle model v1", *parts, feature_spec_hash()])).digest()
