"""Setting up as an operator does: compose's commands in their order, all refusals of a start, the schema on the way."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.stack import Stack
from oracle.processes import start
from oracle.store.embedded import create_database
from tests.commands.test_compose_file import COMPOSE, DOCKERFILE, EXAMPLE, KEYS
from tests.daemon.conftest import changed, refusal
from tests.daemon.watching import ask, until_state

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = str(Path(sys.executable).with_name("risk-oracle"))


class Machine:
    """A folder that stands for the host and for what compose mounts into the containers; without a container engine."""

    def __init__(self, folder: Path, stack: Stack, database_url: str) -> None:
        self.folder, self.stack, self.database_url = folder, stack, database_url
        self.port = free_port()
        (folder / "secrets").mkdir()
        (folder / "keys").mkdir()
        for name, text in {
            "signer.key": "0x" + bytes(named_account("operator").key).hex(),
            "rpc.url": stack.chain.rpc_url,
            "database.password": "not asked for on a socket",
        }.items():
            (folder / "secrets" / name).write_text(text + "\n")
            (folder / "secrets" / name).chmod(0o400)

    def settings(self) -> None:
        """Write risk-oracle.toml: the example, with what its comments ask the operator to put right."""
        own = self.stack.settings_file.read_text()
        text = EXAMPLE.replace("chain_id = 1\n", f"chain_id = {self.stack.chain.chain_id}\n")
        text = text.replace("0x0000000000000000000000000000000000000001", self.stack.oracle_address)
        text = text.replace("confirmations = 12", "confirmations = 1")
        # A local chain has no entry in the registry of networks.
        history = own[own.index("[history]") : own.index("[model]")]
        (self.folder / "risk-oracle.toml").write_text(re.sub(r'\[history\]\nnetwork = "ethereum".*\n', history, text))

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        """Return what a container of a service sees, its paths being those of this machine."""
        image = dict(re.findall(r"(RISK_ORACLE_\w+)=(\S+)", DOCKERFILE))
        inside = {**image, **service.get("environment", {})}
        mapped = {name: self.path(text, service) for name, text in inside.items()}
        if "RISK_ORACLE_DATABASE__URL" in mapped:
            assert mapped["RISK_ORACLE_DATABASE__URL"] == "postgresql://oracle@database/oracle"
            mapped["RISK_ORACLE_DATABASE__URL"] = self.database_url
        web = {"RISK_ORACLE_WEB__HOST": "127.0.0.1", "RISK_ORACLE_WEB__PORT": str(self.port)}
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | mapped | web

    def command(self, service: dict[str, Any]) -> list[str]:
        words = service.get("command") or re.findall(r'"([^"]+)"', re.findall(r"^CMD \[(.*)\]$", DOCKERFILE, re.M)[0])
        return [COMMAND, *(self.path(word, service) for word in words)]

    def path(self, text: str, service: dict[str, Any]) -> str:
        """Return a container's path as one of this machine; only what the service mounts is there."""
        mounts = dict(mount.split(":")[1::-1] for mount in service.get("volumes", []))
        secrets = {f"/run/secrets/{name}": COMPOSE["secrets"][name]["file"] for name in service.get("secrets", [])}
        for inside, outside in (mounts | secrets).items():
            if text.startswith(inside):
                return str(self.folder / outside) + text.removeprefix(inside)
        return text


@pytest.fixture
async def machine(stack: Stack, tmp_path: Path) -> Machine:
    made = Machine(tmp_path, stack, create_database(stack.database_url, "composed"))
    made.settings()
    return made


