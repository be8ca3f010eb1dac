"""The real oracle contract on a local chain, with its access manager and registry, for tests that talk to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest
from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3

from oracle.assessment.request import to_address
from oracle.chain.contracts import OracleContract
from oracle.chain.rpc import connect
from oracle.chain.signer import Signer
from oracle.chain.transactions import TransactionClient
from oracle.devnet.machinery.accounts import ETHER, Sent, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, project
from oracle.processes import ProgramError

FEE_WEI: Final = 10**15
LIFETIME_SECONDS: Final = 3_600
ZERO: Final = "0x" + "00" * 20
TERMS: Final = (ZERO, 3 * ETHER, Web3.to_checksum_address("0x" + "cc" * 20), 2**128 - 1, 30 * 86_400)
COMMITMENT: Final = 12_345


@dataclass(frozen=True)
class OracleOnChain:
    """What a test needs of the deployed oracle: typed access as the daemon has it, and hands to act with."""

    chain: Anvil
    transactor: Transactor
    w3: AsyncWeb3[AsyncHTTPProvider]
    owner: LocalAccount
    user: LocalAccount
    signer: Signer
    manager: Deployed
    registry: Deployed
    deployed: Deployed
    contract: OracleContract
    client: TransactionClient

    async def ask(self, commitment: int = COMMITMENT) -> Sent:
        """Make a request as the user."""
        return await self.transactor.call(
            self.user, self.deployed, "requestAssessment", TERMS, commitment.to_bytes(32, "big"), value=FEE_WEI
        )


@asynccontextmanager
async def oracle_on(chain: Anvil) -> AsyncIterator[OracleOnChain]:
    """Deploy the oracle on an empty chain; skips the test when the contracts are not compiled."""
    try:
        creations = [project(name) for name in ("AccessManager", "ModelRegistry", "AIRiskOracle")]
    except ProgramError as error:
        pytest.skip(f"the contracts are not compiled: {error}")
    owner, user, key = (named_account(name) for name in ("owner", "user", "signer"))
    for account in (owner, user, key):
        await chain.set_balance(account.address, 1_000 * ETHER)
    transactor = Transactor(chain)
    manager = await transactor.deploy(owner, creations[0], owner.address)
    registry = await transactor.deploy(owner, creations[1], manager.address, 0)
    settings = ([key.address], 1, FEE_WEI, LIFETIME_SECONDS, LIFETIME_SECONDS, owner.address, True)
    deployed = await transactor.deploy(owner, creations[2], manager.address, registry.address, *settings)
    w3 = connect(chain.rpc_url, 10.0)
    try:
        yield OracleOnChain(
            chain=chain,
            transactor=transactor,
            w3=w3,
            owner=owner,
            user=user,
            signer=Signer(key.key.to_0x_hex()),
            manager=manager,
            registry=registry,
            deployed=deployed,
            contract=OracleContract(w3, to_address(deployed.address), chain.chain_id),
            client=TransactionClient(w3),
        )
    finally:
        await w3.provider.disconnect()
