"""What every chain accepts: no contract's runtime code is larger than EIP-170 allows."""

import json
from importlib.resources import files

import pytest

EIP_170_BYTES = 24_576
RELEASED = json.loads((files("oracle.chain") / "abi" / "runtime.json").read_text())


@pytest.mark.parametrize("name", RELEASED)
def test_runtime__when_released__then_every_chain_accepts_it(name: str) -> None:
    assert 0 < RELEASED[name]["bytes"] <= EIP_170_BYTES
