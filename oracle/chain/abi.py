"""The contracts' ABIs, as the Solidity build wrote them."""

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def abi(contract: str) -> list[dict[str, Any]]:
    """Return the ABI of one of this project's contracts by name."""
    loaded: list[dict[str, Any]] = json.loads((files("oracle.chain") / "abi" / f"{contract}.json").read_text())
    return loaded