def run(machine: Machine, name: str, *, instead: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    service = COMPOSE["services"][name]
    words = [(instead or {}).get(word, word) for word in machine.command(service)]
    return subprocess.run(
        words,
        cwd=machine.folder,
        env=machine.environment(service),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


async def test_compose__in_its_order_with_the_example_settings__then_a_request_is_answered(
    stack: Stack, machine: Machine
) -> None:
    services = COMPOSE["services"]
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["oracle"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    # The ceremony's string is not fetched by a test: the development keys' own makes keys that fit this chain.
    string = str(stack.settings.model.keys / "kzg.srs")
    made = await asyncio.to_thread(run, machine, "keys", instead={"production": string})
    assert made.returncode == 0, made.stderr
    assert (machine.folder / "keys" / "credit-v1" / "proving.key").is_file()
    migrated = await asyncio.to_thread(run, machine, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    service = services["oracle"]
    # The settings name the keys by their path in the container.
    settings = machine.folder / "risk-oracle.toml"
    assert f'keys = "{KEYS}"' in settings.read_text()
    settings.write_text(settings.read_text().replace(KEYS, str(machine.folder / "keys")))
    log = stack.folder / "composed.log"
    child = start("the daemon", machine.command(service), log, env=machine.environment(service), cwd=machine.folder)
    stack.daemons.append(child)
    await until_ready(machine.port, child)
    assert "setting_doubted" not in log.read_text()
    wanted, before = await ask(stack, "composed"), stack.database_url
    stack.database_url = machine.database_url
    try:
        await until_state(stack, wanted.request_id, State.CONFIRMED, State.FINAL)
    finally:
        stack.database_url = before
        stack.stop_daemons()


async def test_compose__when_the_settings_are_wrong__then_the_step_before_the_daemon_refuses(machine: Machine) -> None:
    (machine.folder / "risk-oracle.toml").write_text("[chian]\n")
    ended = await asyncio.to_thread(run, machine, "migrate")
    assert ended.returncode == 2
    assert "chian: is not a setting; did you mean chain?" in ended.stderr


# ------------------------------------------------------------------ a start that is refused, and one on an empty schema


async def test_start__with_several_things_wrong__then_all_are_told_at_once(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0x" + bytes(named_account("stranger").key).hex())
    empty, lists = create_database(stack.database_url, "behind"), tmp_path / "no-list.csv"
    text = changed(stack.settings_file, "key_file", f'"{tmp_path / "key"}"')
    text = re.sub(r'(?m)^url = ".*"$', f'url = "{empty}"', text)
    text = re.sub(r'(?m)^keys = ".*"$', f'keys = "{tmp_path / "nowhere"}"', text)
    said = await refusal(stack, text + f'\n[labels]\nlists = [{{ file = "{lists}" }}]\n')
    lines = [line for line in said.splitlines() if line.startswith("risk-oracle: ")]
    assert len(lines) >= 4, said
    told = "\n".join(lines)
    assert "the database is behind" in told
    assert "is not a registered signer" in told
    assert str(tmp_path / "nowhere") in told
    assert str(lists) in told


async def test_start__with_upgrade_on_an_empty_database__then_it_serves(stack: Stack) -> None:
    url = create_database(stack.database_url, "upgraded")
    settings = stack.settings_file.with_name("upgraded.toml")
    settings.write_text(changed(stack.settings_file, "url", f'"{url}"'))
    child = start("the daemon", [COMMAND, "run", "--upgrade", "--config", str(settings)], stack.folder / "upgraded.log")
    stack.daemons.append(child)
    await until_ready(stack.settings.web.port, child)
    stack.stop_daemons()


async def test_start__with_a_key_for_everybody_and_no_market__then_it_is_doubted_in_the_log(
    stack: Stack, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("0x" + bytes(named_account("operator").key).hex())
    key.chmod(0o644)
    text = changed(stack.settings_file, "key_file", f'"{key}"')
    text = text[: text.index("[[history.aave_v3]]")] + text[text.index("[model]") :]
    said = await refusal(stack, re.sub(r"(?m)^chain_id = .*$", "chain_id = 1337", text))
    assert "setting_doubted" in said
    assert f"everybody on this machine can read the file {key}" in said
    assert "history: no market, exchange or lender is named" in said


async def until_ready(port: int, child: Any) -> None:
    """Wait until a daemon says that it is ready; fails with its last words when it ends."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(120):
        while True:
            assert child.running, child.tail(30)
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # not listening yet
            await asyncio.sleep(0.1)
