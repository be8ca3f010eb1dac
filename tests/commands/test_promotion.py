"""Promotion and rollback on the real registry and access manager, with two real models, verifiers and proofs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from oracle.assessment.errors import ConfigurationFault
from oracle.assessment.request import to_address
from oracle.chain.contracts import ModelState
from oracle.chain.governance import Governance, Proposal
from oracle.chain.signer import Signer
from oracle.commands import promotion
from oracle.commands.governing import Desk, NotGovernor, desk
from oracle.commands.promotion import deploy_verifier, promote, roll_back
from oracle.config.settings import AuditSettings
from oracle.devnet.machinery.accounts import ETHER, named_account
from oracle.devnet.machinery.anvil import Anvil
from oracle.devnet.machinery.artifacts import project
from oracle.models.registry import ShippedModel
from tests.support.oracle_on_chain import OracleOnChain, oracle_on
from tests.support.second_model import TwoModels

DAY = 86_400
PROPOSERS = 7


class Office:
    """A chain with the oracle, settings that name it, and what the commands said."""

    def __init__(self, on_chain: OracleOnChain, models: TwoModels) -> None:
        self.chain = on_chain
        self.models = models
        self.said: list[str] = []
        self.settings = AuditSettings.model_validate(
            {
                "chain": {
                    "rpc_url": on_chain.chain.rpc_url,
                    "chain_id": on_chain.chain.chain_id,
                    "oracle": on_chain.deployed.address,
                    "poll_seconds": 0.05,
                },
                "history": {"coin_price_feed": on_chain.deployed.address},
                "model": {"directory": models.directory, "keys": models.keys},
            }
        )

    @asynccontextmanager
    async def desk(self, account: LocalAccount | None) -> AsyncIterator[Desk]:
        self.said.clear()
        signer = None if account is None else Signer(account.key.to_0x_hex())
        async with desk(self.settings, signer, self.said.append) as found:
            yield found

    async def active(self) -> tuple[bytes | None, bytes | None]:
        return await (await self.chain.contract.registry()).active()

    async def state(self, model_id: bytes) -> ModelState:
        return (await (await self.chain.contract.registry()).model(model_id)).state


def with_keys(settings: AuditSettings, folder: Path) -> AuditSettings:
    """Return settings that look for keys in another folder."""
    return settings.model_copy(update={"model": settings.model.model_copy(update={"keys": folder})})


@pytest.fixture
async def office(chain: Anvil, two_models: TwoModels) -> AsyncIterator[Office]:
    async with oracle_on(chain) as on_chain:
        yield Office(on_chain, two_models)


async def taken(*_: object) -> None:
    """Leave out the check by a proof, where a test is about something else: it takes seconds."""


@pytest.fixture
def without_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "_check_proof", taken)


@pytest.mark.usefixtures("without_proofs")
async def test_promote_and_roll_back__two_models__end_with_the_first_again(office: Office, tmp_path: Path) -> None:
    models, owner = office.models, office.chain.owner
    async with office.desk(owner) as at:
        assert await promote(at, models.first, None, models.build)
        assert await office.active() == (models.first.model_id, None)
        assert await promote(at, models.first, None, models.build)
        assert "is the primary: nothing to do" in office.said[-1]
        with pytest.raises(ConfigurationFault, match="no shadow to roll back to"):
            await roll_back(at)

        assert await promote(at, models.second, None, models.build)
        assert await office.active() == (models.second.model_id, models.first.model_id)
        assert f"0x{models.first.model_id.hex()} is its shadow" in office.said[-1]
        with pytest.raises(ConfigurationFault, match=r"credit-v1 .* the active shadow: .*models rollback"):
            await promote(at, models.first, None, models.build)

        at.settings = with_keys(at.settings, tmp_path)
        assert await promote(at, models.second, None, models.build)
        assert "note: daemons here cannot answer with it: no keys of model" in office.said[-1]
        office.said.clear()
        # It stops nothing: what answers elsewhere, and must be taken back now, is.
        assert await roll_back(at)
        assert "note: daemons here cannot answer with it: no keys of model" in office.said[0]
        assert await office.active() == (models.first.model_id, None)
        with pytest.raises(ConfigurationFault, match=r"credit-next .* was retired, .* only once"):
            await promote(at, models.second, None, models.build)


async def test_promote__build_of_other_keys__is_refused_before_it_is_paid_for(office: Office, tmp_path: Path) -> None:
    models, build = office.models, tmp_path
    # The other model's verifier stands where this one's is looked for, as after keys were made anew.
    (build / "verifiers").mkdir()
    (build / "verifiers" / models.second.name).symlink_to((models.build / "verifiers" / models.first.name).resolve())
    height = await office.chain.chain.block_number()
    async with office.desk(office.chain.owner) as at:
        with pytest.raises(ConfigurationFault, match=r"was generated from other keys than those in .*credit-next"):
            await promote(at, models.second, None, build)
    assert await office.state(models.second.model_id) is ModelState.NONE
    assert await office.chain.chain.block_number() == height


async def test_promote__verifier_of_other_keys__is_refused_by_a_proof_before_it_is_activated(office: Office) -> None:
    first, second = office.models.first, office.models.second
    async with office.desk(office.chain.owner) as at:
        other = await deploy_verifier(at, first, office.models.build)
        code = await office.chain.chain.rpc("eth_getCode", other, "latest")
        facts = (second.feature_spec_hash, second.neutral_commitment, second.output_scales)
        proposal = Proposal(other, keccak(hexstr=code), *facts)
        assert await at.act("propose", at.governance.propose(second.model_id, proposal))
        with pytest.raises(ConfigurationFault, match=r"refuses a proof of model credit-next .* other keys"):
            await promote(at, second, None, office.models.build)
    assert await office.state(second.model_id) is ModelState.PROPOSED


async def test_promote__without_any_build__makes_the_verifier_from_the_shipped_code(
    office: Office, tmp_path: Path
) -> None:
    async with office.desk(office.chain.owner) as at:
        assert await promote(at, office.models.second, None, tmp_path)
    assert await office.active() == (office.models.second.model_id, None)


@pytest.mark.usefixtures("without_proofs")
async def test_promote__by_a_key_without_a_role__is_refused_before_anything_is_paid_for(office: Office) -> None:
    stranger = named_account("stranger")
    await office.chain.chain.set_balance(stranger.address, ETHER)
    async with office.desk(stranger) as at:
        with pytest.raises(NotGovernor, match=rf"gives {stranger.address.lower()} no role .*--key-file.*--calldata"):
            await promote(at, office.models.first, None, office.models.build)
        assert at.signer is not None
        assert await office.chain.client.nonce(at.signer.address) == 0
        address = await deploy_verifier(at, office.models.first, office.models.build)
        with pytest.raises(NotGovernor):
            await promote(at, office.models.first, address, office.models.build)
        assert await office.state(office.models.first.model_id) is ModelState.NONE


@pytest.mark.usefixtures("without_proofs")
async def test_promote__as_calldata__does_what_the_command_would_when_a_governor_sends_it(office: Office) -> None:
    models, owner = office.models, office.chain.owner
    async with office.desk(owner) as at:
        verifier = await deploy_verifier(at, models.first, models.build)
    async with office.desk(None) as at:
        with pytest.raises(ConfigurationFault, match=r"--calldata needs --verifier ADDRESS.*deploy-verifier"):
            await promote(at, models.first, None, models.build)
        for state in (ModelState.PROPOSED, ModelState.ACTIVE):
            assert not await promote(at, models.first, verifier, models.build)
            to, data = office.said[-1].split()[1::2]
            await office.chain.transactor.send(owner, to, data)
            assert await office.state(models.first.model_id) is state


async def under_a_timelock(office: Office) -> None:
    """Let the office govern a registry of its own, whose proposals wait for a day."""
    on_chain, owner = office.chain, office.chain.owner
    slow = await on_chain.transactor.deploy(owner, project("ModelRegistry"), on_chain.manager.address, DAY)
    settings = ([on_chain.signer.address], 1, 1, 3_600, 3_600, owner.address, True)
    checksummed = [on_chain.w3.to_checksum_address(on_chain.signer.address)]
    deployed = await on_chain.transactor.deploy(
        owner, project("AIRiskOracle"), on_chain.manager.address, slow.address, checksummed, *settings[1:]
    )
    office.settings = office.settings.model_copy(
        update={"chain": office.settings.chain.model_copy(update={"oracle": deployed.address.lower()})}
    )


async def pass_days(office: Office, at: Desk, days: int) -> None:
    await office.chain.chain.warp_to(await at.now() + days * DAY + 1)
    await office.chain.chain.mine()


@pytest.mark.usefixtures("without_proofs")
async def test_promote__under_a_timelock__goes_on_where_it_stopped(office: Office) -> None:
    model, build = office.models.first, office.models.build
    await under_a_timelock(office)
    async with office.desk(office.chain.owner) as at:
        assert not await promote(at, model, None, build)
        assert "is proposed; run this again from" in office.said[-1]
        assert not await promote(at, model, None, build)
        assert (await at.registry.active())[0] is None
        await pass_days(office, at, 1)
        assert await promote(at, model, None, build)
        assert (await at.registry.active())[0] == model.model_id


@pytest.mark.usefixtures("without_proofs")
async def test_promote__when_the_proposal_expired__then_it_is_made_again_with_the_same_verifier(office: Office) -> None:
    model, build = office.models.first, office.models.build
    await under_a_timelock(office)
    async with office.desk(office.chain.owner) as at:
        assert not await promote(at, model, None, build)
        proposed = await at.registry.model(model.model_id)
        await pass_days(office, at, 1 + 30)
        assert not await promote(at, model, None, build)
        assert any("expired: it is made again" in line for line in office.said)
        again = await at.registry.model(model.model_id)
        assert again.verifier == proposed.verifier
        assert again.activatable_at > proposed.activatable_at + 30 * DAY
        await pass_days(office, at, 1)
        assert await promote(at, model, None, build)
        assert (await at.registry.active())[0] == model.model_id


def at_propose(office: Office, model: ShippedModel) -> bytes:
    """Return the calldata of some proposal."""
    registry = to_address(office.chain.registry.address)
    proposal = Proposal(registry, bytes(32), bytes(32), 1, model.output_scales)
    return Governance(office.chain.w3, registry).propose(model.model_id, proposal)


@pytest.mark.usefixtures("without_proofs")
async def test_promote__by_a_role_with_a_delay__waits_on_the_managers_schedule(office: Office) -> None:
    on_chain, model, build = office.chain, office.models.first, office.models.build
    governor = named_account("governor")
    await on_chain.chain.set_balance(governor.address, ETHER)
    selector = at_propose(office, model)[:4]
    call, manager, registry = on_chain.transactor.call, on_chain.manager, on_chain.registry.address
    await call(on_chain.owner, manager, "setTargetFunctionRole", registry, [selector], PROPOSERS)
    await call(on_chain.owner, manager, "grantRole", PROPOSERS, governor.address, DAY)
    async with office.desk(governor) as at:
        verifier = await deploy_verifier(at, model, build)
        for _ in range(2):
            assert not await promote(at, model, verifier, build)
            assert "scheduled with the access manager; run this again from" in office.said[-1]
        assert await office.state(model.model_id) is ModelState.NONE
        await on_chain.chain.warp_to(await at.now() + DAY + 1)
        await on_chain.chain.mine()
        # Proposed now; activation is another role's, which this key does not have.
        with pytest.raises(NotGovernor, match="activate model credit-v1"):
            await promote(at, model, verifier, build)
    assert await office.state(model.model_id) is ModelState.PROPOSED
