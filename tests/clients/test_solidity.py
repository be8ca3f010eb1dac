"""The npm package for contracts: packed, installed into an empty project, and compiled there."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from oracle.devnet.machinery.node import NODE_MODULES, REPOSITORY
from tests.clients.test_js import node, npm

PACKAGE: Final = REPOSITORY / "clients" / "solidity"
CONTRACTS: Final = REPOSITORY / "contracts"
# Compiles a project's sources with what its node_modules hold, as Hardhat and Foundry find it.
COMPILE: Final = """
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
const [compiler, modules, project, ...names] = process.argv.slice(2);
const solc = createRequire(modules + "/")(compiler);
const find = (name) => {
  const file = `${project}/node_modules/${name}`;
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `${name} is not installed` };
};
const read = (name) => readFileSync(existsSync(name) ? name : `${project}/node_modules/${name}`, "utf8");
const sources = Object.fromEntries(names.map((name) => [name, { content: read(name) }]));
const settings = { viaIR: compiler === "solc", outputSelection: { "*": { "*": ["evm.bytecode.object"] } } };
const input = JSON.stringify({ language: "Solidity", sources, settings });
const output = JSON.parse(solc.compile(input, { import: find }));
const codes = Object.values(output.contracts ?? {}).flatMap((file) =>
  Object.entries(file).map(([name, contract]) => [name, contract.evm.bytecode.object.length / 2]),
);
const errors = (output.errors ?? []).map((one) => one.formattedMessage);
console.log(JSON.stringify({ errors, codes: Object.fromEntries(codes) }));
"""
MINE: Final = """
// SPDX-License-Identifier: MIT
pragma solidity >=0.8.4;

import {AssessmentReceiver} from "@risk-oracle/contracts/base/AssessmentReceiver.sol";
import {IAIRiskOracle} from "@risk-oracle/contracts/interfaces/IAIRiskOracle.sol";
import {Applications} from "@risk-oracle/contracts/lib/Applications.sol";

contract Mine is AssessmentReceiver {
    using Applications for Applications.Book;

    Applications.Book private _book;
    uint16 public score;

    constructor(IAIRiskOracle oracle_) AssessmentReceiver(oracle_) {
        _book.oracle = oracle_;
    }

    function _onAssessment(uint256, address, IAIRiskOracle.Assessment calldata assessment) internal override {
        score = assessment.score;
    }
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project with the package installed from its tarball; OpenZeppelin stands beside it."""
    folder = tmp_path_factory.mktemp("solidity")
    (packed,) = json.loads(npm("pack", "--json", "--pack-destination", str(folder), cwd=PACKAGE))
    (folder / "package.json").write_text('{"name": "mine", "private": true}')
    npm("install", "--offline", "--no-audit", "--no-fund", str(folder / packed["filename"]), cwd=folder)
    (folder / "node_modules" / "@openzeppelin").symlink_to(NODE_MODULES / "@openzeppelin")
    return folder


def compiled(project: Path, compiler: str, *names: str) -> dict[str, Any]:
    script = project / "compile.mjs"
    script.write_text(COMPILE)
    return dict(json.loads(node(str(script), compiler, str(NODE_MODULES), str(project), *names, cwd=project)))


def test_package__installed__holds_the_contracts_as_they_are(project: Path) -> None:
    installed = project / "node_modules" / "@risk-oracle" / "contracts"
    files = sorted(file.relative_to(installed) for file in installed.rglob("*.sol"))
    assert len(files) == 10
    for file in files:
        assert (installed / file).read_text() == (CONTRACTS / file).read_text()
    assert {path.name for path in installed.iterdir() if path.is_file()} == {
        "INTEGRATING.md", "README.md", "package.json",
    }  # fmt: skip


@pytest.mark.parametrize("compiler", ["solc-0.8.4", "solc"])
def test_package__in_an_authors_contract__compiles_with_the_oldest_and_the_present_compiler(
    project: Path, compiler: str
) -> None:
    (project / "Mine.sol").write_text(MINE)
    found = compiled(project, compiler, "Mine.sol")
    assert found["errors"] == []
    assert found["codes"]["Mine"] > 500


def test_package__then_its_examples_and_its_mock_compile(project: Path) -> None:
    names = [f"@risk-oracle/contracts/{name}" for name in (
        "examples/CreditPool.sol", "examples/ToldLimits.sol", "mocks/MockAIRiskOracle.sol",
    )]  # fmt: skip
    found = compiled(project, "solc", *names)
    assert found["errors"] == []
    assert all(found["codes"][name] > 500 for name in ("CreditPool", "ToldLimits", "MockAIRiskOracle"))


def test_package__then_git_has_no_copies_of_the_contracts() -> None:
    told = subprocess.run(
        ["/usr/bin/git", "-C", str(REPOSITORY), "ls-files", "clients/solidity"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(line.endswith(".sol") for line in told.stdout.splitlines())
