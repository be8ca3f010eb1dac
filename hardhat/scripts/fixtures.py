"""Proves sample inputs with the shipped model and writes build/fixtures/proofs.json for the Solidity tests.

Does nothing when the fixtures fit the keys and this script. The samples are found, not chosen by hand: of many random
inputs, one for each category, one with private data, and one whose outputs reach the most clip limits, at both ends.
Beside them stand the outputs of some more of each category, without proofs, and the same samples without private data
proven by the open circuit.
"""

import asyncio
import hashlib
import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from oracle.assessment.features import ENCODED_ONE, FEATURES, NEUTRAL_PRIVATE, PRIVATE_FEATURES, SALT_ELEMENTS
from oracle.assessment.outputs import Scores, decode_outputs
from oracle.models.inference import Model
from oracle.models.registry import DEFAULT_MODEL, load
from oracle.proving.keys import VERIFIER, VERIFYING_KEY, read_keys
from oracle.proving.prover import Proof, Prover

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build" / "fixtures" / "proofs.json"
CANDIDATES = 20_000
DRAWN_OF_EACH = 32


def main() -> None:
    model = load(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_MODEL)
    folder = ROOT / "build" / "keys" / model.name
    keys = read_keys(folder)
    script = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    circuit, open_folder = model.open_circuit, ROOT / "build" / "keys" / f"{model.name}-open"
    if circuit is None:
        sys.exit(f"model {model.name} has no open circuit: export it again")
    made_with = [one.sha256[name] for one in (keys, read_keys(open_folder)) for name in (VERIFYING_KEY, VERIFIER)]
    stamp = "".join([*made_with, script])
    if TARGET.is_file() and json.loads(TARGET.read_text())["stamp"] == stamp:
        print(f"{TARGET.relative_to(ROOT)} fits the keys: nothing to do")
        return
    samples, drawn = find_samples(Model.open(model), model.output_scales)
    proofs = asyncio.run(prove_all(model.directory, folder, samples))
    open_samples = {name: (chain,) for name, (chain, _) in samples.items() if name != "private"}
    open_proofs = asyncio.run(prove_all(circuit.directory, open_folder, open_samples))
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "stamp": stamp,
        "model": model.name,
        "modelId": "0x" + model.model_id.hex(),
        "featureSpecHash": "0x" + model.feature_spec_hash.hex(),
        "neutralCommitment": hex(model.neutral_commitment),
        "scales": "0x" + bytes(model.output_scales).ljust(32, b"\0").hex(),
        "cases": {
            name: case(proof, decode_outputs(proof.outputs, model.output_scales)) for name, proof in proofs.items()
        },
        "openModel": circuit.name,
        "openModelId": "0x" + circuit.model_id.hex(),
        "openCases": {
            name: case(proof, decode_outputs(proof.outputs, circuit.output_scales))
            for name, proof in open_proofs.items()
        },
        "drawn": [str(output) for outputs in drawn for output in outputs],
    }
    TARGET.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{TARGET.relative_to(ROOT)}: {', '.join(proofs)}")


def find_samples(
    model: Model, scales: tuple[int, ...]
) -> tuple[dict[str, tuple[list[int], list[int]]], list[list[int]]]:
    """Return chain and private tensors by name, and outputs of the first inputs of each category, from a fixed seed.

    Raises SystemExit when a category is missed.
    """
    generator = torch.Generator().manual_seed(1)
    chains = torch.randint(0, ENCODED_ONE + 1, (CANDIDATES, len(FEATURES)), generator=generator)
    # Half of them sit at the ends of their ranges, where outputs are clipped.
    ends = torch.randint(0, 2, chains.shape, generator=generator) * ENCODED_ONE
    chains[::2] = ends[::2]
    neutral = [0] * (len(PRIVATE_FEATURES) + SALT_ELEMENTS)
    private = torch.zeros((CANDIDATES, len(PRIVATE_FEATURES)), dtype=chains.dtype)
    with torch.inference_mode():
        rows = model.network(chains, private).tolist()
    samples: dict[str, tuple[list[int], list[int]]] = {}
    drawn: dict[str, list[list[int]]] = {"low": [], "medium": [], "high": []}
    most_clipped = (-1, -1)
    for chain, row in zip(chains.tolist(), rows, strict=True):
        scores = decode_outputs(row, scales)
        category = scores.category.name.lower()
        if len(drawn[category]) < DRAWN_OF_EACH:
            drawn[category].append(row)
        eligible = category != "low" or (scores.score_bps >= 7_000 and scores.fraud_likelihood_bps < 2_000)
        if eligible and scores.maximum_ltv_bps > 0 and scores.duration_days > 0:
            samples.setdefault(category, (chain, neutral))
        empty = sum(value <= 0 for value in row[3:])
        full = sum(value >= 1 << scale for value, scale in zip(row[3:], scales[3:], strict=True))
        # One at each end comes before many at one end.
        clipped = (min(empty, 1) + min(full, 1), empty + full)
        if clipped > most_clipped:
            most_clipped = clipped
            samples["clipped"] = (chain, neutral)
    if missing := {"low", "medium", "high"} - samples.keys():
        sys.exit(f"none of {CANDIDATES} random inputs gives the category {', '.join(sorted(missing))}")
    values = torch.randint(0, ENCODED_ONE + 1, (len(PRIVATE_FEATURES) - 1,), generator=generator)
    opened = [ENCODED_ONE, *values.tolist()]
    salt = [secrets.randbits(32) for _ in range(SALT_ELEMENTS)]
    samples["private"] = (samples["low"][0], opened + salt)
    if neutral[: len(NEUTRAL_PRIVATE)] != list(NEUTRAL_PRIVATE):
        sys.exit(f"the model's neutral private tensor begins with {neutral[: len(NEUTRAL_PRIVATE)]}: train it again")
    return samples, [outputs for rows in drawn.values() for outputs in rows]


async def prove_all(
    model_folder: Path, keys_folder: Path, samples: Mapping[str, tuple[list[int], ...]]
) -> dict[str, Proof]:
    """Return the samples' proofs, each verified: with private data, or without by an open circuit."""
    proofs = {}
    async with Prover(model_folder, keys_folder) as prover:
        for name, tensors in samples.items():
            proof = await (prover.prove_open(*tensors) if len(tensors) == 1 else prover.prove(*tensors))
            if not await prover.verify(proof):
                sys.exit(f"the proof of sample {name!r} does not verify")
            proofs[name] = proof
    return proofs


def case(proof: Proof, scores: Scores) -> dict[str, object]:
    """Return one case as the tests read it; integers as text, because JSON readers lose digits."""
    return {
        "proof": "0x" + proof.proof.hex(),
        "instances": [str(instance) for instance in proof.instances],
        "outputs": [str(output) for output in proof.outputs],
        "decoded": [
            int(scores.category),
            scores.score_bps,
            scores.probability_of_default_bps,
            scores.fraud_likelihood_bps,
            scores.interest_rate_bps,
            scores.duration_days,
            scores.maximum_ltv_bps,
            scores.confidence_bps,
        ],
    }


if __name__ == "__main__":
    main()
