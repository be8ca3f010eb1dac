"""A stranger with the wheel, an endpoint and a funded key: three commands to a daemon that serves."""

import asyncio
import contextlib
import hashlib
import json
import os
import resource
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import ezkl
import psutil
import pytest
from eth_account import Account

from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil, free_port
from oracle.devnet.machinery.artifacts import project
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import load
from oracle.processes import Child, start
from tests.support.deploying import write_secret

CHAIN_ID = 424_242
FIVE_MINUTES = 300.0
PATIENCE_SECONDS = 400.0
TIMELOCK_SECONDS, BLOCK_SECONDS, LOOK_SECONDS = 60.0, 2, 1.0
PASSWORD = "a stranger's"
ANSWERED = 2
TERMS = ("0x" + "00" * 20, ETHER, "0x" + "00" * 20, 2 * ETHER, 30 * 86_400)
LOGROWS = 12


@dataclass(frozen=True)
class Stranger:
    """Somebody outside the checkout: an environment with the wheel in it, and an empty folder."""

    python: Path
    folder: Path

    @property
    def command(self) -> Path:
        """The installed command."""
        return self.python.with_name("risk-oracle")

    def run(self, *arguments: str) -> None:
        """Run a command to its end; fails with what it said."""
        ended = subprocess.run(
            [self.command, *arguments], cwd=self.folder, env=_environment(), capture_output=True, text=True, check=False
        )
        if ended.returncode != 0:
            pytest.fail(
                f"risk-oracle {' '.join(arguments)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
            )


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    """The wheel of this tree in a fresh environment; its dependencies are this environment's, as they are."""
    folder = tmp_path_factory.mktemp("stranger")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = folder / "wheel"
    _run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, _source(folder / "source")])
    venv.create(folder / "environment", with_pip=False)
    python = folder / "environment" / "bin" / "python"
    _run([*pip, "--python", python, "install", "--no-deps", "--no-index", *built.glob("*.whl")])
    found = _run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    # A folder on the path, not a site's: what is installed for editing here is not found by it.
    (Path(found) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "home").mkdir()
    where = _run([python, "-c", "import oracle; print(oracle.__file__)"], cwd=folder / "home")
    assert Path(where.strip()).is_relative_to(folder), where
    return Stranger(python, folder / "home")


@pytest.fixture
def daemons() -> Iterator[list[Child]]:
    """Daemons that are ended with the test."""
    running: list[Child] = []
    yield running
    for child in running:
        child.stop(timeout_seconds=12)


_SERVED = """
import asyncio, re, sys
from pathlib import Path
import aiohttp
from aiohttp import web
import oracle.web.dashboard.install as dashboard
from oracle.assessment.request import Address
from oracle.config.dashboard import DashboardSettings
from oracle.web.dashboard.parts import Parts, page_engine

async def main():
    app = web.Application()
    engine = page_engine("postgresql://nobody@127.0.0.1:1/none")
    dashboard.install(app, Parts(engine, 1, Address("0x" + "11" * 20), DashboardSettings()))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as client:
        async with client.get(address + "/no-such-page") as page:
            text = await page.text()
        named = re.findall(r'(?:href|src)="(/static/[^"]+)"', text)
        assert page.status == 404 and len(named) >= 3, text
        for place in named:
            async with client.get(address + place) as found:
                assert found.status == 200 and await found.read(), place
    await runner.cleanup()

asyncio.run(main())
package = Path(sys.modules["oracle"].__file__).parent
files = (path for path in package.rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file())
print("\\n".join(sorted(path.relative_to(package).as_posix() for path in files)))
"""


def test_wheel__outside_the_checkout__serves_its_pages_and_holds_every_file_that_they_need(stranger: Stranger) -> None:
    told = _run([stranger.python, "-c", _SERVED], cwd=stranger.folder).split("\n")
    package = REPOSITORY / "oracle"
    here = (path for path in package.rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file())
    # Pages for who works on the source are not for who installs it; a model's card is.
    names = (path.relative_to(package).as_posix() for path in here)
    wanted = {name for name in names if not name.endswith(".md") or name.startswith("models/shipped/")}
    assert {"web/static/board.css", "web/templates/order.html", "web/api/static/docs.html"} <= wanted
    assert wanted - set(told) == set(), "the wheel lacks these files of the package"


