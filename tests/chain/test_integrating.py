"""What the documents show to integrators: Solidity that is compiled and attacked, consents that the oracle takes."""

import json
import re
import runpy
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from web3 import HTTPProvider, Web3

from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.node import REPOSITORY, node_binary
from tests.support.oracle_on_chain import COMMITMENT, FEE_WEI, OracleOnChain, oracle_on

CONTRACTS: Final = REPOSITORY / "contracts"
HARDHAT: Final = REPOSITORY / "hardhat"
GUIDE: Final = CONTRACTS / "INTEGRATING.md"
ZERO: Final = "0x" + "00" * 20
TERMS: Final = (ZERO, 3 * 10**18, ZERO, 5 * 10**18, 30 * 86_400)
TERM_NAMES: Final = ("principalToken", "principal", "collateralToken", "collateral", "duration")
VALID_UNTIL: Final = 2**40
# Compiles every interface alone, with the oldest compiler that they promise.
OLD_COMPILER: Final = """
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
const solc = createRequire(process.cwd() + "/")("solc-0.8.4");
const names = readdirSync("contracts/interfaces");
const sources = Object.fromEntries(
  names.map((name) => [name, { content: readFileSync(`contracts/interfaces/${name}`, "utf8") }]),
);
const settings = { outputSelection: { "*": { "*": ["abi"] } } };
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
console.log(JSON.stringify({ version: solc.version(), errors: output.errors ?? [], names }));
"""


def blocks(file: Path, language: str) -> list[str]:
    """Return the code blocks of a language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", file.read_text(), re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return the project's documents, where it has any."""
    folders = ("contracts", "deploy", "docs", "oracle")
    return [*REPOSITORY.glob("*.md"), *(file for name in folders for file in (REPOSITORY / name).rglob("*.md"))]


def run_module(text: str) -> str:
    """Run an ECMAScript module where the npm packages are; return what it printed."""
    command = [str(node_binary()), "--input-type=module", "--eval", text]
    ended = subprocess.run(command, cwd=HARDHAT, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_solidity__in_any_document__is_part_of_an_example_that_the_tests_attack() -> None:
    examples = {file.stem: file.read_text() for file in (CONTRACTS / "examples").glob("*.sol")}
    found = [(file, block) for file in documents() for block in blocks(file, "solidity")]
    assert {REPOSITORY / "README.md", GUIDE} <= {file for file, _ in found}
    for file, block in found:
        assert any(block in example for example in examples.values()), f"{file} shows what no example holds:\n{block}"
    attacked = (HARDHAT / "tests" / "Example.t.sol").read_text()
    assert all(f"new {name}" in attacked for name in examples)


def test_interfaces__with_the_oldest_compiler_that_they_promise__compile_alone() -> None:
    compiled = json.loads(run_module(OLD_COMPILER))
    assert compiled["version"].startswith("0.8.4+")
    assert "IAIRiskOracle.sol" in compiled["names"]
    assert [error["formattedMessage"] for error in compiled["errors"]] == []


@pytest_asyncio.fixture
async def oracle() -> AsyncIterator[OracleOnChain]:
    async with Anvil() as chain, oracle_on(chain) as deployed:
        yield deployed


async def accepted(oracle: OracleOnChain, valid_until: int, signature: bytes) -> None:
    """Ask as a lending contract would, with the consent that a snippet made."""
    commitment = COMMITMENT.to_bytes(32, "big")
    before = await oracle.transactor.read(oracle.deployed, "nonces", oracle.user.address)
    await oracle.transactor.call(
        oracle.owner,
        oracle.deployed,
        "requestAssessmentFor",
        oracle.user.address,
        TERMS,
        commitment,
        (valid_until, signature),
        value=FEE_WEI,
    )
    assert await oracle.transactor.read(oracle.deployed, "nonces", oracle.user.address) == before + 1


def javascript_terms() -> str:
    fields = ", ".join(
        f'{name}: "{value}"' if isinstance(value, str) else f"{name}: {value}n"
        for name, value in zip(TERM_NAMES, TERMS, strict=True)
    )
    return f"{{ {fields} }}"


@pytest.mark.parametrize("library", ["viem", "ethers"])
async def test_consent__by_the_javascript_snippet__is_taken(oracle: OracleOnChain, library: str) -> None:
    viem, ethers = blocks(GUIDE, "js")
    assert 'from "viem"' in viem
    assert 'from "ethers"' in ethers
    key, url = Web3.to_hex(oracle.user.key), oracle.chain.rpc_url
    if library == "viem":
        snippet = 'import { privateKeyToAccount } from "viem/accounts";\n' + viem
        who = f'"{url}", privateKeyToAccount("{key}")'
    else:
        types = viem[viem.index("export const types") : viem.index("export async function")]
        snippet = f'import {{ JsonRpcProvider, Wallet }} from "ethers";\n{types}\n{ethers}'
        who = f'new Wallet("{key}", new JsonRpcProvider("{url}"))'
    what = (
        f'{{ oracle: "{oracle.deployed.address}", requester: "{oracle.owner.address}", terms: {javascript_terms()}, '
        f'dataCommitment: "0x{COMMITMENT:064x}", validUntil: {VALID_UNTIL}n }}'
    )
    # Twice: the second is signed over the next nonce.
    for _ in range(2):
        said = json.loads(
            run_module(
                f"{snippet}\nconst signed = await consent({who}, {what});\n"
                "console.log(JSON.stringify({ validUntil: Number(signed.validUntil), signature: signed.signature }));\n"
                "process.exit(0);\n"
            )
        )
        await accepted(oracle, said["validUntil"], bytes.fromhex(said["signature"][2:]))


async def test_consent__by_the_python_snippet__is_taken(oracle: OracleOnChain, tmp_path: Path) -> None:
    (snippet,) = blocks(GUIDE, "python")
    (tmp_path / "snippet.py").write_text(snippet)
    space: dict[str, Any] = runpy.run_path(str(tmp_path / "snippet.py"))
    viem = blocks(GUIDE, "js")[0]
    literal = viem[viem.index("export const types = ") + len("export const types = ") : viem.index(";\n\nexport async")]
    types = json.loads(re.sub(r",(\s*[\]}])", r"\1", re.sub(r"(\w+):", r'"\1":', literal)))
    w3 = Web3(HTTPProvider(oracle.chain.rpc_url))
    for _ in range(2):
        valid_until, signature = space["consent"](
            w3,
            named_account("user"),
            types,
            oracle.deployed.address,
            oracle.owner.address,
            dict(zip(TERM_NAMES, TERMS, strict=True)),
            COMMITMENT.to_bytes(32, "big"),
            VALID_UNTIL,
        )
        await accepted(oracle, valid_until, bytes(signature))
