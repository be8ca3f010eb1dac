"""Reverts in words: custom-error selectors from the ABI, and what an operator should make of them."""

from functools import cache
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from web3.exceptions import ContractCustomError, ContractLogicError

from oracle.assessment.errors import OracleError
from oracle.chain.abi import abi

_CONTRACTS: Final = ("AIRiskOracle", "ModelRegistry", "SmartLending")
# Solidity's own: require() with a text, and failed assertions, overflows, wrong indices.
_BUILT_IN: Final = (("Error", ["message"], ["string"]), ("Panic", ["code"], ["uint256"]))


class Reverted(OracleError):
    """The contract refused a call; `name` is the custom error's name, empty when it has none."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


@cache
def _errors() -> dict[bytes, tuple[str, list[str], list[str]]]:
    table = {keccak(text=f"{name}({types[0]})")[:4]: (name, labels, types) for name, labels, types in _BUILT_IN}
    for contract in _CONTRACTS:
        for entry in abi(contract):
            if entry["type"] == "error":
                types = [_canonical(item) for item in entry["inputs"]]
                selector = keccak(text=f"{entry['name']}({','.join(types)})")[:4]
                table[selector] = (entry["name"], [item["name"] for item in entry["inputs"]], types)
    return table


def _canonical(item: dict[str, Any]) -> str:
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_canonical(part) for part in item['components'])}){kind.removeprefix('tuple')}"


def explain_revert(data: bytes) -> Reverted:
    """Return the refusal that revert data stand for, with the error's arguments by name."""
    known = _errors().get(data[:4])
    if known is None:
        return Reverted("", f"the contract reverted with 0x{data.hex()}" if data else "the contract reverted")
    name, labels, types = known
    try:
        values = decode(types, data[4:])
    except (DecodingError, UnicodeDecodeError):
        return Reverted(name, f"the contract reverted: {name}")
    shown = ", ".join(f"{label}={_show(value)}" for label, value in zip(labels, values, strict=True))
    return Reverted(name, f"the contract reverted: {name}({shown})")


def _show(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def from_web3(error: ContractLogicError | ContractCustomError) -> Reverted:
    """Return the refusal behind a web3 exception."""
    data = error.data
    if isinstance(data, str) and data.startswith("0x"):
        return explain_revert(bytes.fromhex(data[2:]))
    return Reverted("", f"the contract reverted: {error.message or 'no reason given'}")
