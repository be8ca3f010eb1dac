"""What others attest of a wallet, in the real registry of the Ethereum Attestation Service on a local chain."""

import json
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import pytest_asyncio
from web3 import AsyncHTTPProvider, AsyncWeb3, Web3

from oracle.assessment.errors import BlockUnavailable, ConfigurationFault, HistoryIncomplete
from oracle.assessment.history import SocialRecord
from oracle.assessment.request import Address, BlockRef, to_address
from oracle.chain import rpc
from oracle.commands.doctor_attestations import examine_attestations
from oracle.commands.findings import Findings
from oracle.config.settings import AuditSettings
from oracle.devnet.machinery.accounts import ETHER, Transactor, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.protocols.attestations import (
    DEVELOPER,
    DEVELOPER_CONTRIBUTIONS,
    PERSON,
    AttestationService,
    attestation_settings,
    deploy_attestations,
)
from oracle.history.configuration import AttestationSchema
from oracle.history.identity.attestations import AttestationSource
from oracle.history.reading.memory import Stored, WalletMemory
from oracle.history.reading.reader import ChainReader
from oracle.processes import ProgramError
from tests.support.faulty_node import FaultyNode
from tests.support.played import attested_schemas, block_at

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY: Final = 86_400
SPAN: Final = 7
WALLETS: Final = iter(range(1, 1 << 20))


@dataclass
class World:
    """A chain with the service, and what of it counts."""

    chain: Anvil
    transactor: Transactor
    service: AttestationService
    schemas: tuple[AttestationSchema, ...]

    def wallet(self) -> Address:
        """A wallet of which nothing is attested yet."""
        return Address(f"0x{next(WALLETS):040x}")

    async def attest(
        self, wallet: Address, layout: str = PERSON, values: tuple[Any, ...] = (True,), **more: Any
    ) -> bytes:
        """Attest something."""
        return await self.service.attest(self.transactor, wallet, layout, values, **more)

    async def head(self) -> BlockRef:
        """The newest block."""
        return await block_at(self.chain, await self.chain.block_number())

    async def read(
        self, wallet: Address, at: BlockRef | None = None, url: str | None = None, **changes: Any
    ) -> set[str]:
        """What counts for a wallet."""
        schemas = [replace(one, **changes) for one in self.schemas]
        web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(url or self.chain.rpc_url))
        try:
            source = AttestationSource(ChainReader(web3), schemas[0].registry, schemas, span_blocks=SPAN)
            return set((await source.read(wallet, at or await self.head())).verifications)
        finally:
            await web3.provider.disconnect()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world() -> AsyncIterator[World]:
    """One chain for the file; each test has wallets of its own."""
    async with Anvil() as chain:
        transactor, owner, attester = Transactor(chain), named_account("owner"), named_account("attester")
        for account in (owner, attester, named_account("stranger")):
            await chain.set_balance(account.address, 100 * ETHER)
        try:
            service = await deploy_attestations(transactor, owner, attester)
        except ProgramError as error:
            pytest.skip(str(error))
        yield World(chain, transactor, service, attested_schemas(service))


async def test_attestation__when_it_stands__then_its_kind_counts_once(world: World) -> None:
    wallet = world.wallet()
    assert await world.read(wallet) == set()
    await world.attest(wallet)
    assert await world.read(wallet) == {"personhood"}
    await world.attest(wallet)
    old = (await world.head()).timestamp - 400 * DAY
    await world.attest(wallet, DEVELOPER, (old, DEVELOPER_CONTRIBUTIONS))
    assert await world.read(wallet) == {"personhood", "developer"}


async def test_attestation__when_it_is_revoked__then_it_counts_before_and_not_after(world: World) -> None:
    wallet = world.wallet()
    uid = await world.attest(wallet)
    before = await world.head()
    await world.service.revoke(world.transactor, PERSON, uid)
    # The registry's own word is that it is valid still.
    assert await world.transactor.read(world.service.contract, "isAttestationValid", uid) is True
    assert await world.read(wallet) == set()
    assert await world.read(wallet, before) == {"personhood"}
    await world.attest(wallet)
    assert await world.read(wallet) == {"personhood"}


