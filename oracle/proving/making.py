"""Making a model's key folder: from its circuit and a reference string to keys and verifier contract."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import ezkl

from oracle.proving.ceremony import Ceremony, ceremony_of, shipped_ceremony
from oracle.proving.circuit import Circuit, compile_circuit, read_circuit
from oracle.proving.errors import KeysFault, ProvingFailed
from oracle.proving.exchange import beside, exchange
from oracle.proving.keys import (
    CIRCUIT,
    FILES,
    MANIFEST,
    PROVING_KEY,
    SEEN,
    SETTINGS,
    SRS,
    VERIFIER,
    VERIFYING_KEY,
    Keys,
    check_keys,
    read_keys,
)
from oracle.proving.library_home import ensure_home
from oracle.proving.reference_string import DEVELOPMENT, PRODUCTION, fetch, generate, sha256_of, take_file
from oracle.proving.solidity import write_verifier


def setup(
    model_dir: Path,
    keys_dir: Path,
    srs: str | Path = DEVELOPMENT,
    say: Callable[[str], None] = lambda line: None,
    ceremony: Ceremony | None = None,
) -> Keys:
    """Make the key folder of a model, or return it untouched when it is whole and fits.

    `srs` is "development" (generated here, so forgeable), "production" (the shipped ceremony's; needs the network) or a
    path to a file, which counts as what its hash says: the shipped ceremony's, the operator's own `ceremony`'s, or
    development. A reference string that is in the folder already, and is what was asked for, is used again. Everything
    but a generated reference string is a function of the model folder and the reference string.
    The folder is made beside the old one, which stays as it is when a step fails.
    Raises KeysFault for a broken model folder or reference string, ProvingFailed when EZKL refuses a step.
    """
    ensure_home()
    circuit, keys_dir = read_circuit(model_dir), keys_dir.resolve()
    if not isinstance(srs, Path) and srs not in (DEVELOPMENT, PRODUCTION):
        raise KeysFault(f"unknown reference string {srs!r}: expected {DEVELOPMENT}, {PRODUCTION} or a path")
    _refuse_strangers(keys_dir)
    if (done := _existing(keys_dir, circuit, srs, ceremony)) is not None:
        say(f"keys in {keys_dir} are whole and fit the model: nothing to do")
        return done
    try:
        with beside(keys_dir) as staging:
            _make_srs(srs, circuit, keys_dir, staging / SRS, ceremony, say)
            _refuse_worse(keys_dir, circuit, staging / SRS, ceremony)
            keys = _make(circuit, staging, say)
            _write_manifest(keys, ceremony)
            exchange(staging, keys_dir, MANIFEST)
    except OSError as error:
        raise KeysFault(f"the keys could not be written below {keys_dir.parent}: {error}") from error
    say(f"a deployed verifier takes proofs of these keys when it was compiled from {keys_dir / VERIFIER}, and no other")
    return read_keys(keys_dir)


def _make(circuit: Circuit, folder: Path, say: Callable[[str], None]) -> Keys:
    """Make everything that follows from the circuit and the reference string in `folder`."""
    shutil.copyfile(circuit.settings, folder / SETTINGS)
    say(f"circuit ({circuit.rows} rows)")
    compile_circuit(circuit, folder / CIRCUIT)
    say("proving key and verifying key")
    compiled, verifying, proving, reference = (
        str(folder / name) for name in (CIRCUIT, VERIFYING_KEY, PROVING_KEY, SRS)
    )
    try:
        ezkl.setup(compiled, verifying, proving, reference)  # type: ignore[call-arg] # the stub forgets the defaults
    except RuntimeError as error:
        raise ProvingFailed(f"EZKL made no keys for {circuit.model_dir}: {error}") from error
    say("verifier contract")
    write_verifier(folder / VERIFYING_KEY, folder / SETTINGS, folder / SRS, folder / VERIFIER)
    return Keys(
        folder=folder,
        model_id=circuit.model_id,
        logrows=circuit.logrows,
        output_scales=circuit.output_scales,
        sha256={name: sha256_of(folder / name) for name in FILES},
    )


def _existing(keys_dir: Path, circuit: Circuit, srs: str | Path, own: Ceremony | None) -> Keys | None:
    """Return the folder's keys when they are whole, the model's, and made from what is asked for, or better."""
    if not (keys_dir / MANIFEST).is_file():
        return None
    try:
        keys = check_keys(keys_dir, circuit.model_id)
    except KeysFault:
        return None  # made anew by the caller
    if keys.sha256[SETTINGS] != sha256_of(circuit.settings):
        return None
    if isinstance(srs, Path):
        return keys if srs.is_file() and sha256_of(srs) == keys.sha256[SRS] else None
    # Keys of a ceremony serve for development too: to put forgeable ones in their place would be a loss.
    return keys if srs == DEVELOPMENT or keys.srs_kind(own) == PRODUCTION else None


def _make_srs(
    srs: str | Path,
    circuit: Circuit,
    keys_dir: Path,
    target: Path,
    own: Ceremony | None,
    say: Callable[[str], None],
) -> None:
    k = circuit.logrows
    if isinstance(srs, Path):
        take_file(srs, k, target, own)
    elif (kept := _kept_srs(keys_dir, circuit)) and (srs == DEVELOPMENT or ceremony_of(k, sha256_of(kept))):
        # Another development string would make another verifier: the one on the chain would refuse every proof.
        say(f"the reference string in {keys_dir} is whole: used again")
        shutil.copyfile(kept, target)
    elif srs == PRODUCTION:
        say(f"fetching the ceremony's reference string (2^{k} rows)")
        fetch(circuit, target)
    else:
        generate(k, target)
    sha256 = sha256_of(target)
    if (ceremony := ceremony_of(k, sha256, own)) is not None:
        say(f"reference string of ceremony {ceremony.name}, 2^{k} rows")
        return
    say(f"development reference string, 2^{k} rows: whoever made it can forge proofs; for local chains only")
    if isinstance(srs, Path):
        expected = (own or shipped_ceremony()).how_to_get(k)
        say(f"  {srs} is not a ceremony's: its SHA-256 is {sha256}; expected: {expected}")


def _kept_srs(keys_dir: Path, circuit: Circuit) -> Path | None:
    """Return the folder's reference string when it is of the circuit's size and as its manifest says."""
    try:
        keys = read_keys(keys_dir)
    except KeysFault:
        return None
    kept = keys_dir / SRS
    fits = keys.logrows == circuit.logrows and kept.is_file() and sha256_of(kept) == keys.sha256[SRS]
    return kept if fits else None


def _refuse_worse(keys_dir: Path, circuit: Circuit, made: Path, own: Ceremony | None) -> None:
    """Refuse to put keys of a development reference string in the place of a ceremony's."""
    if not (keys_dir / MANIFEST).is_file() or ceremony_of(circuit.logrows, sha256_of(made), own) is not None:
        return
    try:
        before = read_keys(keys_dir).ceremony(own)
    except KeysFault:
        return
    if before is not None:
        raise KeysFault(
            f"{keys_dir} holds keys of ceremony {before.name}, and a development reference string would take their "
            "place: name another folder with --keys, or make these again with `risk-oracle setup --srs production`"
        )


def _refuse_strangers(keys_dir: Path) -> None:
    """Refuse a folder with anything else in it: the whole folder is exchanged for the new one."""
    if not keys_dir.exists():
        return
    if not keys_dir.is_dir():
        raise KeysFault(f"{keys_dir} is no folder: name another with --keys")
    ours = {MANIFEST, SEEN, *FILES}
    if strangers := sorted(path.name for path in keys_dir.iterdir() if path.name not in ours):
        raise KeysFault(
            f"{keys_dir} holds more than keys ({', '.join(strangers[:5])}): name a folder of the keys' own with --keys"
        )


def _write_manifest(keys: Keys, own: Ceremony | None) -> None:
    content = {
        "model_id": keys.model_id.hex(),
        "logrows": keys.logrows,
        # For people: what counts is the hash below.
        "srs": keys.srs_kind(own),
        "output_scales": list(keys.output_scales),
        "sha256": keys.sha256,
    }
    # Written last: a folder with a manifest is a finished folder.
    (keys.folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")
