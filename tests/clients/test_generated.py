"""A client that somebody else's generator makes from the API's document works against a running daemon."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from oracle.assessment.states import State
from oracle.devnet.machinery.node import REPOSITORY
from tests.clients.conftest import Running
from tests.daemon.watching import ask, until_state

GENERATOR: Final = REPOSITORY / "build" / "generator" / "bin"
ASKS: Final = Path(__file__).with_name("asks.py")


def run(*command: str, cwd: Path, **environment: str) -> str:
    path = f"{GENERATOR}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.timeout(300)
async def test_generated_client__of_the_document__asks_reads_and_verifies(running: Running, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/v1/openapi.json") as response:
        (tmp_path / "openapi.json").write_text(await response.text())
    (tmp_path / "config.yaml").write_text("project_name_override: made\npackage_name_override: generated\n")
    options = ["--path", "openapi.json", "--output-path", "made", "--config", "config.yaml", "--fail-on-warning"]
    await asyncio.to_thread(run, str(GENERATOR / "openapi-python-client"), "generate", *options, cwd=tmp_path)

    number = (await ask(running.stack, "asks for the generated client")).request_id
    await until_state(running.stack, number, State.FINAL)
    command = [str(GENERATOR / "python"), str(ASKS), running.url, str(number)]
    made = str(tmp_path / "made")
    said = await asyncio.to_thread(run, *command, cwd=tmp_path, API_KEY=running.key, PYTHONPATH=made)
    told: dict[str, Any] = json.loads(said)
    assert told["preview"]["thin"] is True
    assert told["wrong"] == ["body.loan_duration"]
    assert (told["request"]["request_id"], told["request"]["state"]) == (str(number), "final")
    assert told["verdict"]["holds"] is True, told["verdict"]
    assert told["models"] >= 1