async def test_attestation__when_it_expires__then_it_counts_up_to_that_second(world: World) -> None:
    wallet = world.wallet()
    ends = (await world.head()).timestamp + 1_000
    uid = await world.attest(wallet, expires_at=ends)
    await world.chain.warp_to(ends - 1)
    await world.chain.mine()
    last = await world.head()
    assert last.timestamp == ends - 1
    assert await world.read(wallet, last) == {"personhood"}
    await world.chain.warp_to(ends)
    await world.chain.mine()
    assert (await world.head()).timestamp == ends
    assert await world.transactor.read(world.service.contract, "isAttestationValid", uid) is True
    assert await world.read(wallet) == set()


async def test_attestation__when_made_after_the_block__then_it_does_not_count_there(world: World) -> None:
    wallet = world.wallet()
    await world.chain.mine()
    before = await world.head()
    await world.attest(wallet)
    assert await world.read(wallet, before) == set()
    assert await world.read(wallet) == {"personhood"}


async def test_attestation__when_a_stranger_or_the_wallet_itself_attests__then_it_gives_nothing(world: World) -> None:
    stranger = named_account("stranger")
    own = to_address(stranger.address)
    for wallet in (world.wallet(), own):
        await world.attest(wallet, by=stranger)
        assert await world.read(wallet) == set()


async def test_attestation__when_of_a_schema_that_is_not_configured__then_it_gives_nothing(world: World) -> None:
    wallet = world.wallet()
    owner, layout = named_account("owner"), "bool isPerson,uint8 level"
    await world.transactor.call(owner, world.service.schemas, "register", layout, "0x" + "00" * 20, True)
    await world.attest(wallet, layout, (True, 1))
    assert await world.read(wallet) == set()


async def test_attesters__when_each_has_a_schema__then_none_counts_for_the_other_s(world: World) -> None:
    person, developer = world.schemas
    wallet, stranger = world.wallet(), named_account("stranger")
    await world.attest(wallet, by=stranger)
    other = replace(developer, attesters=(to_address(stranger.address),))
    crossed = replace(world, schemas=(person, other))
    assert await crossed.read(wallet) == set()
    assert await replace(world, schemas=(replace(person, attesters=other.attesters), other)).read(wallet) == {
        "personhood"
    }


@pytest.mark.parametrize(
    ("age_days", "contributions", "counts"),
    [(366, 50, True), (365, 50, False), (366, 49, False), (0, 50, False), (-1, 50, False), (10**6, 50, False)],
)
async def test_account__when_too_young_or_of_low_standing__then_it_does_not_count(
    world: World, age_days: int, contributions: int, counts: bool
) -> None:
    wallet, now = world.wallet(), (await world.head()).timestamp
    # A second more than 365 days must pass: what is asked is the age at the block, which comes after this moment.
    created = 0 if age_days == 10**6 else now - age_days * DAY + (2_000 if age_days == 365 else 0)
    await world.attest(wallet, DEVELOPER, (created, contributions))
    assert await world.read(wallet) == ({"developer"} if counts else set())


async def test_flag__when_false__then_it_does_not_count(world: World) -> None:
    wallet = world.wallet()
    await world.attest(wallet, values=(False,))
    assert await world.read(wallet) == set()


async def test_data__when_not_of_the_layout__then_it_counts_only_where_no_layout_is_named(world: World) -> None:
    wallet = world.wallet()
    request = (Web3.to_checksum_address(wallet), 0, True, bytes(32), b"\x07", 0)
    await world.transactor.call(
        world.service.attester, world.service.contract, "attest", (world.service.uid(PERSON), request)
    )
    assert await world.read(wallet) == set()
    bare = replace(world.schemas[0], layout="", flag_field="")
    assert await replace(world, schemas=(bare,)).read(wallet) == {"personhood"}


