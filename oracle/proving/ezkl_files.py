"""EZKL's steps of one proof, and of the key it needs, over files in a folder of the caller's own: nothing else.

A witness holds the private features in the clear: the folder must be private, and must not outlive the proof.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ezkl

from oracle.proving.circuit import Circuit, compile_circuit, witness_data
from oracle.proving.errors import ProvingFailed
from oracle.proving.field import from_hex, to_hex

_WITNESS = "witness.json"


def solve(folder: Path, circuit: Path, *tensors: Sequence[int]) -> tuple[int, ...]:
    """Write the witness of input tensors; return the instances that a proof will show: hashes, then outputs.

    Raises ProvingFailed with EZKL's words, without the numbers in them: they may be the private features.
    """
    data = folder / "input.json"
    data.write_text(witness_data(*(tuple(tensor) for tensor in tensors)))
    try:
        ezkl.gen_witness(str(data), str(circuit), str(folder / _WITNESS))  # type: ignore[call-arg] # stub without defaults
    except RuntimeError as error:
        words = re.sub(r"\d+", "#", str(error))
        raise ProvingFailed(f"EZKL found no witness: {words}") from None
    witness = json.loads((folder / _WITNESS).read_text())
    hashes = (witness.get("processed_inputs") or {}).get("poseidon_hash") or []
    shown = [*hashes, *(element for tensor in witness["outputs"] for element in tensor)]
    return tuple(from_hex(text) for text in shown)


def prove(folder: Path, circuit: Path, proving_key: Path, srs: Path) -> tuple[bytes, tuple[int, ...]]:
    """Prove the witness in the folder; return the proof and its instances. Raises ProvingFailed with EZKL's words."""
    target = folder / "proof.json"
    try:
        ezkl.prove(str(folder / _WITNESS), str(circuit), str(proving_key), str(target), str(srs))
    except RuntimeError as error:
        raise ProvingFailed(f"EZKL made no proof: {error}") from error
    made = json.loads(target.read_text())
    [column] = made["instances"]
    return bytes(made["proof"]), tuple(from_hex(text) for text in column)


def verify(
    folder: Path, settings: Path, verifying_key: Path, srs: Path, proof: bytes, instances: Sequence[int]
) -> bool:
    """Return whether a proof holds for these instances under the verifying key."""
    path = folder / "judged.json"
    path.write_text(json.dumps(_proof_file(proof, instances)))
    try:
        return bool(
            ezkl.verify(str(path), str(settings), str(verifying_key), str(srs))  # type: ignore[call-arg] # stub without defaults
        )
    except RuntimeError:
        return False  # how EZKL says that a proof does not hold


def make_proving_key(circuit: Circuit, srs: Path, folder: Path) -> Path:
    """Make a model's proving key from a reference string and return its file; raises ProvingFailed.

    Model and reference string decide every byte of it.
    """
    compiled, target = folder / "circuit.ezkl", folder / "proving.key"
    compile_circuit(circuit, compiled)
    try:
        ezkl.setup(str(compiled), str(folder / "verifying.key"), str(target), str(srs))  # type: ignore[call-arg] # as above
    except RuntimeError as error:
        raise ProvingFailed(f"EZKL made no keys for {circuit.model_dir}: {error}") from error
    return target


def write_verifying_key(proving_key: Path, settings: Path, target: Path) -> None:
    """Write the verifying key that a proving key holds; raises ProvingFailed when it is none of these settings."""
    try:
        ezkl.gen_vk_from_pk_single(str(proving_key), str(settings), str(target))
    except RuntimeError as error:
        raise ProvingFailed(f"{proving_key} is no proving key of these settings: {error}") from error


def _proof_file(proof: bytes, instances: Sequence[int]) -> dict[str, Any]:
    return {
        "protocol": None,
        "instances": [[to_hex(element) for element in instances]],
        "proof": list(proof),
        "hex_proof": "0x" + proof.hex(),
        "split": None,
        "pretty_public_inputs": None,
        "timestamp": None,
        "version": None,
    }
