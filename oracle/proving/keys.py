"""The key folder of a model: reference string, circuit, proving and verifying key, verifier contract, manifest."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ezkl

from oracle.proving.circuit import Circuit, compile_circuit, read_circuit
from oracle.proving.errors import KeysFault, ProvingFailed
from oracle.proving.solidity import write_verifier

MANIFEST: Final = "manifest.json"
SETTINGS: Final = "settings.json"
SRS: Final = "kzg.srs"
CIRCUIT: Final = "circuit.ezkl"
PROVING_KEY: Final = "proving.key"
VERIFYING_KEY: Final = "verifying.key"
VERIFIER: Final = "Verifier.sol"
FILES: Final = (SETTINGS, SRS, CIRCUIT, PROVING_KEY, VERIFYING_KEY, VERIFIER)

DEVELOPMENT: Final = "development"
PRODUCTION: Final = "production"
FROM_FILE: Final = "file"

_REMAKE: Final = "run `risk-oracle setup` to make the keys again"


@dataclass(frozen=True, slots=True)
class Keys:
    """A key folder whose manifest was read; `srs_kind` is development, production or file, `sha256` is by file name."""

    folder: Path
    model_id: bytes
    logrows: int
    srs_kind: str
    output_scales: tuple[int, ...]
    sha256: dict[str, str]

    def path(self, name: str) -> str:
        """The path of one of FILES, as EZKL wants it."""
        return str(self.folder / name)

    @property
    def verifier_source(self) -> Path:
        """The generated Solidity verifier."""
        return self.folder / VERIFIER

    @property
    def is_development(self) -> bool:
        """Whether whoever made the reference string could forge proofs: for local chains only."""
        return self.srs_kind == DEVELOPMENT


def setup(
    model_dir: Path,
    keys_dir: Path,
    srs: str | Path = DEVELOPMENT,
    say: Callable[[str], None] = lambda line: None,
) -> Keys:
    """Make the key folder of a model, or return it untouched when it is whole and fits.

    `srs` is "development" (generated here, so forgeable: marked in the manifest), "production" (the public
    ceremony's, hash-pinned by EZKL; needs the network) or a path to one. Everything but a generated
    reference string is a function of the model folder and the reference string.
    Raises KeysFault for a broken model folder, ProvingFailed when EZKL refuses a step.
    """
    circuit = read_circuit(model_dir)
    source = srs if isinstance(srs, Path) else None
    kind = FROM_FILE if source else str(srs)
    if kind not in (DEVELOPMENT, PRODUCTION, FROM_FILE):
        raise KeysFault(f"unknown reference string {kind!r}: expected {DEVELOPMENT}, {PRODUCTION} or a path")
    if (done := _existing(keys_dir, circuit, kind, source)) is not None:
        say(f"keys in {keys_dir} are whole and fit the model: nothing to do")
        return done
    keys_dir.mkdir(parents=True, exist_ok=True)
    (keys_dir / MANIFEST).unlink(missing_ok=True)
    shutil.copyfile(circuit.settings, keys_dir / SETTINGS)
    say(f"reference string ({kind}, 2^{circuit.logrows} rows)")
    _make_srs(kind, source, circuit, keys_dir / SRS)
    say(f"circuit ({circuit.rows} rows)")
    compile_circuit(circuit, keys_dir / CIRCUIT)
    say("proving key and verifying key")
    compiled, verifying, proving, reference = (
        str(keys_dir / name) for name in (CIRCUIT, VERIFYING_KEY, PROVING_KEY, SRS)
    )
    try:
        ezkl.setup(compiled, verifying, proving, reference)  # type: ignore[call-arg] # the stub forgets the defaults
    except RuntimeError as error:
        raise ProvingFailed(f"EZKL made no keys for {circuit.model_dir}: {error}") from error
    say("verifier contract")
    write_verifier(keys_dir / VERIFYING_KEY, keys_dir / SETTINGS, keys_dir / SRS, keys_dir / VERIFIER)
    keys = Keys(
        folder=keys_dir,
        model_id=circuit.model_id,
        logrows=circuit.logrows,
        srs_kind=kind,
        output_scales=circuit.output_scales,
        sha256={name: sha256_of(keys_dir / name) for name in FILES},
    )
    _write_manifest(keys)
    return keys


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
            srs_kind=str(content["srs"]),
            output_scales=tuple(int(scale) for scale in content["output_scales"]),
            sha256={name: str(content["sha256"][name]) for name in FILES},
        )
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
        found = sha256_of(path)
        if found != expected:
            raise KeysFault(f"{path} is corrupt: its SHA-256 is {found}, the manifest says {expected}; {_REMAKE}")
    if model_id is not None and keys.model_id != model_id:
        raise KeysFault(f"{keys_dir} holds keys of model {keys.model_id.hex()}, not of {model_id.hex()}: {_REMAKE}")
    return keys


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _existing(keys_dir: Path, circuit: Circuit, kind: str, source: Path | None) -> Keys | None:
    if not (keys_dir / MANIFEST).is_file():
        return None
    try:
        keys = check_keys(keys_dir, circuit.model_id)
    except KeysFault:
        return None  # made anew by the caller
    if source is not None and sha256_of(source) != keys.sha256[SRS]:
        return None
    fits = keys.srs_kind == kind and keys.sha256[SETTINGS] == sha256_of(circuit.settings)
    return keys if fits else None


def _make_srs(kind: str, source: Path | None, circuit: Circuit, target: Path) -> None:
    if source is not None:
        if not source.is_file():
            raise KeysFault(f"reference string {source} is missing")
        shutil.copyfile(source, target)
    elif kind == DEVELOPMENT:
        ezkl.gen_srs(str(target), circuit.logrows)
    else:
        try:
            asyncio.run(_fetch_ceremony(circuit, target))
        except RuntimeError as error:
            raise KeysFault(f"the ceremony's reference string could not be fetched: {error}") from error


async def _fetch_ceremony(circuit: Circuit, target: Path) -> None:
    await ezkl.get_srs(str(circuit.settings), circuit.logrows, str(target))


def _write_manifest(keys: Keys) -> None:
    content = {
        "model_id": keys.model_id.hex(),
        "logrows": keys.logrows,
        "srs": keys.srs_kind,
        "output_scales": list(keys.output_scales),
        "sha256": keys.sha256,
    }
    # Written last and in one step: a folder with a manifest is a finished folder.
    temporary = keys.folder / f"{MANIFEST}.new"
    temporary.write_text(json.dumps(content, indent=2) + "\n")
    temporary.replace(keys.folder / MANIFEST)
