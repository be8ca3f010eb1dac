"""Runs Slither over the contracts: what it reports of medium weight or higher must be explained here.

    python hardhat/scripts/slither.py SLITHER

SLITHER is its executable, from an environment of its own: it pins another web3 than the daemon does. Exit code 1 for a
finding that nobody explained, and for an explanation that nothing needs any more.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

from oracle.devnet.machinery.node import REPOSITORY, node_binary

OUT = REPOSITORY / "build" / "slither-findings"
FILES = (
    "AIRiskOracle",
    "ModelRegistry",
    "approval/AcceptedApprovals",
    "approval/ApprovalRegistry",
    "issuers/AcceptedIssuers",
    "issuers/IssuerRegistry",
    "lending/SmartLending",
    "lending/TokenLender",
    "adapters/EasPublisher",
    "examples/CreditPool",
    "examples/ToldLimits",
)
EXPLAINED = {
    "reentrancy-eth LendingDesk._request": "the lenders' entrances are nonReentrant, and the callee is the oracle",
    "uninitialized-state LoanBook._loans": "a mapping needs no first value",
    "unused-return LendingDesk._request": "of the two lifetimes only the request's is needed",
    "unused-return TokenLender._principalFor": "of the feed's round only price and time are needed",
    "unused-return EasPublisher.constructor": "the schema's id is known beforehand",
    "reentrancy-no-eth EasPublisher.publish": "the service is the deployer's choice, calls nobody for this schema, "
    "and a second attestation of the same assessment would do no harm",
    "incorrect-equality LoanBook._lock": "nothing is locked and nothing came: there is nothing to do",
    "incorrect-equality SmartLending.fund": "what rounds down to exactly no share is refused",
    "incorrect-equality SmartLending._withdraw": "what rounds down to exactly no money is refused",
    "msg-value-in-nonpayable AIRiskOracle._request": "private, and both functions that call it are payable",
    "unused-return AIRiskOracle._checkConsent": "who signed and whether that failed is all there is to know",
    "msg-value-in-nonpayable LendingDesk._request": "private, and both functions that call it are payable",
    "uninitialized-local LendingDesk.requestLoan.none": "nobody vouches: empty is what it shall be",
    "unused-return AIRiskOracle._answer": "a committed statement is about one request: its batch size is one",
    "unused-return Applications._allows": "whether the model still answers counts, not whether it is the primary",
    "unused-return Applications._checkVouched": "it reverts for what it does not accept, and nobody here keeps the number",
    "unused-return ApprovalRegistry._isSigned": "who signed and whether that failed is all there is to know",
    "unused-return IssuerRegistry._checkSignature": "who signed and whether that failed is all there is to know",
    "unused-return LoanBook.reclaimFee": "why it was declined decides, not when",
    "unused-return Refusals._checkPlain": "why it was declined decides, not when",
}


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    found = {finding for name in FILES for finding in findings(sys.argv[1], f"contracts/{name}.sol")}
    for finding in sorted(found & EXPLAINED.keys()):
        print(f"{finding}: {EXPLAINED[finding]}")
    if found != EXPLAINED.keys():
        new, gone = sorted(found - EXPLAINED.keys()), sorted(EXPLAINED.keys() - found)
        sys.exit(f"not explained: {new or 'nothing'}; explained, but not found any more: {gone or 'nothing'}")


def findings(slither: str, source: str) -> Iterator[str]:
    """Yield what Slither finds in a source and the project's contracts that it imports."""
    report = OUT / f"{source.replace('/', '-')}.json"
    report.unlink(missing_ok=True)
    command = [slither, source, "--solc", "hardhat/scripts/solc.mjs", "--json", str(report)]
    command += ["--filter-paths", "@openzeppelin|node_modules", "--exclude-low", "--exclude-informational"]
    command += ["--exclude-optimization"]
    environment = os.environ | {"PATH": f"{node_binary().parent}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    answer = json.loads(report.read_text()) if report.is_file() else {"success": False}
    if not answer["success"]:
        sys.exit(f"Slither could not read {source}:\n{ended.stderr[-3000:]}")
    for one in answer["results"].get("detectors", []):
        yield f"{one['check']} {'.'.join(path(one['elements'][0]))}"


def path(element: dict) -> list[str]:
    """Return the names from the contract down to an element."""
    parent = element.get("type_specific_fields", {}).get("parent")
    above = path(parent) if parent and parent["type"] != "file" else []
    return [*above, element["name"]]


if __name__ == "__main__":
    main()
