"""`risk-oracle contracts deploy` as its users run it: a process, in a folder of its own, on a local chain."""

import asyncio
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from oracle.commands.deployment.means import Means
from oracle.commands.deployment.order import order
from oracle.config.model import ModelSettings
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.node import REPOSITORY
from oracle.models.registry import DEFAULT_MODEL

KEYS: Final = REPOSITORY / "build" / "keys"
SETTINGS: Final = "risk-oracle.toml"
_COMMAND: Final = str(Path(sys.executable).with_name("risk-oracle"))


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    output: str
    said: str


@dataclass(slots=True)
class Operator:
    """Somebody with a folder, a key file and an endpoint."""

    chain: Anvil
    folder: Path
    deployer: LocalAccount = field(default_factory=lambda: named_account("deployer"))
    signer: str = named_account("signer").address

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        write_secret(self.folder / "deployer.key", "0x" + bytes(self.deployer.key).hex())

    async def fund(self) -> None:
        """Give the deployer coins."""
        await self.chain.set_balance(self.deployer.address, 1_000 * ETHER)

    async def deploy(self, *arguments: str, key: tuple[str, ...] = ("--key-file", "deployer.key")) -> Ended:
        """Run the command with what every deployment needs, and these arguments."""
        given = [*self.required(), *key, *arguments]
        if "--coin-price-usd" not in given and "--coin-price-feed" not in given:
            given += ["--coin-price-usd", "2000"]
        return await run(self.folder, "contracts", "deploy", *given)

    def required(self) -> tuple[str, ...]:
        """The arguments that every deployment has here, but for the deployer's key."""
        chain = ("--rpc-url", self.chain.rpc_url, "--chain-id", str(self.chain.chain_id))
        return (*chain, "--signer", self.signer, "--keys", str(KEYS), "--write", SETTINGS)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were written."""
        return tomllib.loads((self.folder / SETTINGS).read_text())

    @property
    def records(self) -> dict[str, Any]:
        """The records of what was done, a deed a name."""
        file = self.folder / "deployments" / f"{self.chain.chain_id}.json"
        deeds: dict[str, Any] = json.loads(file.read_text())["deeds"]
        return deeds

    @property
    def addresses(self) -> dict[str, str]:
        """The deployed contracts by name."""
        return {name: deed["address"] for name, deed in self.records.items() if deed["address"]}


async def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Ended:
    """Run a command of risk-oracle to its end, in a folder."""
    process = await asyncio.create_subprocess_exec(
        _COMMAND,
        *arguments,
        cwd=folder,
        env=os.environ | dict(environment or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, said = await process.communicate()
    return Ended(process.returncode or 0, output.decode(), said.decode())


def write_secret(file: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    file.touch(mode=0o600)
    file.write_text(text)


@dataclass(slots=True)
class Deploying:
    """The same without a process of its own: what was said, and whether all is done."""

    operator: Operator
    said: list[str] = field(default_factory=list)

    async def __call__(
        self, *, means: Means | None = None, options: Mapping[str, Any] | None = None, **given: Any
    ) -> bool:
        """Deploy with what every deployment needs, and these; raises what refuses it."""
        chain, folder = self.operator.chain, self.operator.folder
        asked: dict[str, Any] = {
            "chain_id": chain.chain_id,
            "rpc_url": chain.rpc_url,
            "rpc_url_file": None,
            "profile": None,
            "parameters": None,
            "model": DEFAULT_MODEL,
            "model_settings": ModelSettings(keys=KEYS),
            "build": folder,
            "records": folder / "records.json",
            "signers": [self.operator.signer],
            "signer_key_file": None,
            "fund_signer": None,
            "coin_price_feed": None,
            "coin_price_usd": 2_000,
            "max_fee_gwei": 200,
            "wait_seconds": 0.0,
        }
        found, _ = order(
            means=means or Means(key_file=folder / "deployer.key"),
            options=dict(options or {}),
            say=self.said.append,
            **asked | given,
        )
        async with found.deployment(lambda: "", self.said.append) as deployment:
            return await deployment.run()

    @property
    def deeds(self) -> dict[str, Any]:
        """What the records hold, a deed a name."""
        deeds: dict[str, Any] = json.loads((self.operator.folder / "records.json").read_text())["deeds"]
        return deeds
