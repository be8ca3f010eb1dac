"""The local stack: chain, Postgres, the real Aave, this project's contracts, wallets, and the daemon beside them."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from oracle.assessment.request import Address, to_address
from oracle.config.settings import Settings, load_settings
from oracle.devnet.deploy import FEE_WEI, Contracts, deploy_contracts
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil, free_port
from oracle.devnet.machinery.node import REPOSITORY
from oracle.devnet.protocols.aave import Aave, deploy_aave
from oracle.devnet.protocols.attestations import AttestationService, attestation_settings, deploy_attestations
from oracle.devnet.protocols.beside_aave_v3 import Protocols, deploy_protocols, protocol_settings
from oracle.devnet.protocols.names import NameService, deploy_names
from oracle.devnet.wallets.borrowing import Lender
from oracle.devnet.wallets.histories import HISTORY_SECONDS, Scenario, Wallet, play_histories
from oracle.models.registry import DEFAULT_MODEL, ShippedModel, load
from oracle.pipeline.private.key_files import make_keys
from oracle.processes import Child, ProgramError, start
from oracle.store import database
from oracle.store.embedded import EmbeddedPostgres, create_database

_DAEMON_START_SECONDS: Final = 120.0
# The first blocks follow each other a second apart: what is deployed must not reach the present.
_DEPLOYMENT_SECONDS: Final = 7_200
_OWNER_COINS: Final = 20_000
_SIGNER_COINS: Final = 100
_ATTESTER_COINS: Final = 10

Say = Callable[[str], None]


@dataclass
class Stack:
    """A running local stack; `settings_file` is what a daemon on it is started with."""

    chain: Anvil
    transactor: Transactor
    market: Aave
    contracts: Contracts
    protocols: Protocols
    lender: Lender
    names: NameService
    attestations: AttestationService
    model: ShippedModel
    folder: Path
    database_url: str
    settings_file: Path
    server: EmbeddedPostgres
    scenario: Scenario | None = None
    daemons: list[Child] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The daemon's settings, as it reads them."""
        return load_settings(self.settings_file, {})

    @property
    def wallets(self) -> dict[str, Wallet]:
        """The wallets with histories, by name; raises ProgramError on a stack without."""
        if self.scenario is None:
            raise ProgramError("this local stack was started without histories: it has no wallets")
        return self.scenario.wallets

    @property
    def oracle_address(self) -> Address:
        """The oracle contract."""
        return to_address(self.contracts.oracle.address)

    async def start_daemon(self, name: str = "daemon", *, wait: bool = True) -> Child:
        """Start a daemon as its own process, by the entry point of production; return it when it is ready."""
        log = self.folder / f"{name}.log"
        command = [str(Path(sys.executable).with_name("risk-oracle")), "run", "--config", str(self.settings_file)]
        child = start("the daemon", command, log)
        self.daemons.append(child)
        if wait:
            await self.wait_ready(child)
        return child

    async def wait_ready(self, child: Child, timeout_seconds: float = _DAEMON_START_SECONDS) -> None:
        """Return when the daemon says that it is ready; raises ProgramError when it exits or is too slow."""
        url = f"http://127.0.0.1:{self.settings.web.port}/readyz"
        deadline = time.monotonic() + timeout_seconds
        async with aiohttp.ClientSession() as session:
            while True:
                if not child.running:
                    raise ProgramError(f"the daemon exited with code {child.returncode}:\n{child.tail()}")
                if time.monotonic() > deadline:
                    raise ProgramError(f"the daemon was not ready within {timeout_seconds:g} s:\n{child.tail()}")
                try:
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    pass  # not listening yet
                await asyncio.sleep(0.1)

    def stop_daemons(self) -> None:
        """End every daemon that was started here."""
        while self.daemons:
            self.daemons.pop().stop(timeout_seconds=12)


