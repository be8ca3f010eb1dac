"""What is sent to create this project's contracts: their code, as the Solidity build wrote it, with arguments."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from eth_abi.abi import encode


def creation_code(contract: str, *arguments: Any) -> bytes:
    """Return a contract's creation code with its constructor's arguments appended.

    A struct is a tuple; raises EncodingError for arguments that the constructor does not take.
    """
    content = _artifact(contract)
    types = [_canonical(item) for item in content["inputs"]]
    return bytes.fromhex(content["bytecode"].removeprefix("0x")) + encode(types, arguments)


def creation_size(contract: str) -> int:
    """Return how many bytes a contract's creation code has, without arguments."""
    return len(_artifact(contract)["bytecode"]) // 2 - 1


@cache
def _artifact(contract: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((files("oracle.chain") / "artifacts" / f"{contract}.json").read_text())
    return loaded


def _canonical(item: dict[str, Any]) -> str:
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_canonical(part) for part in item['components'])}){kind.removeprefix('tuple')}"
