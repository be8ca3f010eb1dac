"""Setting up as an operator does: compose's commands in their order, all refusals of a start, the schema on the way."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from oracle.assessment.states import State
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.stack import Stack
from oracle.processes import start
from oracle.store.embedded import EmbeddedPostgres, create_database
from tests.commands.test_compose_file import EXAMPLE, KEYS
from tests.daemon.conftest import changed, refusal
from tests.daemon.watching import ask, until_state
from tests.support.composed import NOT_HERE, SERVICES, Machine, is_job, order
from tests.support.prometheus import Prometheus

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMAND = str(Path(sys.executable).with_name("risk-oracle"))


def write_settings(machine: Machine, stack: Stack) -> None:
    """Write risk-oracle.toml: the example, with what its comments ask the operator to put right."""
    own = stack.settings_file.read_text()
    text = EXAMPLE.replace("chain_id = 1\n", f"chain_id = {stack.chain.chain_id}\n")
    text = text.replace("0x0000000000000000000000000000000000000001", stack.oracle_address)
    text = text.replace("confirmations = 12", "confirmations = 1")
    # A local chain has no entry in the registry of networks.
    history = own[own.index("[history]") : own.index("[model]")]
    text = re.sub(r'\[history\]\nnetwork = "ethereum".*\n', history, text)
    # The settings name the keys by their path in the container.
    assert f'keys = "{KEYS}"' in text
    (machine.folder / "risk-oracle.toml").write_text(text.replace(KEYS, str(machine.folder / "keys")))


@pytest.fixture(scope="module")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of these tests' own: it asks for passwords."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("composed") / "data", durable=False) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="module")
async def machine(stack: Stack, database_server: str, tmp_path: Path) -> AsyncIterator[Machine]:
    secrets = {
        "signer.key": "0x" + bytes(named_account("operator").key).hex(),
        "rpc.url": stack.chain.rpc_url,
        "database.password": "of the owner",
        "reader.password": "of who it's that reads",
        "grafana.password": "of nobody here",
    }
    made = Machine(tmp_path, database_server, secrets)
    write_settings(made, stack)
    try:
        yield made
    finally:
        made.stop()


async def test_compose__in_its_order_with_the_example_settings__then_all_of_it_serves(
    stack: Stack, machine: Machine
) -> None:
    owner_url = machine.prepare()
    # The ceremony's string is not fetched by a test: the development keys' own makes keys that fit this chain.
    string = str(stack.settings.model.keys / "kzg.srs")
    made = await asyncio.to_thread(machine.run, "keys", {"production": string})
    assert made.returncode == 0, made.stderr
    assert (machine.folder / "keys" / "credit-v1" / "proving.key").is_file()
    point_prometheus(machine)
    assert order().index("reader") < order().index("dashboard") > order().index("oracle")
    for name in order():
        for needed, wanted in SERVICES[name].get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                await until_healthy(machine, needed)
        if name in NOT_HERE:
            continue
        if is_job(name):
            ended = await asyncio.to_thread(machine.run, name)
            assert ended.returncode == 0, f"{name}: {ended.stdout}{ended.stderr}"
        else:
            machine.start(name)
    (daemon,) = [child for child in machine.children if child.name == "oracle"]
    await until_ready(machine.ports[8080], daemon)
    assert "setting_doubted" not in (machine.folder / "oracle.log").read_text()
    wanted_request, before = await ask(stack, "composed"), stack.database_url
    stack.database_url = owner_url
    try:
        await until_state(stack, wanted_request.request_id, State.CONFIRMED, State.FINAL)
    finally:
        stack.database_url = before
    await until_healthy(machine, "dashboard")
    async with aiohttp.ClientSession() as session:
        shown = f"http://127.0.0.1:{machine.ports[8081]}/requests/{wanted_request.request_id}"
        async with session.get(shown) as page:
            assert page.status == 200
    await until_scraped(machine)


def point_prometheus(machine: Machine) -> None:
    """Put this machine's port in the place of the service's name, which only compose's network knows."""
    file = machine.folder / "deploy" / "prometheus.yml"
    told = yaml.safe_load(file.read_text())
    assert told["scrape_configs"][0]["static_configs"] == [{"targets": ["oracle:8080"]}]
    told["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{machine.ports[8080]}"]}]
    told["global"]["scrape_interval"] = "1s"
    file.write_text(yaml.safe_dump(told))


async def until_healthy(machine: Machine, name: str) -> None:
    async with asyncio.timeout(120):
        while not await asyncio.to_thread(machine.healthy, name):
            machine.start_again()
            await asyncio.sleep(0.2)


async def until_scraped(machine: Machine) -> None:
    """Wait until compose's Prometheus has the daemon's metrics."""
    one = Prometheus(f"http://127.0.0.1:{machine.ports[9090]}")
    async with asyncio.timeout(60):
        while True:
            try:
                if found := await one.query('risk_oracle_part_ok{job="risk-oracle",part="chain"}'):
                    assert found[0]["value"][1] == "1"
                    return
            except aiohttp.ClientConnectionError:
                pass  # not listening yet
            await asyncio.sleep(0.2)


async def test_compose__when_the_settings_are_wrong__then_the_step_before_the_daemon_refuses(machine: Machine) -> None:
    (machine.folder / "secrets").mkdir()
    for name in ("signer.key", "rpc.url", "database.password"):
        (machine.folder / "secrets" / name).write_text("what the settings never come to")
    (machine.folder / "risk-oracle.toml").write_text("[chian]\n")
    ended = await asyncio.to_thread(machine.run, "migrate")
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