@asynccontextmanager
async def local_stack(
    folder: Path,
    *,
    chain_id: int = 31337,
    histories: bool = True,
    model: str = DEFAULT_MODEL,
    durable: bool = True,
    spent_nonces: int = 0,
    privacy: bool = False,
    say: Say = lambda _: None,
) -> AsyncIterator[Stack]:
    """Start everything below `folder` and stop it again, whatever happens in between.

    `histories` lets the wallets live through their 200 days first; `spent_nonces` transactions of the owner come
    before everything else, so that all addresses differ from another stack's; with `privacy` the daemon takes openings;
    `say` hears what is being done.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    now = int(time.time())
    genesis = now - (HISTORY_SECONDS + _DEPLOYMENT_SECONDS if histories else _DEPLOYMENT_SECONDS)
    server = EmbeddedPostgres(folder / "postgres", durable=durable)
    stack: Stack | None = None
    shipped = load(model)
    say("starting Postgres and a local chain")
    with server as server_url:
        async with Anvil(chain_id=chain_id, genesis_timestamp=genesis, log=folder / "anvil.log") as chain:
            try:
                database_url = create_database(server_url, "oracle")
                stack = await _build(folder, chain, server, database_url, shipped, spent_nonces, say)
                if privacy:
                    take_openings(stack)
                if histories:
                    say("letting the wallets live through 200 days")
                    stack.scenario = await play_histories(
                        stack.transactor,
                        stack.market,
                        end=int(time.time()),
                        lender=stack.lender,
                        names=stack.names,
                        attestations=stack.attestations,
                        protocols=stack.protocols,
                    )
                else:
                    await chain.warp_to(int(time.time()))
                    await chain.mine()
                yield stack
            finally:
                if stack is not None:
                    stack.stop_daemons()


def take_openings(stack: Stack) -> None:
    """Make the two keys of private data and let the daemons that start from here on take openings."""
    made = make_keys(stack.folder / "privacy")
    with stack.settings_file.open("a") as settings:
        settings.write(f'\n[privacy]\nsealing_key_file = "{made.sealing}"\nstorage_key_file = "{made.storage}"\n')


async def _build(
    folder: Path,
    chain: Anvil,
    server: EmbeddedPostgres,
    database_url: str,
    model: ShippedModel,
    spent_nonces: int,
    say: Say,
) -> Stack:
    transactor = Transactor(chain)
    owner, signer = named_account("owner"), named_account("operator")
    await chain.set_balance(to_address(owner.address), _OWNER_COINS * ETHER)
    await chain.set_balance(to_address(signer.address), _SIGNER_COINS * ETHER)
    for _ in range(spent_nonces):
        await transactor.send(owner, owner.address)
    say("deploying the real Aave V3")
    market = await deploy_aave(transactor, owner)
    say("deploying Aave V2, Venus, Uniswap V2 and V3")
    protocols = await deploy_protocols(transactor, owner, market)
    say("deploying the oracle, the model registry, the verifier and the lender")
    contracts = await deploy_contracts(transactor, owner, signer, model)
    names = await deploy_names(transactor, owner)
    attester = named_account("attester")
    await chain.set_balance(to_address(attester.address), _ATTESTER_COINS * ETHER)
    attestations = await deploy_attestations(transactor, owner, attester)
    engine = database.connect(database_url, pool_size=1)
    await database.migrate(engine)
    await engine.dispose()
    key_file = folder / "operator.key"
    key_file.touch(mode=0o600)
    key_file.write_text("0x" + bytes(signer.key).hex())
    settings_file = folder / "risk-oracle.toml"
    settings_file.write_text(
        _settings(chain, market, protocols, contracts, names, attestations, model, database_url, key_file)
    )
    lender = Lender(contracts.oracle, contracts.lending, FEE_WEI, model.neutral_commitment)
    return Stack(
        chain,
        transactor,
        market,
        contracts,
        protocols,
        lender,
        names,
        attestations,
        model,
        folder,
        database_url,
        settings_file,
        server,
    )


def _settings(
    chain: Anvil,
    market: Aave,
    protocols: Protocols,
    contracts: Contracts,
    names: NameService,
    attestations: AttestationService,
    model: ShippedModel,
    database_url: str,
    key_file: Path,
) -> str:
    return f"""# Written by the local stack.
[chain]
rpc_url = "{chain.rpc_url}"
ws_url = "{chain.ws_url}"
chain_id = {chain.chain_id}
oracle = "{contracts.oracle.address}"
start_block = {contracts.start_block}
confirmations = 1
poll_seconds = 1.0

[history]
coin_price_feed = "{market.feeds.contracts["WETH"].address}"
ens_registry = "{names.contract.address}"

[[history.aave_v3]]
addresses_provider = "{market.addresses_provider.address}"
pool = "{market.pool.address}"
start_block = {market.start_block}

{protocol_settings(protocols, market)}
{attestation_settings(attestations)}
[[history.lenders]]
name = "smart-lending"
address = "{contracts.lending.address}"
start_block = {contracts.start_block}

[model]
directory = "{model.directory.parent}"
keys = "{REPOSITORY / "build" / "keys" / model.name}"

[signer]
key_file = "{key_file}"

[database]
url = "{database_url}"

[web]
port = {free_port()}

[api]
enabled = true
"""
