"""The demo's issuer: a bank with records of its customers, its service as a process of its own, its key registered."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from eth_account.signers.local import LocalAccount

from oracle.assessment.request import Address, to_address
from oracle.devnet.machinery.accounts import named_account
from oracle.devnet.machinery.anvil import free_port
from oracle.devnet.stack import Stack
from oracle.issuers.holder import HolderKey
from oracle.issuers.keyring import KeyRing
from oracle.issuers.obtaining import Obtained, obtain
from oracle.issuers.records import write_records
from oracle.issuers.signing import KeyType
from oracle.passports.passport import Passport
from oracle.passports.schema import SCHEMA_HASH
from oracle.processes import Child, ProgramError, start

_START_SECONDS: Final = 60.0


@dataclass
class Bank:
    """A running issuer; `issuer_id` is its name in the registry."""

    settings: Path
    url: str
    issuer_id: bytes
    service: Child

    async def issue(self, account: LocalAccount) -> Obtained:
        """Let the bank make an offer, and a customer take it up: a fresh salt, both papers checked."""
        offer = await run("issuer", "offer", account.address, "--settings", str(self.settings), "--json")
        async with aiohttp.ClientSession() as session:
            return await obtain(session, offer, account, HolderKey.fresh())

    async def revoke(self, stack: Stack, commitment: int) -> None:
        """Withdraw what was issued for a commitment: in the status list, and in the registry."""
        key = stack.folder / "bank" / "payer.key"
        key.touch(mode=0o600)
        key.write_text("0x" + bytes(named_account("owner").key).hex())
        where = ("--rpc-url", stack.chain.rpc_url, "--key-file", str(key), "--settings", str(self.settings))
        await run("issuer", "revoke", f"0x{commitment:064x}", *where)


async def open_bank(stack: Stack, records: Mapping[Address, Passport], kind: KeyType) -> Bank:
    """Start the issuer over its records, and have its key and the lenders' trust in it registered."""
    folder = stack.folder / "bank"
    folder.mkdir(mode=0o700)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = folder / "issuer.toml"
    settings.write_text(
        f'url = "{url}"\nname = "First Bank of the Local Chain"\nchain_id = {stack.chain.chain_id}\n'
        f'registry = "{to_address(stack.contracts.issuers.address)}"\nport = {port}\n'
    )
    key = KeyRing.make(folder / "keys.json", kind).attestation_key.public
    write_records(folder / "records.json", dict(records))
    owner, registry, accepted = named_account("owner"), stack.contracts.issuers, stack.contracts.accepted_issuers
    await stack.transactor.call(owner, registry, "addIssuer", int(kind), key.key, "First Bank of the Local Chain")
    await stack.transactor.call(owner, registry, "setSchema", key.issuer_id, SCHEMA_HASH, True)
    await stack.transactor.call(owner, accepted, "setAccepted", key.issuer_id, SCHEMA_HASH, True)
    command = [*_PROGRAM, "issuer", "serve", "--settings", str(settings)]
    service = start("the bank", command, folder / "bank.log")
    await _answers(service, f"{url}/.well-known/openid-credential-issuer")
    return Bank(settings, url, key.issuer_id, service)


_PROGRAM: Final = (str(Path(sys.executable).with_name("risk-oracle")),)


async def run(*words: str) -> str:
    """Run one of the product's own commands and return what it printed; raises ProgramError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    printed, complained = await process.communicate()
    if process.returncode != 0:
        raise ProgramError(f"risk-oracle {words[0]} {words[1]} ended with {process.returncode}: {complained.decode()}")
    return printed.decode()


async def run_json(*words: str) -> Any:
    """Run a command with --json and return what it told; raises ProgramError."""
    return json.loads(await run(*words, "--json"))


async def _answers(service: Child, url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with aiohttp.ClientSession() as session:
        while True:
            if not service.running:
                raise ProgramError(f"the bank ended:\n{service.tail()}")
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass  # not listening yet
            if time.monotonic() > deadline:
                raise ProgramError(f"the bank was not there within {_START_SECONDS:g} s:\n{service.tail()}")
            await asyncio.sleep(0.1)
