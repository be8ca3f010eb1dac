"""The page of the contracts, from their NatSpec as the compiler reads it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from oracle.devnet.machinery.node import REPOSITORY, node_binary

HARDHAT = REPOSITORY / "hardhat"
# What an integrator meets, in the order of meeting it.
SHOWN = (
    "contracts/interfaces/IAIRiskOracle.sol",
    "contracts/interfaces/IAssessmentReceiver.sol",
    "contracts/lib/Applications.sol",
    "contracts/interfaces/IModelRegistry.sol",
    "contracts/interfaces/ILendingDesk.sol",
    "contracts/interfaces/IApprovalRegistry.sol",
    "contracts/interfaces/IAcceptedApprovals.sol",
    "contracts/mocks/MockAIRiskOracle.sol",
)
_KINDS = (("function", "Functions", "methods"), ("event", "Events", "events"), ("error", "Errors", "errors"))
_IMPORT = re.compile(r'^import\s+(?:[^"\']*from\s+)?["\']([^"\']+)["\'];', re.MULTILINE)


def page() -> str:
    """Return the page; raises RuntimeError with the compiler's word where it compiles nothing."""
    lines = [
        "# Contracts",
        "",
        "From the sources' own comments; [asking the oracle](../integrate/solidity.md) has the steps.",
        "",
    ]
    compiled = documented()
    for source in SHOWN:
        name = Path(source).stem
        lines += _contract(name, compiled[source][name])
    return "\n".join(lines) + "\n"


def documented() -> dict[str, dict[str, Any]]:
    """Return ABI and NatSpec of each source's contracts: no code is made, so it is quick."""
    wanted = {"*": {"*": ["abi", "devdoc", "userdoc"]}}
    asked = {"language": "Solidity", "sources": _sources(), "settings": {"outputSelection": wanted, "viaIR": True}}
    done = subprocess.run(
        [str(node_binary()), str(HARDHAT / "scripts" / "solc.mjs"), "--standard-json"],
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = (
        json.loads(done.stdout) if done.returncode == 0 else {"errors": [{"severity": "error", "message": done.stderr}]}
    )
    errors = [one["message"] for one in told.get("errors", []) if one["severity"] == "error"]
    if errors:
        raise RuntimeError("the contracts' documentation: " + "; ".join(errors))
    return dict(told["contracts"])


def _sources() -> dict[str, dict[str, str]]:
    """Return the shown sources and all that they import."""
    found: dict[str, dict[str, str]] = {}
    left = list(SHOWN)
    while left:
        name = left.pop()
        if name in found:
            continue
        folder = REPOSITORY if name.startswith("contracts/") else HARDHAT / "node_modules"
        text = (folder / name).read_text()
        found[name] = {"content": text}
        for target in _IMPORT.findall(text):
            path = Path(name).parent / target if target.startswith(".") else Path(target)
            left.append(str(path.as_posix()) if not target.startswith(".") else _normal(path))
    return found


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _contract(name: str, told: dict[str, Any]) -> list[str]:
    user, developer = told["userdoc"], told["devdoc"]
    lines = [f"## {name}", "", *_words(user.get("notice"), developer.get("details"))]
    for kind, title, group in _KINDS:
        entries = [one for one in told["abi"] if one["type"] == kind]
        if entries:
            lines += [f"### {title} of {name}", ""]
        for entry in sorted(entries, key=lambda one: str(one["name"])):
            lines += _entry(entry, user.get(group, {}), developer.get(group, {}))
    return lines


def _entry(entry: dict[str, Any], user: dict[str, Any], developer: dict[str, Any]) -> list[str]:
    signature = f"{entry['name']}({','.join(_canonical(one) for one in entry['inputs'])})"
    shown = ", ".join(f"{_short(one)} {one['name']}".strip() for one in entry["inputs"])
    gives = ", ".join(f"{_short(one)} {one['name']}".strip() for one in entry.get("outputs", []))
    ours, theirs = _first(user.get(signature)), _first(developer.get(signature))
    head = f"`{entry['name']}({shown})`" + (f" → `{gives}`" if gives else "")
    how = entry.get("stateMutability")
    lines = [f"#### {entry['name']}", "", head + (f" *{how}*" if how in ("view", "pure", "payable") else ""), ""]
    lines += _words(ours.get("notice"), theirs.get("details"))
    for given in (theirs.get("params", {}), theirs.get("returns", {})):
        lines += [f"- `{name}`: {_escaped(text)}" for name, text in given.items()]
    return [*lines, ""]


def _first(told: Any) -> dict[str, Any]:
    # Errors come as a list: several contracts may declare one of the same signature.
    return (told[0] if isinstance(told, list) else told) or {}


def _canonical(one: dict[str, Any]) -> str:
    if not one["type"].startswith("tuple"):
        return str(one["type"])
    return f"({','.join(_canonical(inner) for inner in one['components'])}){one['type'].removeprefix('tuple')}"


def _short(one: dict[str, Any]) -> str:
    # "struct IAIRiskOracle.LoanTerms calldata" without the words that every one has.
    told = one.get("internalType") or one["type"]
    return re.sub(r"^(?:struct|enum|contract) ", "", told).rpartition(".")[2]


def _words(*told: str | None) -> list[str]:
    return [line for text in told if text for line in (_escaped(text), "")]


def _escaped(text: str) -> str:
    # NatSpec's braces name what stands elsewhere.
    return re.sub(r"\{([\w-]+)\}", r"`\1`", " ".join(text.split()).replace("<", "&lt;"))
