"""Papers of the issuer against the registry's own contract: by both curves, and revoked by the issuer's signature."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import Address, to_address
from oracle.chain.accounts import KeyAccount
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import Deployed, project
from oracle.issuers.attestation import Attestation, attest
from oracle.issuers.issuing import Issuer
from oracle.issuers.revocation import NotRevoked, RegistryCall, revocation_call, send_call
from oracle.issuers.signing import KeyType, RegistryDomain
from oracle.passports.schema import SCHEMA_HASH
from oracle.processes import ProgramError
from tests.support.issuing import issue_to, new_issuer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class World:
    """A chain with a registry, and its administrator."""

    transactor: Transactor
    registry: Deployed

    async def accepts(self, attestation: Attestation, borrower: Address | None = None) -> bool:
        """Whether the contract's check lets an attestation pass."""
        said = attestation.statement
        given = (attestation.issuer, said.schema, said.valid_until, attestation.signature)
        who = Web3.to_checksum_address(borrower or said.borrower)
        try:
            await self.transactor.read(self.registry, "check", who, said.data_commitment.to_bytes(32, "big"), given)
        except ProgramError:
            return False
        return True

    async def add(self, issuer: Issuer) -> None:
        """Have the registry know an issuer, for the passport's schema."""
        key, owner = issuer.keys.attestation_key.public, named_account("owner")
        await self.transactor.call(owner, self.registry, "addIssuer", int(key.kind), key.key, "First Bank")
        await self.transactor.call(owner, self.registry, "setSchema", key.issuer_id, SCHEMA_HASH, True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    """A chain with a registry of issuers."""
    async with Anvil() as chain:
        transactor, owner = Transactor(chain), named_account("owner")
        await chain.set_balance(owner.address, 100 * ETHER)
        await chain.warp_to(int(time.time()))
        manager = await transactor.deploy(owner, project("AccessManager"), owner.address)
        registry = await transactor.deploy(owner, project("IssuerRegistry"), manager.address)
        yield World(transactor, registry)


@pytest.fixture(params=list(KeyType), ids=["secp256k1", "p256"])
def issuer(request: pytest.FixtureRequest, tmp_path: Path, world: World) -> Issuer:
    """An issuer of either curve, for the registry."""
    return new_issuer(tmp_path, request.param, registry=world.registry.address)


async def test_attestation__when_the_registry_knows_the_issuer__then_its_check_takes_it_and_nothing_else(
    world: World, issuer: Issuer
) -> None:
    attestation = issue_to(issuer).papers.attestation
    said, key = attestation.statement, issuer.keys.attestation_key
    digest = await world.transactor.read(
        world.registry,
        "attestationDigest",
        Web3.to_checksum_address(said.borrower),
        said.data_commitment.to_bytes(32, "big"),
        said.schema,
        said.valid_until,
    )
    assert digest == said.digest(issuer.settings.domain)
    assert await world.transactor.read(world.registry, "issuerId", int(key.public.kind), key.public.key) == (
        key.public.issuer_id
    )
    assert not await world.accepts(attestation)
    await world.add(issuer)
    assert await world.accepts(attestation)
    assert not await world.accepts(attestation, borrower=Address("0x" + "b0" * 20))
    over = attest(key, issuer.settings.domain, replace(said, valid_until=1_000))
    elsewhere = attest(key, RegistryDomain(1, issuer.settings.registry), said)
    for wrong in (over, replace(elsewhere, domain=issuer.settings.domain), replace(attestation, signature=b"")):
        assert not await world.accepts(wrong)


async def test_revocation__when_anybody_sends_what_the_issuer_signed__then_its_check_refuses_that_one_alone(
    world: World, issuer: Issuer
) -> None:
    await world.add(issuer)
    gone, other = issue_to(issuer).papers.attestation, issue_to(issuer).papers.attestation
    call = revocation_call(issuer.keys.attestation_key, issuer.settings.domain, gone.statement.data_commitment)
    stranger = named_account("stranger")
    await world.transactor.chain.set_balance(stranger.address, ETHER)
    w3: AsyncWeb3[AsyncHTTPProvider] = AsyncWeb3(AsyncHTTPProvider(world.transactor.chain.rpc_url))
    try:
        with pytest.raises(ConfigurationFault, match="chain 31337"):
            await send_call(w3, KeyAccount(stranger), call, 1)
        nowhere = RegistryCall(Address("0x" + "ea" * 20), call.data)
        with pytest.raises(ConfigurationFault, match="no registry"):
            await send_call(w3, KeyAccount(stranger), nowhere, 31337)
        forged = RegistryCall(call.to, call.data[:-40] + bytes(40))
        with pytest.raises(NotRevoked):
            await send_call(w3, KeyAccount(stranger), forged, 31337)
        assert await world.accepts(gone)
        await send_call(w3, KeyAccount(stranger), call, 31337)
    finally:
        await w3.provider.disconnect()
    assert not await world.accepts(gone)
    assert await world.accepts(other)


async def test_rotation__when_the_new_key_is_not_added_yet__then_only_the_old_one_s_attestations_pass(
    world: World, issuer: Issuer
) -> None:
    await world.add(issuer)
    old = issue_to(issuer).papers.attestation
    issuer.keys.rotate_attestation(KeyType.SECP256K1)
    new = issue_to(issuer).papers.attestation
    assert (await world.accepts(old), await world.accepts(new)) == (True, False)
    await world.add(issuer)
    assert (await world.accepts(old), await world.accepts(new)) == (True, True)


async def test_domain__when_of_the_settings__then_of_the_registry(issuer: Issuer, world: World) -> None:
    assert issuer.settings.domain == RegistryDomain(31337, to_address(world.registry.address))
