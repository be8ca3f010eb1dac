"""A second real model beside the shipped one: its score a sixteenth lower, its own circuit, keys and verifier."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from oracle.devnet.machinery.node import REPOSITORY, node_binary
from oracle.models import registry
from oracle.models.export import WEIGHTS, export
from oracle.models.registry import ShippedModel
from oracle.models.weights import load_weights
from oracle.proving.keys import SRS, VERIFIER, read_keys
from oracle.proving.making import setup

NAME = "credit-next"
LOWER = 2.0**-4
_SCORE = 3


@dataclass(frozen=True)
class TwoModels:
    """The shipped model and a second one: their folders' parent, keys of both, compiled verifiers of both."""

    first: ShippedModel
    second: ShippedModel
    directory: Path
    keys: Path
    build: Path


def make_two_models(folder: Path) -> TwoModels:
    """Make the second model below `folder`; skips the test when the first one's keys and verifier are not there."""
    first = registry.load()
    first_keys = REPOSITORY / "build" / "keys" / first.name
    compiled = REPOSITORY / "build" / "contracts" / "verifiers" / first.name
    if not (first_keys / "manifest.json").is_file() or not compiled.is_dir():
        pytest.skip("the shipped model's keys and verifier are not made: run `make setup`")
    if read_keys(first_keys).model_id != first.model_id:
        pytest.skip(f"{first_keys} holds another model's keys: run `make setup`")
    network = load_weights(first.directory / WEIGHTS)
    with torch.no_grad():
        network.outputs.bias[_SCORE] -= LOWER
    export(network, folder / "models" / NAME, NAME)
    keys, build = folder / "keys", folder / "contracts"
    # The same reference string: making one of its own would only take longer.
    setup(folder / "models" / NAME, keys / NAME, first_keys / SRS)
    _compile(keys / NAME / VERIFIER, build / "verifiers" / NAME)
    (keys / first.name).symlink_to(first_keys)
    (build / "verifiers" / first.name).symlink_to(compiled)
    return TwoModels(first, registry.load(folder / "models" / NAME), folder / "models", keys, build)


def _compile(source: Path, target: Path) -> None:
    script = REPOSITORY / "hardhat" / "scripts" / "verifier.mjs"
    command = [str(node_binary()), str(script), str(source)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    artifact = target / "Verifier.sol" / "Halo2Verifier.json"
    artifact.parent.mkdir(parents=True)
    [compiled] = json.loads(made.stdout)
    artifact.write_text(json.dumps(compiled))
