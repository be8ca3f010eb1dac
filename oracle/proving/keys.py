"""The key folder of a model: reference string, circuit, proving and verifying key, verifier contract, manifest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.proving.ceremony import Ceremony, ceremony_of
from oracle.proving.errors import KeysFault
from oracle.proving.reference_string import DEVELOPMENT, PRODUCTION, sha256_of

MANIFEST: Final = "manifest.json"
SETTINGS: Final = "settings.json"
SRS: Final = "kzg.srs"
CIRCUIT: Final = "circuit.ezkl"
PROVING_KEY: Final = "proving.key"
VERIFYING_KEY: Final = "verifying.key"
VERIFIER: Final = "Verifier.sol"
SEEN: Final = "verifiers.seen"
"""Verifiers that took a proof of these keys; see `known_verifiers`."""
FILES: Final = (SETTINGS, SRS, CIRCUIT, PROVING_KEY, VERIFYING_KEY, VERIFIER)

_REMAKE: Final = "run `risk-oracle setup` to make the keys again"


@dataclass(frozen=True, slots=True)
class Keys:
    """A key folder whose manifest was read; `sha256` is by file name.

    What the reference string is follows from its hash alone, never from what the folder says of itself.
    """

    folder: Path
    model_id: bytes
    logrows: int
    output_scales: tuple[int, ...]
    sha256: dict[str, str]

    def path(self, name: str) -> str:
        """The path of one of FILES, as EZKL wants it."""
        return str(self.folder / name)

    @property
    def verifier_source(self) -> Path:
        """The generated Solidity verifier."""
        return self.folder / VERIFIER

    def ceremony(self, own: Ceremony | None = None) -> Ceremony | None:
        """The ceremony that the reference string is of, the shipped one or the operator's `own`; None: development."""
        return ceremony_of(self.logrows, self.sha256[SRS], own)

    @property
    def is_development(self) -> bool:
        """Whether whoever made the reference string could forge proofs, as far as this release's ceremony says."""
        return self.ceremony() is None

    def srs_kind(self, own: Ceremony | None = None) -> str:
        """What the reference string is, for people: production, development, or the name of the operator's ceremony."""
        ceremony = self.ceremony(own)
        if ceremony is None:
            return DEVELOPMENT
        return PRODUCTION if ceremony is not own else own.name


def read_keys(keys_dir: Path) -> Keys:
    """Read a key folder's manifest without hashing the files; raises KeysFault when there is none."""
    path = keys_dir / MANIFEST
    if not path.is_file():
        raise KeysFault(f"no keys in {keys_dir}: {_REMAKE}")
    try:
        content = json.loads(path.read_text())
        return Keys(
            folder=keys_dir,
            model_id=bytes.fromhex(content["model_id"]),
            logrows=int(content["logrows"]),
            output_scales=tuple(int(scale) for scale in content["output_scales"]),
            sha256={name: str(content["sha256"][name]) for name in FILES},
        )
    except OSError as error:
        raise KeysFault(f"{path} {_unreadable(error)}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise KeysFault(f"{path} is damaged ({error!r}): {_REMAKE}") from error


def check_keys(keys_dir: Path, model_id: bytes | None = None) -> Keys:
    """Return the keys after hashing every file; raises KeysFault naming the file that is missing or differs.

    With `model_id`, also refuses keys that were made for another model.
    """
    keys = read_keys(keys_dir)
    for name, expected in keys.sha256.items():
        path = keys_dir / name
        if not path.is_file():
            raise KeysFault(f"{path} is missing: {_REMAKE}")
        try:
            found = sha256_of(path)
        except OSError as error:
            raise KeysFault(f"{path} {_unreadable(error)}") from error
        if found != expected:
            raise KeysFault(f"{path} is corrupt: its SHA-256 is {found}, the manifest says {expected}; {_REMAKE}")
    if model_id is not None and keys.model_id != model_id:
        raise KeysFault(f"{keys_dir} holds keys of model {keys.model_id.hex()}, not of {model_id.hex()}: {_REMAKE}")
    return keys


def _unreadable(error: OSError) -> str:
    return f"cannot be read ({error.strerror or error}): give the key folder and its files to the daemon's user"