@pytest.mark.timeout(1_500)
async def test_stranger__with_the_wheel_an_endpoint_and_a_funded_key__serves_after_three_commands(
    stranger: Stranger,
    daemons: list[Child],
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with Anvil(chain_id=CHAIN_ID, block_time=BLOCK_SECONDS) as chain:
        deployer = Account.create()
        await chain.set_balance(deployer.address, 10 * ETHER)
        ceremony = _held_ceremony(stranger.folder)
        write_secret(stranger.folder / "deployer.json", json.dumps(Account.encrypt(deployer.key, PASSWORD)))
        write_secret(stranger.folder / "deployer.password", PASSWORD + "\n")

        began, before = time.monotonic(), _processor_seconds()
        await asyncio.to_thread(stranger.run, "setup", "--srs", "ceremony.srs", "--ceremony", ceremony)
        made = time.monotonic()
        await asyncio.to_thread(
            stranger.run,
            *("contracts", "deploy", "--rpc-url", chain.rpc_url, "--chain-id", str(CHAIN_ID), "--profile", "testnet"),
            *("--keystore", "deployer.json", "--password-file", "deployer.password", "--ceremony", ceremony),
            *("--signer-key-file", "signer.key", "--fund-signer", "1", "--coin-price-usd", "3000"),
            *("--write", "risk-oracle.toml"),
        )
        deployed = time.monotonic()
        port = free_port()
        daemon = start(
            "the daemon",
            [stranger.command, "run", "--config", "risk-oracle.toml"],
            stranger.folder / "daemon.log",
            env=_environment() | {"RISK_ORACLE_WEB__PORT": str(port)},
            cwd=stranger.folder,
        )
        daemons.append(daemon)
        await _until_ready(daemon, port)
        seconds = {
            "setup": made - began,
            "contracts deploy, a timelock of 60 s with it": deployed - made,
            "run, until ready": time.monotonic() - deployed,
            "together": time.monotonic() - began,
        }
        # Where other programs use the processors, what was worked and waited for stands for the time without them.
        records = json.loads((stranger.folder / "deployments" / f"{CHAIN_ID}.json").read_text())["deeds"]
        waited = TIMELOCK_SECONDS + len(records) * (BLOCK_SECONDS + LOOK_SECONDS)
        worked = _processor_seconds(daemon) - before + waited
        seconds["worked and waited"] = worked
        with capsys.disabled():
            print("\n  " + ", ".join(f"{what} {taken:.0f} s" for what, taken in seconds.items()))
        for what, taken in seconds.items():
            record_property(what, taken)
        assert min(seconds["together"], worked) < FIVE_MINUTES

        await _ask_and_wait(chain, records["AIRiskOracle"]["address"], daemon)
        for secret in (PASSWORD, bytes(deployer.key).hex(), (stranger.folder / "signer.key").read_text().strip()[2:]):
            assert secret not in daemon.tail(10_000)
            assert secret not in json.dumps(records)


def _processor_seconds(running: Child | None = None) -> float:
    """What ended commands, and a running one with its children, have used of the processors."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ended.ru_utime + ended.ru_stime
    if running is not None:
        daemon = psutil.Process(running.pid)
        for process in (daemon, *daemon.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                seconds += sum(process.cpu_times()[:2])
    return seconds


async def _until_ready(daemon: Child, port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            if not daemon.running:
                break
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # not listening yet
            await asyncio.sleep(0.2)
    pytest.fail(f"the daemon is not ready:\n{daemon.tail(60)}")


async def _ask_and_wait(chain: Anvil, address: str, daemon: Child) -> None:
    """A first request of a wallet for itself, until the oracle has the answer."""
    oracle, wallet, transactor = project("AIRiskOracle").at(address), named_account("first"), Transactor(chain)
    await chain.set_balance(wallet.address, ETHER)
    fee = await transactor.read(oracle, "fee")
    commitment = load().neutral_commitment.to_bytes(32, "big")
    await transactor.call(wallet, oracle, "requestAssessment", TERMS, commitment, value=fee)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while await transactor.read(oracle, "stateOf", 1) != ANSWERED:
        if time.monotonic() > deadline or not daemon.running:
            pytest.fail(f"the first request was not answered:\n{daemon.tail(60)}")
        await asyncio.sleep(0.5)


def _held_ceremony(folder: Path) -> str:
    """A reference string that stands for a ceremony's, and the file that pins it."""
    srs = folder / "ceremony.srs"
    ezkl.gen_srs(str(srs), LOGROWS)
    digest = hashlib.sha256(srs.read_bytes()).hexdigest()
    (folder / "ceremony.toml").write_text(f'name = "held-for-this-test"\n\n[sha256]\n{LOGROWS} = "{digest}"\n')
    return "ceremony.toml"


def _source(target: Path) -> Path:
    """A copy of what the wheel is made of: building leaves files in the source folder."""
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (target / name).write_bytes((REPOSITORY / name).read_bytes())
    for name in ("oracle", "migrations"):
        _run(["cp", "--recursive", REPOSITORY / name, target / name])
    return target


def _environment() -> dict[str, str]:
    """A shell without this project's variables, in which the checkout is not on any path."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("RISK_ORACLE_") and name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }


def _run(command: list[str | Path], cwd: Path | None = None) -> str:
    ended = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=_environment(), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        pytest.fail(f"{command} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout
