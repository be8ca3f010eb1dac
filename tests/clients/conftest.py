"""A daemon on a local stack, with a key of its API, for clients in other languages and by others' generators."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from oracle.devnet.stack import Stack, local_stack


@dataclass
class Running:
    """A running daemon and a key."""

    stack: Stack
    key: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.stack.settings.web.port}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with local_stack(tmp_path_factory.mktemp("stack"), histories=False, durable=False) as stack:
        await stack.start_daemon()
        command = [str(Path(sys.executable).with_name("risk-oracle")), "keys", "create", "--name", "test", "--json"]
        options = ["--scope", "read", "--scope", "assess", "--config", str(stack.settings_file)]
        made = await asyncio.to_thread(subprocess.run, [*command, *options], capture_output=True, text=True, check=True)
        yield Running(stack, str(json.loads(made.stdout)["key"]))
