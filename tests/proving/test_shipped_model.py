"""What the issue asks of the shipped model's circuit: small enough to prove on, small enough to deploy."""

import json

import pytest

from oracle.devnet.machinery.artifacts import BUILD
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import ShippedModel
from oracle.proving.keys import Keys, read_keys

LARGEST_LOGROWS = 12
LARGEST_RUNTIME_BYTES = 24_576
"""EIP-170; the verifier must stay under it."""


def test_circuit__of_the_shipped_model__has_few_rows(shipped: ShippedModel, keys: Keys) -> None:
    settings = json.loads(shipped.settings.read_text())
    assert settings["run_args"]["logrows"] == keys.logrows <= LARGEST_LOGROWS
    assert settings["num_rows"] < 2**keys.logrows


def test_verifier__compiled__fits_a_contract(shipped: ShippedModel) -> None:
    folder = REPOSITORY / "build" / "keys" / shipped.name
    artifact = BUILD / "verifiers" / shipped.name / "Verifier.sol" / "Halo2Verifier.json"
    if not (folder / "manifest.json").is_file() or not artifact.is_file():
        pytest.skip("the shipped model's keys and verifier are not made: run `make setup`")
    if read_keys(folder).model_id != shipped.model_id:
        pytest.skip(f"{folder} holds another model's keys: run `make setup`")
    code = bytes.fromhex(json.loads(artifact.read_text())["deployedBytecode"].removeprefix("0x"))
    assert 0 < len(code) < LARGEST_RUNTIME_BYTES
