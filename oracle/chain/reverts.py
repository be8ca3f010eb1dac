"""Reverts in words: custom-error selectors from the ABI, and what an operator should make of them."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak
from web3.exceptions import ContractCustomError, ContractLogicError

from oracle.assessment.errors import OracleError
from oracle.chain.abi import abi
from oracle.nodes.refusals import NodeError

_CONTRACTS: Final = (
    "AIRiskOracle",
    "ModelRegistry",
    "SmartLending",
    "IssuerRegistry",
    "AcceptedIssuers",
    "ApprovalRegistry",
    "AcceptedApprovals",
)
# Solidity's own: require() with a text, and failed assertions, overflows, wrong indices.
_BUILT_IN: Final = (("Error", ["message"], ["string"]), ("Panic", ["code"], ["uint256"]))

# Four bytes name the error, words follow: an address or a hash in a text is none.
_HEX_DATA: Final = re.compile(r"\b0x((?:[0-9a-fA-F]{8})(?:[0-9a-fA-F]{64})*)\b")
_WHOLE_HEX: Final = re.compile(r"(?:Reverted )?0x((?:[0-9a-fA-F]{2})*)")
_WORDS: Final = re.compile(r"\w+")


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
    return f"0x{value.hex()}" if isinstance(value, bytes) else _printable(str(value))


def explain_refusal(error: NodeError) -> Reverted:
    """Return the refusal behind a node's answer to a call, wherever it puts what the contract said.

    Some leave out the data, or put them into an object, behind a word, or into the message; some name the error there.
    """
    data = _data_of(error.data) or _data_of(error.text)
    if data:
        return explain_revert(data)
    names = {name: name for name, _, _ in _errors().values() if name not in ("Error", "Panic")}
    named = next((names[word] for word in _WORDS.findall(error.text) if word in names), "")
    return Reverted(named, f"the contract reverted: {_printable(error.text) or 'no reason given'}")


def _data_of(value: Any) -> bytes:
    """Return the revert data in whatever a node sent, at any depth; nothing when there are none."""
    if isinstance(value, str):
        found = _WHOLE_HEX.fullmatch(value) or _HEX_DATA.search(value)
        return b"" if found is None else bytes.fromhex(found[1])
    several: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next(filter(None, map(_data_of, several)), b"")


def _printable(text: str) -> str:
    """Return a text without what no database or terminal takes: contracts may put any bytes into theirs."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def from_web3(error: ContractLogicError | ContractCustomError) -> Reverted:
    """Return the refusal behind a web3 exception."""
    return explain_refusal(NodeError("eth_call", 3, error.message or "", error.data))