async def test_start_block__when_the_block_is_before_it__then_nothing_is_asked(world: World) -> None:
    wallet = world.wallet()
    await world.attest(wallet)
    head = await world.head()
    assert await world.read(wallet, start_block=head.number + 1, url="http://127.0.0.1:1") == set()


async def test_registry__when_no_contract_is_there__then_a_fault_of_the_settings(world: World) -> None:
    with pytest.raises(ConfigurationFault, match="no code there"):
        await world.read(world.wallet(), registry=Address("0x" + "ea" * 20))


@pytest.mark.parametrize("what", ["another", "none", "reorganised"])
async def test_node__when_it_contradicts_itself__then_a_gap_and_never_nothing(world: World, what: str) -> None:
    wallet, other = world.wallet(), world.wallet()
    uid, elsewhere = await world.attest(wallet), await world.attest(other)
    asked = {"another": elsewhere, "none": b"\x01" * 32}.get(what, uid)
    held = await world.chain.rpc("eth_call", _get(world, asked), "latest")

    def tamper(method: str, params: list[Any], answer: dict[str, Any]) -> Any:
        if method != "eth_call" or uid.hex() not in json.dumps(params):
            return answer
        if what == "reorganised":
            return {**answer, "error": {"code": -32001, "message": "header for hash not found"}, "result": None}
        return {**answer, "result": held}

    async with FaultyNode(world.chain.rpc_url, tamper) as node:
        with pytest.raises(BlockUnavailable if what == "reorganised" else HistoryIncomplete):
            await world.read(wallet, url=node.url)


def _get(world: World, uid: bytes) -> dict[str, str]:
    return {"to": world.service.contract.address, "data": world.service.contract.encode("getAttestation", uid)}


async def test_memory__when_read_again_later__then_only_new_blocks_are_asked_and_a_revocation_is_seen(
    world: World,
) -> None:
    wallet = world.wallet()
    uid = await world.attest(wallet)
    first, kept = await _remembered(world, wallet, {})
    assert first == SocialRecord(frozenset({"personhood"}))
    await world.service.revoke(world.transactor, PERSON, uid)
    second, _ = await _remembered(world, wallet, kept)
    assert second == SocialRecord()


async def _remembered(
    world: World, wallet: Address, known: dict[str, Stored]
) -> tuple[SocialRecord, dict[str, Stored]]:
    at = await world.head()
    memory = WalletMemory(at, wallet, known)
    web3: AsyncWeb3[Any] = AsyncWeb3(AsyncHTTPProvider(world.chain.rpc_url))
    source = AttestationSource(
        ChainReader(web3, memory=memory), world.schemas[0].registry, world.schemas, span_blocks=1_000
    )
    found = await source.read(wallet, at)
    await web3.provider.disconnect()
    return found, dict(memory.changed())


@pytest.mark.parametrize(
    ("changed", "level", "told"),
    [
        ({}, "ok", "personhood, by 1 attesters: bool isPerson"),
        ({"schema_uid": "0x" + "77" * 32}, "fault", "is not registered"),
        ({"layout": "bool isPerson,uint8 level"}, "fault", "registered as 'bool isPerson'"),
        ({"registry": "0x" + "ea" * 20}, "fault", "no code there"),
    ],
)
async def test_doctor__when_it_looks_at_a_schema__then_it_says_whether_the_registry_holds_it(
    world: World, changed: dict[str, str], level: str, told: str
) -> None:
    [person, _] = tomllib.loads(attestation_settings(world.service))["history"]["attestations"]
    given: dict[str, Any] = {
        "chain": {"rpc_url": world.chain.rpc_url, "chain_id": 31337, "oracle": "0x" + "11" * 20},
        "history": {"coin_price_feed": "0x" + "11" * 20, "attestations": [person | changed]},
    }
    settings, findings = AuditSettings.model_validate(given), Findings()
    web3 = rpc.connect(world.chain.rpc_url, 10)
    await examine_attestations(findings, web3, settings)
    await web3.provider.disconnect()
    [line] = findings.lines
    assert (line.subject, line.level) == ("attestations local-person", level)
    assert told in line.found
