"""The npm package, on Node, installed as others install it, against a running daemon."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from oracle.devnet.machinery.node import REPOSITORY, node_binary
from tests.clients.conftest import Running
from tests.daemon.watching import borrower

PACKAGE = REPOSITORY / "clients" / "js"


def node(*arguments: str, cwd: Path = PACKAGE, environment: dict[str, str] | None = None) -> str:
    path = f"{node_binary().parent}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        [str(node_binary()), *arguments],
        cwd=cwd,
        env={**os.environ, "PATH": path, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def npm(*arguments: str, cwd: Path = PACKAGE) -> str:
    return node(str(node_binary().parents[1] / "lib/node_modules/npm/bin/npm-cli.js"), *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the packed package, with the dependencies of the lock file."""
    project = tmp_path_factory.mktemp("project")
    (packed,) = json.loads(npm("pack", "--json", "--pack-destination", str(project)))
    modules = project / "node_modules"
    modules.mkdir()
    for found in (PACKAGE / "node_modules").iterdir():
        if not found.name.startswith("."):
            (modules / found.name).symlink_to(found)
    target = modules / "@risk-oracle" / "client"
    target.mkdir(parents=True)
    subprocess.run(
        ["/bin/tar", "-xzf", str(project / packed["filename"]), "-C", str(target), "--strip-components=1"], check=True
    )
    files = {file["path"] for file in packed["files"]}
    assert {"dist/index.js", "dist/index.d.ts", "README.md", "package.json"} <= files
    assert not any(name.startswith(("src/", "test/")) for name in files)
    return project


def run(project: Path, script: str, environment: dict[str, str], *arguments: str) -> str:
    target = project / Path(script).name
    target.write_text((PACKAGE / script).read_text())
    return node("--preserve-symlinks", str(target), *arguments, cwd=project, environment=environment)


def test_abi__in_the_package__is_the_contracts() -> None:
    node("scripts/abi.mjs", "--check")


def test_types__of_the_package__know_the_contract_and_refuse_what_is_wrong(installed: Path) -> None:
    (installed / "types.ts").write_text((PACKAGE / "test" / "types.ts").read_text())
    options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--skipLibCheck"]
    node(str(PACKAGE / "node_modules/typescript/bin/tsc"), *options, "--preserveSymlinks", "types.ts", cwd=installed)


def test_readme__of_the_package__has_code_that_loads(installed: Path) -> None:
    (code,) = re.findall(r"```js\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    (installed / "readme.mjs").write_text(code + "\nconsole.log(typeof lend);\n")
    assert node("--preserve-symlinks", "readme.mjs", cwd=installed).strip() == "function"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(400)
async def test_story__of_a_loan__is_asked_with_consent_answered_read_and_checked(
    running: Running, installed: Path
) -> None:
    stack = running.stack
    person, lender = await borrower(stack, "in JavaScript"), await borrower(stack, "lends in JavaScript")
    environment = {
        "RPC_URL": stack.chain.rpc_url,
        "CHAIN_ID": str(stack.chain.chain_id),
        "ORACLE": stack.contracts.oracle.address,
        "API_URL": running.url,
        "API_KEY": running.key,
        "BORROWER_KEY": "0x" + bytes(person.key).hex(),
        "LENDER_KEY": "0x" + bytes(lender.key).hex(),
        "START_BLOCK": str(stack.contracts.start_block),
    }
    told: dict[str, Any] = json.loads(await asyncio.to_thread(run, installed, "test/story.mjs", environment))

    assert told["outcome"]["state"] == "answered"
    scores = told["outcome"]["scores"]
    assert scores["score"] == round(told["preview"]["assessment"]["risk_score"] * 100)
    assert told["verdict"]["scores"] == scores, "what the contract stored is what the outputs decode to"
    assert [claim["name"] for claim in told["verdict"]["claims"]] == [
        "request", "block", "signatures", "model", "proof", "scores",
    ]  # fmt: skip
    assert told["verdict"]["holds"] is True, told["verdict"]
    assert told["byApi"]["holds"] is True
    assert [one["name"] for one in told["refused"]["claims"] if not one["holds"]] == ["proof"]
    assert told["refused"]["scores"] is None
    assert told["told"]["consent_typed_data"]["message"]["requester"] == lender.address
    assert list(told["wrongField"]["fields"]) == ["body.loan_duration"]
    assert told["unknown"]["kind"] == "NothingToVerify"
    assert "InvalidConsent" in told["usedTwice"]["message"]
